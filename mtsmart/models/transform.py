"""What every transform of an encoder is built from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, ClassVar, Generic, TypeVar

from torch import Tensor

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
        excludes: names of transforms that cannot be asked for beside this one.
    """

    settings_type: ClassVar[Any]
    order: ClassVar[Order]
    excludes: ClassVar[tuple[str, ...]] = ()

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
    again: the settings, and the tensors that the encoder without them lacks.

    An adapter may have a part of its own for each head. Then it says so in ``by_head``, and has the three methods after
    it. The parts are stored with the heads.

    Attributes:
        merges: whether ``remove`` leaves an encoder that computes the same. If not, a task cannot be exported.
    """

    order: ClassVar[Order] = Order.ADAPT
    merges: ClassVar[bool]

    @abstractmethod
    def remove(self, encoder: Encoder) -> None:
        """Give ``encoder`` the modules of its architecture back, in place; the opposite of ``apply``.

        Parts of heads are lost, but for the part of the head in use.
        """

    @classmethod
    def plain_name(cls, name: str) -> str:
        """The name that a tensor of the adapted model has without this adapter."""
        return name

    @property
    def by_head(self) -> bool:
        """Whether each head has a part of its own."""
        return False

    def add_head(self, encoder: Encoder, head: str) -> None:
        """Add a head's own part, which computes nothing until ``use_head``."""

    def use_head(self, encoder: Encoder, head: str | None) -> None:
        """Let ``encoder`` compute with a head's own part; None: with that of no head."""

    def names_of_head(self, encoder: Encoder, head: str) -> set[str]:
        """The names, in ``encoder.model``, of the tensors of a head's own part."""
        return set()


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
            encoder.by_head |= transform.by_head


def adapters_of(encoder: Encoder) -> list[Adapter[Any]]:
    """The adapters that the encoder has, in the order of adding."""
    found = [TRANSFORMS[name](settings) for name, settings in encoder.adapters.items()]
    return [transform for transform in found if isinstance(transform, Adapter)]


def add_heads(encoder: Encoder, heads: Iterable[str]) -> None:
    """Add the parts of adapters that belong to heads. Their first values come from torch's global generator."""
    if not encoder.by_head:
        return
    for head in heads:
        for adapter in adapters_of(encoder):
            if adapter.by_head:
                adapter.add_head(encoder, head)
        encoder.own_heads.append(head)


def use_head(encoder: Encoder, head: str | None) -> None:
    """Let the encoder compute with the parts of adapters that belong to a head; None: with none of them."""
    if not encoder.by_head or encoder.head_in_use == head:
        return
    for adapter in adapters_of(encoder):
        if adapter.by_head:
            adapter.use_head(encoder, head)
    encoder.head_in_use = head


@contextmanager
def using_head(encoder: Encoder, head: str | None) -> Iterator[None]:
    """As ``use_head``; afterwards the encoder computes as before."""
    before = encoder.head_in_use
    use_head(encoder, head)
    try:
        yield
    finally:
        use_head(encoder, before)


def tensors_of_head(encoder: Encoder, head: str) -> dict[str, Tensor]:
    """The tensors, themselves and not copies, of the parts of adapters that belong to a head, by name."""
    names: set[str] = set()
    for adapter in adapters_of(encoder):
        names |= adapter.names_of_head(encoder, head)
    found = encoder.model.state_dict(keep_vars=True)
    return {name: found[name] for name in sorted(names)}
