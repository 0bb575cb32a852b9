"""What the configuration knows of a transform of the encoder: the type of what stands under its key."""

from __future__ import annotations

from typing import Any, Protocol

from mtsmart.registry import Registry


class TransformEntry(Protocol):
    """An entry of ``TRANSFORMS``; ``mtsmart.models.transform.Transform`` is the class that entries derive from."""

    @classmethod
    def section(cls) -> Any:
        """The type of what stands under the transform's key, as pydantic validates it."""

    @classmethod
    def expand(cls, value: Any) -> Any:
        """The long form of what the user wrote; None means that nothing was written."""


TRANSFORMS: Registry[Any] = Registry(
    "transform of the encoder",
    folder="mtsmart.models.transforms",
    group="mtsmart.transforms",
    needs=["settings_type", "order", "section", "expand", "apply"],
)
