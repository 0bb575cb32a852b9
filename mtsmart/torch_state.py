"""The state of torch: random generators, to replay dropout masks and in resume points, and what a caller has set."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

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


@contextmanager
def kept_generators() -> Iterator[None]:
    """A context after which the random generators of Python, numpy and torch are as before."""
    of_python = random.getstate()
    of_numpy = np.random.get_state()
    of_torch = torch.get_rng_state()
    seed = torch.initial_seed()
    of_accelerators = _states_of_accelerators()
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        torch.set_rng_state(of_torch)
        _restore_accelerators(of_accelerators, seed)


@contextmanager
def _with_gradients() -> Iterator[None]:
    """A context in which torch computes gradients, also where the caller has switched them off."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


@contextmanager
def without_autocast() -> Iterator[None]:
    """A context in which products have the precision of mtsmart's own settings, not of an autocast of the caller."""
    with ExitStack() as stack:
        for kind in ("cpu", kind_of_accelerator()):
            if kind is not None and torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextmanager
def own_torch_state() -> Iterator[None]:
    """A context, and a decorator, for what trains or loads: the caller's state changes nothing, and is kept."""
    with kept_generators(), _with_gradients(), without_autocast():
        yield


def _states_of_accelerators() -> dict[torch.device, Tensor]:
    """Device -> the state of its generator. It is empty before torch first uses an accelerator."""
    kind = _kind_in_use()
    if kind is None:
        return {}
    module = torch.get_device_module(kind)
    devices = [torch.device(kind, number) for number in range(torch.accelerator.device_count())]
    return {device: module.get_rng_state(*_number(device)) for device in devices}


def _restore_accelerators(states: dict[torch.device, Tensor], seed: int) -> None:
    """Put the states back. An accelerator that had none got its first use meanwhile; it begins with the seed."""
    kind = _kind_in_use()
    if kind is not None and not states:
        torch.get_device_module(kind).manual_seed_all(seed)
    for device, state in states.items():
        torch.get_device_module(device).set_rng_state(state, *_number(device))


def _kind_in_use() -> str | None:
    """The accelerator that torch has begun to use. To ask an unused one for its state would make forks fail."""
    kind = kind_of_accelerator()
    if kind is None:
        return None
    has_begun = getattr(torch.get_device_module(kind), "is_initialized", lambda: True)
    return kind if has_begun() else None


def kind_of_accelerator() -> str | None:
    """What torch calls the kind of accelerator of this machine; None if there is none."""
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return None if accelerator is None else accelerator.type
