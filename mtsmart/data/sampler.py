"""The multi-task sampler: which rows of which task make each batch, as a pure function of (seed, epoch)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mtsmart.config.sections import MixingConfig
from mtsmart.data.mixing import batches_per_task

_CHUNK = 50  # batches' worth of rows that are sorted by length together; larger: less padding, less random


class BatchIndex(NamedTuple):
    """Rows of one task that make a batch, and a seed for what its collation draws."""

    task: str
    rows: tuple[int, ...]
    seed: int = 0


class MultiTaskSampler:
    """Plans epochs of same-task batches.

    Since a plan depends on nothing but (seed, epoch), the state of a run is two numbers: the epoch and how many of
    its batches are done.

    Args:
        lengths: task -> (N,) tokens per row; N is the task's size.
        batch_size: rows in a batch, one number or one a task; a task's last batch of a pass may be smaller.
        mixing: how tasks are mixed.
        epochs: how many epochs there will be (annealed mixing needs it).
        seed: of all orders.
        length_grouped: batch rows of like length together.
    """

    def __init__(
        self,
        lengths: Mapping[str, np.ndarray],
        batch_size: int | Mapping[str, int],
        mixing: MixingConfig,
        epochs: int,
        seed: int,
        length_grouped: bool = True,
    ) -> None:
        self.lengths, self.mixing = dict(lengths), mixing
        self.batch_sizes = dict.fromkeys(lengths, batch_size) if isinstance(batch_size, int) else dict(batch_size)
        self.epochs, self.seed, self.length_grouped = epochs, seed, length_grouped
        self.sizes = {task: len(values) for task, values in self.lengths.items()}

    def __len__(self) -> int:
        """Batches in an epoch; the same for every epoch."""
        return sum(self.counts(0).values())

    def counts(self, epoch: int) -> dict[str, int]:
        """Batches of each task in ``epoch``."""
        return batches_per_task(self.sizes, self.batch_sizes, self.mixing, epoch, self.epochs)

    def plan(self, epoch: int) -> list[BatchIndex]:
        """All batches of ``epoch`` (from 0), in order."""
        batches = [batch for task, count in self.counts(epoch).items() for batch in self._draw(task, count, epoch)]
        order = np.random.default_rng([self.seed, epoch]).permutation(len(batches))
        return [batches[i] for i in order]

    def _draw(self, task: str, count: int, epoch: int) -> list[BatchIndex]:
        """``count`` batches of a task: passes over its rows, each in a new order, the last one cut short."""
        drawn: list[BatchIndex] = []
        cycle = 0
        while len(drawn) < count:
            # The name, not the position, seeds the order: adding a task leaves the others' batches as they are.
            rng = np.random.default_rng([self.seed, epoch, zlib.crc32(task.encode()), cycle])
            batches = self._one_pass(task, rng)
            seeds = rng.integers(2**31, size=len(batches))
            drawn += [BatchIndex(task, rows, int(seed)) for rows, seed in zip(batches, seeds, strict=True)]
            cycle += 1
        return drawn[:count]

    def _one_pass(self, task: str, rng: np.random.Generator) -> list[tuple[int, ...]]:
        order, size = rng.permutation(self.sizes[task]), self.batch_sizes[task]
        if self.length_grouped:
            chunk = size * _CHUNK
            parts = [order[start : start + chunk] for start in range(0, len(order), chunk)]
            order = np.concatenate([part[np.argsort(-self.lengths[task][part], kind="stable")] for part in parts])
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        return [tuple(map(int, batches[i])) for i in rng.permutation(len(batches))]


def evaluation_batches(lengths: np.ndarray, batch_size: int) -> list[tuple[int, ...]]:
    """All rows once, longest first, so that batches hold rows of like length and memory peaks at the start."""
    order = np.argsort(-lengths, kind="stable")
    return [tuple(map(int, order[start : start + batch_size])) for start in range(0, len(order), batch_size)]
