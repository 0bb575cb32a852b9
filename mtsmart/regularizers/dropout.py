"""Dropout masks of one forward pass, seen again by others: the perturbed pass has the masks of the clean one.

Independent masks would make a smoothness term measure mostly dropout (about five times the adversarial part).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from mtsmart.random_state import random_state, set_random_state


class DropoutMasks:
    """The masks that a forward pass draws inside ``recorded()``, drawn there again inside each ``replayed()``.

    Either the generator goes back to where it was, or what it drew is kept. Drawing costs next to nothing on a GPU,
    and a twelfth of a forward pass on a CPU.

    Args:
        device: of the model.
        keep: keep what is drawn (a byte for each number of a mask). Not for passes that are compiled, or computed
            again in the backward pass (gradient checkpointing): what they draw is not seen here.
    """

    def __init__(self, device: torch.device, keep: bool = False) -> None:
        self._device, self._state = device, random_state(device)
        self._kept: list[Tensor] | None = [] if keep else None

    def recorded(self) -> AbstractContextManager[Any]:
        """For the pass whose masks these are; entered at once after construction."""
        return nullcontext() if self._kept is None else _Keep(self._kept)

    def replayed(self) -> AbstractContextManager[Any]:
        """For a pass of equal shapes; afterwards the generator goes on as if nothing had been drawn."""
        return self._rewound() if self._kept is None else _Give(self._kept)

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
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


class _Keep(TorchDispatchMode):
    """Keeps what random operations give."""

    def __init__(self, kept: list[Tensor]) -> None:
        super().__init__()
        self._kept = kept

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if _draws(func):
            # The masks of dropout are zeros and ones: a byte each.
            self._kept.append(out.bool() if func is torch.ops.aten.bernoulli_.float else out.clone())
        return out


class _Give(TorchDispatchMode):
    """Gives random operations what others have drawn, in their order."""

    def __init__(self, kept: list[Tensor]) -> None:
        super().__init__()
        self._kept = iter(kept)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not _draws(func):
            return func(*args, **(kwargs or {}))
        kept = next(self._kept)
        return args[0].copy_(kept) if func._schema.is_mutable else kept.clone()


def _draws(func: Any) -> bool:
    """Fused attention, which returns several tensors, is marked as random but takes no dropout on a CPU."""
    return torch.Tag.nondeterministic_seeded in func.tags and len(func._schema.returns) == 1
