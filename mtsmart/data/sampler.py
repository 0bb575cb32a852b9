"""The multi-task sampler: which rows of which task make each batch, as a pure function of (seed, epoch)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, overload

import numpy as np

from mtsmart.config.sections import MixingConfig
from mtsmart.data.mixing import batches_per_task

_CHUNK = 50  # batches' worth of rows that are sorted by length together; larger: less padding, less random
_STEPS = 8  # with a token budget, lengths count as equal that round up to the same of so many steps to a doubling


class BatchIndex(NamedTuple):
    """Rows of one task that make a batch, and a seed for what its collation draws."""

    task: str
    rows: tuple[int, ...]
    seed: int = 0


class _Drawn(NamedTuple):
    """A task's batches: batch i has the rows ``order[starts[i]:ends[i]]`` and the seed ``seeds[i]``."""

    order: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    seeds: np.ndarray


class Plan(Sequence[BatchIndex]):
    """The batches of an epoch, in order; all numbers stay in arrays, so that millions of rows take little memory.

    Args:
        drawn: task -> its batches.
        tasks: (M,) each batch's task, counted in the order of ``drawn``.
        numbers: (M,) which of the task's batches it is.
    """

    def __init__(self, drawn: Mapping[str, _Drawn], tasks: np.ndarray, numbers: np.ndarray) -> None:
        self._drawn, self._tasks, self._numbers = list(drawn.items()), tasks, numbers

    def __len__(self) -> int:
        return len(self._tasks)

    @overload
    def __getitem__(self, index: int) -> BatchIndex: ...
    @overload
    def __getitem__(self, index: slice) -> Plan: ...
    def __getitem__(self, index: int | slice) -> BatchIndex | Plan:
        if isinstance(index, slice):
            return Plan(dict(self._drawn), self._tasks[index], self._numbers[index])
        task, (order, starts, ends, seeds) = self._drawn[self._tasks[index]]
        number = self._numbers[index]
        return BatchIndex(task, tuple(order[starts[number] : ends[number]].tolist()), int(seeds[number]))


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
        max_tokens: most tokens of a batch, padding included (a single row may have more); None: no limit.
        sequences: task -> (N,) sequences per row, for tasks whose rows are lists of them.
    """

    def __init__(
        self,
        lengths: Mapping[str, np.ndarray],
        batch_size: int | Mapping[str, int],
        mixing: MixingConfig,
        epochs: int,
        seed: int,
        length_grouped: bool = True,
        max_tokens: int | None = None,
        sequences: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.lengths, self.mixing = dict(lengths), mixing
        self.batch_sizes = dict.fromkeys(lengths, batch_size) if isinstance(batch_size, int) else dict(batch_size)
        self.epochs, self.seed, self.length_grouped = epochs, seed, length_grouped
        self.max_tokens, self.sequences = max_tokens, dict(sequences or {})
        self.sizes = {task: len(values) for task, values in self.lengths.items()}
        self._cuts = {task: self._batch_starts(task) for task in self.lengths}

    def __len__(self) -> int:
        """Batches in an epoch; the same for every epoch."""
        return sum(self.counts(0).values())

    def overlong(self) -> list[str]:
        """A text for each task of which rows have more tokens than a batch may."""
        texts = []
        for task, lengths in self.lengths.items():
            count = 0
            if self.max_tokens is not None:
                count = int((lengths.astype(np.int64) * self._sequences_of(task) > self.max_tokens).sum())
            if count:
                texts.append(
                    f"task {task}: {count:,} of {len(lengths):,} rows have more tokens than data.max_tokens="
                    f"{self.max_tokens}; each is a batch alone"
                )
        return texts

    def counts(self, epoch: int) -> dict[str, int]:
        """Batches of each task in ``epoch``."""
        one_pass = {task: len(cuts) - 1 for task, cuts in self._cuts.items()}
        return batches_per_task(self.sizes, one_pass, self.mixing, epoch, self.epochs)

    def plan(self, epoch: int) -> Plan:
        """All batches of ``epoch`` (from 0), in order."""
        counts = {task: count for task, count in self.counts(epoch).items() if count}
        drawn = {task: self._draw(task, count, epoch) for task, count in counts.items()}
        tasks = np.repeat(np.arange(len(counts), dtype=np.int32), list(counts.values()))
        numbers = np.concatenate([np.arange(count, dtype=np.int32) for count in counts.values()])
        order = np.random.default_rng([self.seed, epoch]).permutation(len(tasks))
        return Plan(drawn, tasks[order], numbers[order])

    def _draw(self, task: str, count: int, epoch: int) -> _Drawn:
        """``count`` batches of a task: passes over its rows, each in a new order, the last one cut short."""
        per_pass, size = len(self._cuts[task]) - 1, self.sizes[task]
        passes = []
        for cycle in range(-(-count // per_pass)):
            # The name, not the position, seeds the order: adding a task leaves the others' batches as they are.
            rng = np.random.default_rng([self.seed, epoch, zlib.crc32(task.encode()), cycle])
            order, cuts = self._row_order(task, rng), self._cuts[task] + cycle * size
            shuffled = rng.permutation(per_pass)
            seeds = rng.integers(2**31, size=per_pass)
            passes.append(_Drawn(order.astype(np.int32), cuts[:-1][shuffled], cuts[1:][shuffled], seeds))
        order, *columns = (np.concatenate(parts) for parts in zip(*passes, strict=True))
        return _Drawn(order, *(column[:count] for column in columns))

    def _row_order(self, task: str, rng: np.random.Generator) -> np.ndarray:
        """All rows of a task in the order in which they are cut into batches."""
        order = rng.permutation(self.sizes[task])
        if self.max_tokens is not None:
            order = order[self._largest_first(task, order)]
        elif self.length_grouped:
            chunk = self.batch_sizes[task] * _CHUNK
            parts = [order[start : start + chunk] for start in range(0, len(order), chunk)]
            order = np.concatenate([part[np.argsort(-self.lengths[task][part], kind="stable")] for part in parts])
        return order

    def _batch_starts(self, task: str) -> np.ndarray:
        """Where a pass is cut into batches, the end included.

        With a token budget the rows stand longest first, equal lengths in random order; so the cuts are the same in
        each pass, and the number of batches in an epoch is known before it is drawn.
        """
        size, count = self.batch_sizes[task], self.sizes[task]
        if self.max_tokens is None:
            return np.append(np.arange(0, count, size), count)
        order = self._largest_first(task, np.arange(count))
        lengths = _rounded(self.lengths[task])[order]
        sequences = np.append(0, np.cumsum(self._sequences_of(task)[order]))
        starts = [0]
        while starts[-1] < count:
            start = starts[-1]
            room = sequences[start] + self.max_tokens // int(lengths[start])
            fit = max(1, int(np.searchsorted(sequences, room, side="right")) - 1 - start)
            starts.append(min(count, start + min(size, fit)))
        return np.array(starts)

    def _largest_first(self, task: str, rows: np.ndarray) -> np.ndarray:
        """Where in ``rows`` each place's row stands: the longest first, of equal ones those with most sequences."""
        lengths, sequences = _rounded(self.lengths[task])[rows], self._sequences_of(task)[rows]
        return np.lexsort((-sequences, -lengths))

    def _sequences_of(self, task: str) -> np.ndarray:
        given = self.sequences.get(task)
        return np.ones(self.sizes[task], dtype=np.int64) if given is None else given.astype(np.int64)


def _rounded(lengths: np.ndarray) -> np.ndarray:
    """Lengths rounded up, so that many are equal."""
    lengths = np.maximum(lengths, 1)
    width = np.maximum(2 ** np.floor(np.log2(lengths)).astype(np.int64) // _STEPS, 1)
    return np.asarray(-(-lengths // width) * width)


def evaluation_batches(lengths: np.ndarray, batch_size: int) -> list[tuple[int, ...]]:
    """All rows once, longest first, so that batches hold rows of like length and memory peaks at the start."""
    order = np.argsort(-lengths, kind="stable")
    return [tuple(map(int, order[start : start + batch_size])) for start in range(0, len(order), batch_size)]
