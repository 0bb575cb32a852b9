"""Replaying dropout masks: the perturbed pass sees the masks of the clean one.

Independent masks would make a smoothness term measure mostly dropout (about five times the adversarial part).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mtsmart.random_state import random_state, set_random_state


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
