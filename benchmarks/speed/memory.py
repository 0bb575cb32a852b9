"""Peak memory of an update, each arm in a process of its own."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed import process_memory
from benchmarks.speed.process_memory import status
from benchmarks.speed.timing import paired_ratio, spread, table, verdict
from benchmarks.speed.workload import ONE_PASS, PLAIN, TEACHER, Arm, batches_of, fixed_length, run_updates, trainer
from mtsmart.cpu.allocator import keeping_freed_memory

BATCH = 32
TOKENS = 128
UPDATES = 3
CHECKPOINTED = "encoder.gradient_checkpointing=true"
ARMS = {
    "plain": PLAIN,
    "SMART + MBPP, one pass": ONE_PASS + TEACHER,
    "SMART + MBPP, one pass, gradient checkpointing": (ONE_PASS + TEACHER).changed(CHECKPOINTED),
    "plain, gradient checkpointing": PLAIN.changed(CHECKPOINTED),
}
LIMITS = {"SMART + MBPP, one pass": 2.0, "SMART + MBPP, one pass, gradient checkpointing": 1.2}


def measure(folder: Path, repeats: int) -> dict[str, list[int]]:
    """Bytes: the peak less what the process had before it loaded a model."""
    folder.mkdir(parents=True)
    experiment = fixed_length(folder, BATCH * UPDATES, TOKENS, BATCH)
    found: dict[str, list[int]] = {name: [] for name in ARMS}
    for _ in range(repeats):
        for name, arm in ARMS.items():
            with multiprocessing.get_context(process_memory.START_METHOD).Pool(1) as pool:
                found[name].append(pool.apply(peak, (experiment, arm, folder / "run")))
    return found


def peak(experiment: Path, arm: Arm, folder: Path) -> int:
    """Bytes that some updates take at most, in a process that has done nothing before."""
    before = status("VmRSS")
    made = trainer(experiment, arm, folder)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with keeping_freed_memory():
        run_updates(made, batches_of(made))
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else status("VmHWM") - before


def page(measured: dict[str, Any]) -> list[str]:
    """The section of RESULTS.md."""
    rows = []
    for arm, values in measured.items():
        ratio = paired_ratio(values, measured["plain"])
        limit = LIMITS.get(arm)
        megabytes = spread([value / 2**20 for value in values], 0)
        rows.append([arm, megabytes, f"{ratio:.2f}" if limit is None else verdict(ratio, limit)])
    return [
        "## Peak memory",
        "",
        f"{BATCH} rows of {TOKENS} tokens, {UPDATES} updates, a process an arm: its peak less what it had before it "
        "loaded a model (weights, gradients, optimizer, teacher and activations are counted; libraries are not).",
        "",
        *table(["", "MB, median (range)", "times plain"], rows),
    ]
