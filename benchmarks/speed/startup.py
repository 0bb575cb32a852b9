"""How long the command line takes to answer: the light commands, and those that load a run's model.

The latter are measured beside ``import torch``, and beside the import of transformers' BERT, without which no model of
transformers can be loaded.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import mtsmart
from benchmarks.speed.timing import interleaved, paired_ratio, spread, table, verdict
from benchmarks.speed.workload import PLAIN, fixed_length

# The commands run in a folder with a run whose data has eight rows of eight tokens.
LIGHT = {"mtsmart --help": 0.3, "mtsmart tasks list": 1.5}  # seconds
IMPORT_TORCH = "import torch"
IMPORTS = (IMPORT_TORCH, "from transformers.models.bert.modeling_bert import BertModel")
WITH_MODEL = (
    "mtsmart predict run --task generated --input rows8.jsonl",
    "mtsmart evaluate run --file rows8.jsonl",
    "mtsmart export run --task generated --overwrite exported",
)
MOST = 3  # times the seconds of import torch


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of each command, as a process."""
    folder.mkdir(parents=True)
    experiment = fixed_length(folder, 8, 8, 8)
    mtsmart.train(experiment, [*PLAIN.overrides, "training.epochs=1"], output_dir=folder / "run", progress=False)
    program = str(Path(sys.executable).with_name("mtsmart"))
    arms = {command: partial(_run, [program, *command.split()[1:]], folder) for command in (*LIGHT, *WITH_MODEL)}
    arms |= {text: partial(_run, [sys.executable, "-c", text], folder) for text in IMPORTS}
    return interleaved(arms, repeats)


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=folder)


def page(measured: Mapping[str, Sequence[float]]) -> list[str]:
    """The section of RESULTS.md."""
    rows = []
    for command, most in LIGHT.items():
        told = verdict(statistics.median(measured[command]), most, unit="seconds")
        rows.append([f"`{command}`", spread(measured[command], 2), told])
    base = measured[IMPORT_TORCH]
    for text in IMPORTS:
        told = f"{paired_ratio(measured[text], base):.1f} times `{IMPORT_TORCH}`"
        rows.append([f"`python -c '{text}'`", spread(measured[text], 2), told])
    for command in WITH_MODEL:
        told = verdict(paired_ratio(measured[command], base), MOST, unit=f"times `{IMPORT_TORCH}`")
        rows.append([f"`{command}`", spread(measured[command], 2), told])
    return ["## Start of the command line", "", *table(["", "seconds, median (range)", ""], rows)]
