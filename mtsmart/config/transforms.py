"""The transforms of the encoder by name. Each derives from ``mtsmart.models.transform.Transform``."""

from __future__ import annotations

from typing import Any

from mtsmart.registry import Registry

# The fingerprint of a sweep's run names these also where they are not applied: they are older than the first ledgers,
# whose hashes must stay valid. It is a list here, because the transforms themselves need torch.
COUNTED_WHEN_OFF = ("layers",)

TRANSFORMS: Registry[Any] = Registry(
    "transform of the encoder",
    folder="mtsmart.models.transforms",
    group="mtsmart.transforms",
    needs=["settings_type", "order", "section", "expand", "apply"],
)
