"""The part of an encoder transform that the configuration needs: the type of its key's value."""

from __future__ import annotations

from typing import Any, Protocol

from mtsmart.registry import Registry


class TransformEntry(Protocol):
    """An entry of ``TRANSFORMS``. Entries derive from ``mtsmart.models.transform.Transform``."""

    @classmethod
    def section(cls) -> Any:
        """The type of the value of the transform's key, which pydantic validates."""

    @classmethod
    def expand(cls, value: Any) -> Any:
        """The long form of the user's value; None if the user wrote nothing."""


# The fingerprint of a sweep's run names these also where they are not applied: they are older than the first ledgers,
# whose hashes must stay valid. It is a list here, because the transforms themselves need torch.
COUNTED_WHEN_OFF = ("layers",)

TRANSFORMS: Registry[Any] = Registry(
    "transform of the encoder",
    folder="mtsmart.models.transforms",
    group="mtsmart.transforms",
    needs=["settings_type", "order", "section", "expand", "apply"],
)
