"""Chooses the precision of a run that leaves the choice to mtsmart (``training.precision: auto``)."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol

import torch
from torch import Tensor, nn

from mtsmart.cpu.linear import speed_up_linears
from mtsmart.hardware import bfloat16_units
from mtsmart.models.encoder import Encoder
from mtsmart.processes import ALONE, Processes
from mtsmart.regularizers import rounded_away
from mtsmart.runs.changes import Described

AUTO = "auto"
_FLOAT32 = "float32"
_BFLOAT16 = "bfloat16"
_CLEARLY = 1.2  # times as fast; less is not worth the digits, and may be an accident of the measurement
_WIDEST = 1024  # what a layer is measured with; bfloat16 gains more in wider ones
_GROWTH = 4  # an encoder's inner layers are so many times as wide as its outputs
_LENGTH = 32  # tokens of a row
_ROWS = {"cpu": 16, "cuda": 128}  # a GPU's batches are larger, and small ones show only how fast kernels start
_ROUNDS = 7
_ENOUGH = 0.5  # seconds after which no further round begins


@dataclass(frozen=True)
class Choice:
    """The precision of a run that left it open.

    Attributes:
        precision: ``float32`` or ``bfloat16``.
        reason: why, in a few words.
    """

    precision: str
    reason: str

    def __str__(self) -> str:
        return f"precision: {self.precision} (auto: {self.reason})"


class Hardware(Protocol):
    """What is asked of a machine, so that tests can ask one that is not there."""

    def units(self, device: torch.device) -> str | None:
        """What multiplies bfloat16 in the device, in words; None: nothing does it without a detour."""

    def speedup(self, device: torch.device, width: int) -> float:
        """How many times as fast as in float32 the layers of an encoder of this width are in bfloat16."""


class ThisMachine:
    """Asks the processor and torch, and measures."""

    def units(self, device: torch.device) -> str | None:
        """As :class:`Hardware` says."""
        return bfloat16_units(device)

    def speedup(self, device: torch.device, width: int) -> float:
        """As :class:`Hardware` says. It takes some milliseconds, once in a process."""
        return _measured(device, min(width, _WIDEST), torch.get_num_threads())


MACHINE = ThisMachine()


def settle_precision(
    given: Described,
    encoder: Encoder,
    processes: Processes = ALONE,
    begun: Described | None = None,
    hardware: Hardware = MACHINE,
) -> tuple[Described, Choice | None]:
    """The configuration with the precision that it leaves open.

    Args:
        given: the configuration, and the tasks.
        encoder: the run's.
        processes: those that train together. The first one chooses for all.
        begun: the interrupted run that is resumed. Its precision stays.
        hardware: what is asked of the machine.

    Returns:
        the configuration, and what was chosen; None where the experiment names a precision.
    """
    if given.config.training.precision != AUTO:
        return given, None
    earlier = AUTO if begun is None else begun.config.training.precision
    if earlier == AUTO:
        choice = processes.on_main(lambda: choose_precision(given, encoder, processes.device, hardware))
    else:
        choice = Choice(earlier, "that of the interrupted run")
    training = given.config.training.model_copy(update={"precision": choice.precision})
    return replace(given, config=given.config.model_copy(update={"training": training})), choice


def choose_precision(given: Described, encoder: Encoder, device: torch.device, hardware: Hardware = MACHINE) -> Choice:
    """bfloat16 where no method needs more digits and the device multiplies it clearly faster; otherwise float32.

    Args:
        given: the configuration, and the tasks.
        encoder: the run's.
        device: where it is trained.
        hardware: what is asked of the machine.
    """
    units = hardware.units(device)
    if units is None:
        return Choice(_FLOAT32, f"nothing multiplies bfloat16 fast on this {device.type}")
    if lost := rounded_away(given.config, given.definitions, encoder):
        return Choice(_FLOAT32, f"bfloat16 would round {' and '.join(each.setting for each in lost)} away")
    faster = hardware.speedup(device, encoder.hidden_size)
    measured = f"with {units} bfloat16 is {faster:.2g} times as fast"
    if faster < _CLEARLY:
        return Choice(_FLOAT32, f"{measured}, and taken from {_CLEARLY:g} on")
    return Choice(_BFLOAT16, measured)


@cache
def _measured(device: torch.device, width: int, threads: int) -> float:
    """The speedup of bfloat16. The best of several rounds counts; both precisions take turns."""
    layers = _layers(device, width)
    tokens = torch.ones(_ROWS.get(device.type, _ROWS["cpu"]), _LENGTH, width, device=device)
    best = dict.fromkeys((False, True), float("inf"))
    for halved in best:
        _seconds(layers, tokens, halved)  # The first use loads kernels.
    began = time.perf_counter()
    for number in range(_ROUNDS):
        if number > 1 and time.perf_counter() - began > _ENOUGH:
            break
        for halved, seconds in best.items():
            best[halved] = min(seconds, _seconds(layers, tokens, halved))
    return best[False] / best[True]


def _layers(device: torch.device, width: int) -> nn.Sequential:
    """The products of an encoder's layer, in the form in which a run computes them.

    Nothing is drawn for their weights, because a run must draw the same numbers whether it is measured or not.
    """
    inner = _GROWTH * width
    sizes = ((width, width), (width, inner), (inner, width))
    layers = nn.Sequential(*(nn.utils.skip_init(nn.Linear, *size, device=device) for size in sizes))
    for parameter in layers.parameters():
        nn.init.constant_(parameter, 1 / width)
    speed_up_linears(layers)
    return layers


@torch.enable_grad()
def _seconds(layers: nn.Sequential, tokens: Tensor, halved: bool) -> float:
    """How long a pass and its gradients take."""
    _wait(tokens.device)
    began = time.perf_counter()
    with torch.autocast(tokens.device.type, dtype=torch.bfloat16, enabled=halved):
        output = layers(tokens)
    output.float().sum().backward()
    _wait(tokens.device)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
