"""What every method costs beside plain training: seconds, passes and memory on the same batches."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from benchmarks.speed import memory, process_memory
from benchmarks.speed.timing import interleaved, paired_ratio, spread, table, verdict
from benchmarks.speed.workload import PLAIN, Arm, batches_of, fixed_length, run_updates, trainer
from mtsmart.models.encoder import Encoder
from mtsmart.regularizers import REGULARIZERS
from mtsmart.training.trainer import Trainer

BATCH = 32
TOKENS = 64
UPDATES = 2
PLAIN_UNITS = 3  # a forward pass, and a backward pass that computes the gradients of activations and of weights
LIMIT = 1.1  # times what the passes take
ARM = "plain"
LEFT_OUT = ("distill",)  # it needs finished runs


def arms() -> dict[str, Arm]:
    """Plain training, and each method with its first preset."""
    methods = [name for name in REGULARIZERS if name not in LEFT_OUT and REGULARIZERS[name].presets]
    own = {name: Arm((f"{name}={REGULARIZERS[name].presets[0].name}",), frozenset({name})) for name in methods}
    return {ARM: PLAIN, **own}


def measure(folder: Path, repeats: int) -> dict[str, dict[str, Any]]:
    """For each arm: seconds of ``UPDATES`` updates a round, units of work an update, bytes of memory."""
    folder.mkdir(parents=True)
    experiment = fixed_length(folder, BATCH * UPDATES, TOKENS, BATCH)
    made = {name: trainer(experiment, arm, folder / name) for name, arm in arms().items()}
    batches = batches_of(made[ARM])
    units = {name: units_of(each, batches) for name, each in made.items()}
    seconds = interleaved({name: partial(run_updates, each, batches) for name, each in made.items()}, repeats)
    del made
    found = {}
    for name, arm in arms().items():
        with multiprocessing.get_context(process_memory.START_METHOD).Pool(1) as pool:
            peak = pool.apply(memory.peak, (experiment, arm, folder / "memory"))
        found[name] = {"seconds": seconds[name], "units": units[name], "bytes": peak}
    return found


def units_of(made: Trainer, batches: list[Any]) -> float:
    """Units of work an update: forward passes, and what backward passes compute of activations and of weights.

    A unit is about one pass over an encoder's matrices, the teacher's among them. Work that is no pass, such as moving
    an average, is none.
    """
    counts: Counter[str] = Counter()

    def count(name: str, *_: Any) -> None:
        counts[name] += 1

    def after_forward(module: Any, inputs: Any, output: Any) -> None:
        if isinstance(module, Encoder):
            count("forward")
            if output[0].requires_grad:
                output[0].register_hook(partial(count, "activations"))

    layers = made.setup.model.encoder.layers
    assert layers is not None
    linear = next(module for module in layers[-1].modules() if isinstance(module, nn.Linear))
    hook = register_module_forward_hook(after_forward)
    with _seeing_weights(linear, partial(count, "weights")):
        run_updates(made, batches)
    hook.remove()
    return sum(counts.values()) / len(batches)


@contextmanager
def _seeing_weights(linear: nn.Linear, see: Callable[[Tensor], None]) -> Iterator[None]:
    """Each pass has the layer's weights in a tensor of its own, so that each gradient of them is seen."""
    parameters = linear._parameters
    plain = type(linear).forward

    def forward(given: Tensor) -> Tensor:
        weight = parameters["weight"]
        assert weight is not None
        own = weight.view_as(weight)
        if own.requires_grad:
            own.register_hook(see)
        parameters["weight"] = own  # type: ignore[assignment]
        try:
            return plain(linear, given)
        finally:
            parameters["weight"] = weight

    linear.forward = forward  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        del linear.forward


def page(measured: dict[str, dict[str, Any]]) -> list[str]:
    """The section of RESULTS.md."""
    plain = measured[ARM]
    rows = []
    for name, one in measured.items():
        ratio = paired_ratio(one["seconds"], plain["seconds"])
        expected = one["units"] / plain["units"]
        megabytes = one["bytes"] / plain["bytes"]
        seconds = spread([value / UPDATES for value in one["seconds"]])
        share = verdict(ratio / expected, LIMIT)
        rows.append([name, seconds, f"{one['units']:g}", f"{ratio:.2f}", f"{expected:.2f}", share, f"{megabytes:.2f}"])
    return [
        "## What every method costs",
        "",
        f"Batches of {BATCH} rows of {TOKENS} tokens, {UPDATES} updates an arm and round on the same batches, each "
        "method with its first preset. A unit of work is a forward pass, or the gradients of activations or of weights "
        f"in a backward pass; plain training has {PLAIN_UNITS}. Memory is the peak of a process of its own.",
        "",
        *table(
            ["", "seconds an update, median (range)", "units", "times plain", "by its units", "of that", "memory"], rows
        ),
    ]
