"""The share of padding in training batches, for each way to make them: the most that unpadded batches could save."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoTokenizer

from benchmarks.speed import workload
from benchmarks.speed.timing import table
from benchmarks.speed.workload import MIX
from mtsmart.config.sections import DataConfig, MixingConfig
from mtsmart.data.sampler import MultiTaskSampler
from mtsmart.models.loading import resolve_path
from mtsmart.preparation.preparer import Preparer
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskLibrary

BATCHES = (16, 32)
LENGTH = 128
SPLIT = "train"  # with a slice, as in a task's splits, only some rows are read
WAYS: dict[str, dict[str, Any]] = {
    "random batches": {"length_grouped": False},
    "length-grouped (default)": {},
    "as many tokens as 32 rows of 64": {"max_tokens": 32 * 64},
}


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    """Share of padding in an epoch of the whole tasks, by way and batch size. Nothing is timed."""
    tokenizer = AutoTokenizer.from_pretrained(resolve_path(workload.ENCODER))
    preparer = Preparer(tokenizer, DataConfig(max_length=LENGTH, cache_dir=str(folder)), None)
    library = TaskLibrary()
    some = {"splits": {"train": SPLIT}}
    tasks = [build_task(name, library[name].model_copy(update=some)) for name in MIX]
    lengths = {task.name: preparer.split(task, "train").lengths for task in tasks}
    return {way: {str(size): padding(lengths, size, options) for size in BATCHES} for way, options in WAYS.items()}


def padding(lengths: dict[str, np.ndarray], batch_size: int, options: dict[str, Any]) -> float:
    """Share of positions without a token, over an epoch."""
    sampler = MultiTaskSampler(lengths, batch_size, MixingConfig(), 1, 0, **options)
    batches: Iterable[np.ndarray] = (lengths[batch.task][list(batch.rows)] for batch in sampler.plan(0))
    tokens, positions = map(sum, zip(*((b.sum(), b.max() * len(b)) for b in batches), strict=True))
    return float(1 - tokens / positions)


def page(measured: dict[str, Any]) -> list[str]:
    """The section of RESULTS.md."""
    rows = [[way, *(f"{share:.1%}" for share in shares.values())] for way, shares in measured.items()]
    return [
        "## Padding",
        "",
        f"Share of padding in an epoch of the whole of {', '.join(MIX)} (max_length {LENGTH}): the most that batches "
        "without padding could save.",
        "",
        *table(["", *(f"batches of at most {size}" for size in BATCHES)], rows),
    ]
