"""A plain update in float32, and under autocast to bfloat16 on this processor with our linear layers or torch's."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.speed.timing import interleaved, paired_ratio, spread, table
from benchmarks.speed.workload import PLAIN, batches_of, fixed_length, run_updates, trainer
from mtsmart.cpu.linear import WidenedLinear

BATCH = 32
TOKENS = 32
OWN = "bfloat16, torch's own linear layers"
ARMS = {"float32": "float32", "bfloat16": "bfloat16", OWN: "bfloat16"}


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of an update of each arm; nothing where there is a GPU."""
    if torch.cuda.is_available():
        return {}
    folder.mkdir(parents=True)
    experiment = fixed_length(folder, BATCH, TOKENS, BATCH)
    arms = {}
    for index, (name, precision) in enumerate(ARMS.items()):
        made = trainer(experiment, PLAIN.changed(f"training.precision={precision}"), folder / str(index))
        if name == OWN:
            _give_back(made.setup.model)
        arms[name] = partial(run_updates, made, batches_of(made))
    return interleaved(arms, repeats)


def _give_back(model: nn.Module) -> None:
    for module in model.modules():
        if type(module) is WidenedLinear:
            module.__class__ = nn.Linear  # type: ignore[assignment]


def page(measured: dict[str, Any]) -> list[str]:
    """The section of RESULTS.md."""
    if not measured:
        return ["## Precision on a CPU", "", "Not measured: there was a GPU.", ""]
    rows = [
        [arm, spread(seconds, 2), f"{paired_ratio(seconds, measured['float32']):.2f}"]
        for arm, seconds in measured.items()
    ]
    return [
        "## Precision on a CPU",
        "",
        f"A plain update of {BATCH} rows of {TOKENS} tokens. Where a processor does not multiply in bfloat16, ours "
        "multiplies the rounded numbers in float32 (mtsmart/cpu/linear.py); elsewhere the last two lines are the "
        "same code.",
        "",
        *table(["", "seconds an update, median (range)", "times float32"], rows),
    ]
