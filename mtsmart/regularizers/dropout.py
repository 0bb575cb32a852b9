"""Replaying dropout masks: the perturbed pass sees the masks of the clean one.

Independent masks would make a smoothness term measure mostly dropout (about five times the adversarial part).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The state of the generators that draw dropout masks on ``device``."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    """Go on drawing from ``state``."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


@contextmanager
def replayed(state: dict[str, Tensor], device: torch.device) -> Iterator[None]:
    """Draw random numbers from ``state`` inside the context; afterwards go on as if nothing had been drawn."""
    before = random_state(device)
    set_random_state(state, device)
    try:
        yield
    finally:
        set_random_state(before, device)


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
