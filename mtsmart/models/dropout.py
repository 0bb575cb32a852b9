"""Dropout masks of one forward pass, seen again by others: the perturbed pass has the masks of the clean one.

Independent masks would make a smoothness term measure mostly dropout (tests/regularizers/test_smart.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from mtsmart.torch_state import random_state, set_random_state


class DropoutMasks:
    """The masks that a forward pass draws inside ``recorded()``, drawn there again inside each ``replayed()``.

    On most devices the generator goes back to where it was. On a CPU drawing takes a good part of a forward pass, so
    there the masks are drawn faster, and kept for the passes that replay them.

    Args:
        device: of the model.
        seen: whether operations can be seen as they run: on a CPU, where the pass is neither compiled nor computed
            again in the backward pass (gradient checkpointing).
        keep: whether the masks will be replayed.
    """

    def __init__(self, device: torch.device, seen: bool = False, keep: bool = True) -> None:
        self._device = device
        self._seen = seen
        self._keep = keep
        self._state = random_state(device) if keep else {}
        self._kept: list[Tensor | _Divided] = []

    def recorded(self) -> AbstractContextManager[Any]:
        """For the pass whose masks these are; entered at once after construction."""
        if not self._seen:
            return nullcontext()
        return _Keep(self._kept) if self._keep else _Draw()

    def replayed(self) -> AbstractContextManager[Any]:
        """For a pass of equal shapes; afterwards the generator goes on as if nothing had been drawn.

        Raises:
            RuntimeError: the masks were not kept.
        """
        if not self._keep:
            raise RuntimeError("the masks of this pass were not kept: the method must say that it replays masks")
        return _Give(self._kept) if self._seen else self._rewound()

    def not_kept(self) -> DropoutMasks:
        """Masks that nobody can replay: for a pass that is only a part of this one."""
        return DropoutMasks(self._device, keep=False)

    @contextmanager
    def _rewound(self) -> Iterator[None]:
        before = random_state(self._device)
        set_random_state(self._state, self._device)
        try:
            yield
        finally:
            set_random_state(before, self._device)


@contextmanager
def without_dropout(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the context; afterwards each module's own mode again."""
    training = [module for module in model.modules() if module.training]
    if training:
        model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def has_dropout(model: nn.Module) -> bool:
    """Whether a part of the model draws dropout masks when it is trained."""
    return any(share > 0 for module in model.modules() for share in _shares_dropped(module))


def _shares_dropped(module: nn.Module) -> Iterator[float]:
    """The shares that a module itself drops. Some attention modules keep theirs as a plain number."""
    for name in _SHARES:
        value = getattr(module, name, None)
        if isinstance(value, int | float):
            yield float(value)


def draw(mask: Tensor, share: float = 0.5, generator: torch.Generator | None = None) -> Tensor:
    """Fill a float tensor with ones, each with probability ``share``, and zeros: ``bernoulli_``, but faster on a CPU.

    Four numbers come from 64 random bits, so ``share`` is rounded to a multiple of 2^-16 (0.9 becomes 0.9 - 6e-6).
    Where that would change it or its complement by more than a thousandth, torch draws. Without a ``generator`` the
    bits come from torch's own.
    """
    bound = round(share * 2**16)
    if mask.device.type != "cpu" or not _COARSE < bound < 2**16 - _COARSE:
        return mask.bernoulli_(share, generator=generator)
    count = mask.numel()
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None, generator=generator)
    return torch.lt(bits.view(torch.int16)[:count].view(mask.shape), bound - 2**15, out=mask)


_SHARES = ("p", "drop_prob", "dropout", "attention_dropout")
_BERNOULLI = torch.ops.aten.bernoulli_.float
_COARSE = 500


class _Seeing(TorchDispatchMode):
    """Sees the operations of a pass that is not compiled, so torch need not keep its compiler away from them."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


class _Draw(_Seeing):
    """Draws the masks of dropout faster than torch does."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs)


class _Keep(_Seeing):
    """Draws as ``_Draw`` does, and keeps what random operations give.

    The masks of dropout are drawn and then divided by the share that they leave. Those are kept as they are, without
    a copy: the backward pass needs them anyway, and nothing changes them any more.
    """

    def __init__(self, kept: list[Tensor | _Divided]) -> None:
        super().__init__()
        self._kept = kept
        self._drawn: Tensor | None = None  # by the operation before

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        drawn = self._drawn
        self._drawn = None
        if drawn is not None:
            self._kept.append(_Divided(drawn) if _divides(func, args, drawn) else drawn.clone())
        out = _computed(func, args, kwargs)
        if _draws(func, kwargs) and func._schema.is_mutable:
            self._drawn = out
        elif _draws(func, kwargs):
            self._kept.append(out.clone())
        return out

    def __exit__(self, *error: Any) -> None:
        if self._drawn is not None:
            self._kept.append(self._drawn.clone())
        super().__exit__(*error)


def _computed(func: Any, args: Any, kwargs: Any) -> Any:
    """What an operation gives, drawn faster where it draws a mask of dropout."""
    return draw(*args) if func is _BERNOULLI and not kwargs else func(*args, **(kwargs or {}))


class _Give(_Seeing):
    """Gives random operations what others have drawn, in their order."""

    def __init__(self, kept: list[Tensor | _Divided]) -> None:
        super().__init__()
        self._kept = iter(kept)
        self._given: Tensor | None = None  # divided already

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self._given is not None and _divides(func, args, self._given):
            self._given = None
            return args[0]
        if not _draws(func, kwargs):
            return func(*args, **(kwargs or {}))
        kept = next(self._kept, None)
        if kept is None:
            raise RuntimeError("this pass draws more random numbers than the one whose masks it was to see again")
        if isinstance(kept, _Divided):
            self._given = args[0].set_(kept.mask)  # shares its memory
            return self._given
        return args[0].copy_(kept) if func._schema.is_mutable else kept.clone()


@dataclass(frozen=True)
class _Divided:
    """A mask of dropout, divided by the share that it leaves."""

    mask: Tensor


def _draws(func: Any, kwargs: Mapping[str, Any] | None) -> bool:
    """Whether an operation draws from torch's own generator. Draws from another one are not seen again here."""
    return _is_random(func) and (kwargs or {}).get("generator") is None


@cache
def _is_random(func: Any) -> bool:
    """Fused attention, which returns several tensors, is marked as random but takes no dropout on a CPU."""
    return torch.Tag.nondeterministic_seeded in func.tags and len(func._schema.returns) == 1


def _divides(func: Any, args: Any, drawn: Tensor) -> bool:
    """Whether an operation divides ``drawn`` in place, as dropout does right after it has drawn a mask."""
    return func.overloadpacket is torch.ops.aten.div_ and args[0] is drawn
