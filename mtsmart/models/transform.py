"""What every transform of an encoder is built from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, ClassVar, Generic, TypeVar

from mtsmart.config.transforms import TRANSFORMS
from mtsmart.models.encoder import Encoder

S = TypeVar("S")


class Order(IntEnum):
    """When a transform is applied: the encoder gets its size first, then parts are frozen, then parts are added.

    What depends on all parameters, such as their learning rates, comes last.
    """

    LAYERS = 1
    FREEZE = 2
    ADAPT = 3
    RATES = 4


class Transform(ABC, Generic[S]):
    """What is done to an encoder right after it is loaded.

    The name in ``TRANSFORMS`` is the transform's key in the ``encoder:`` section of an experiment.

    Attributes:
        settings_type: the type of the key's value, as pydantic validates it, annotated with a ``Field`` whose
            description documents the key. None means that the transform is not applied.
        order: when the transform is applied.
    """

    settings_type: ClassVar[Any]
    order: ClassVar[Order]

    def __init__(self, settings: S) -> None:
        self.settings = settings

    @classmethod
    def section(cls) -> Any:
        """The type of what stands under the transform's key."""
        return cls.settings_type

    @classmethod
    def expand(cls, value: Any) -> Any:
        """The long form of what the user wrote."""
        return value

    @classmethod
    def summary(cls, settings: Any) -> str:
        """A few words on what the transform does with these settings, for a run's card and for the console."""
        return str(settings)

    @abstractmethod
    def apply(self, encoder: Encoder) -> None:
        """Change ``encoder`` in place.

        What is drawn at random comes from torch's global generator, so that a resumed run draws the same.

        Raises:
            CheckpointError: the transform does not fit this encoder; names the key and what would fit.
        """


class Adapter(Transform[S]):
    """A transform after which the encoder has modules that its architecture does not have.

    A saved model holds the encoder without them, which ``AutoModel`` loads, and beside it what they need to be added
    again: the settings, and all tensors of the adapted encoder.

    Attributes:
        merges: whether ``remove`` leaves an encoder that computes the same. If not, a task cannot be exported.
    """

    order: ClassVar[Order] = Order.ADAPT
    merges: ClassVar[bool]

    @abstractmethod
    def remove(self, encoder: Encoder) -> None:
        """Give ``encoder`` the modules of its architecture back, in place; the opposite of ``apply``."""


def summaries_of_transforms(settings: dict[str, Any]) -> list[str]:
    """One short text for each transform, in the order in which they are applied.

    Args:
        settings: name of a transform -> validated value of its key.
    """
    return [f"encoder.{name}: {TRANSFORMS[name].summary(settings[name])}" for name in _in_order(settings)]


def _in_order(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: TRANSFORMS[name].order)


def apply_transforms(encoder: Encoder, settings: dict[str, Any]) -> None:
    """Apply transforms in their order.

    Args:
        encoder: is changed in place; notes its adapters.
        settings: name of a transform -> validated value of its key.

    Raises:
        CheckpointError: a transform does not fit the encoder.
    """
    for name in _in_order(settings):
        transform = TRANSFORMS[name](settings[name])
        transform.apply(encoder)
        if isinstance(transform, Adapter):
            encoder.adapters[name] = settings[name]
