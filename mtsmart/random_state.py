"""The state of torch's random generators. It is used to replay dropout masks and in resume points."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The state of the generators that draw dropout masks on ``device``."""
    state = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        state[device.type] = torch.get_device_module(device).get_rng_state(*_number(device))
    return state


def set_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    """Set the generators to ``state``, so that the next draws continue from it."""
    torch.set_rng_state(state["cpu"])
    if device.type != "cpu" and device.type in state:
        torch.get_device_module(device).set_rng_state(state[device.type], *_number(device))


def _number(device: torch.device) -> tuple[torch.device, ...]:
    """The argument that selects one of several devices. It is empty for Apple's device, which has no number."""
    return () if device.type == "mps" else (device,)


def draw_apart(seed: int, rank: int) -> None:
    """Seed torch differently in each process except the first one, so that their dropout masks differ."""
    if rank:
        torch.manual_seed(int(np.random.SeedSequence([seed, rank]).generate_state(1)[0]))
