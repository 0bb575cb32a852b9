"""The multi-task sampler: which rows of which task make each batch, as a pure function of (seed, epoch)."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, overload

import numpy as np

from mtsmart.config.sections import MixingConfig
from mtsmart.data.mixing import batches_per_task
from mtsmart.text.counts import part_of

_CHUNK = 50  # The rows of this many batches are sorted by length together. More: less padding, less random order.
_STEPS = 8  # With a token budget, lengths are rounded up to one of this many steps between powers of two.


class BatchIndex(NamedTuple):
    """Rows of one task that make a batch, and a seed for the random numbers of its collation."""

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
    """The batches of an epoch, in order. All numbers stay in arrays, so that millions of rows take little memory.

    Args:
        drawn: task -> its batches.
        tasks: (M,) the task of each of the M batches, as its place in ``drawn``.
        numbers: (M,) the number of each batch among those of its task.
    """

    def __init__(self, drawn: Mapping[str, _Drawn], tasks: np.ndarray, numbers: np.ndarray) -> None:
        self._drawn = list(drawn.items())
        self._tasks = tasks
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._tasks)

    def names(self) -> set[str]:
        """The tasks that have a batch."""
        return {self._drawn[place][0] for place in np.unique(self._tasks)}

    def without(self, tasks: Collection[str]) -> Plan:
        """The other tasks' batches, in the same order."""
        places = [place for place, (name, _) in enumerate(self._drawn) if name in tasks]
        stays = ~np.isin(self._tasks, places)
        return Plan(dict(self._drawn), self._tasks[stays], self._numbers[stays])

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

    A plan depends on nothing but (seed, epoch), and on the tasks that are no longer drawn. So the state of a run is two
    numbers: the epoch, and how many of the epoch's batches are done.

    Args:
        lengths: task -> (N,) tokens per row; N is the task's size.
        batch_size: rows in a batch, one number or one a task; a task's last batch of a pass may be smaller.
        mixing: how tasks are mixed.
        epochs: the number of epochs of the run (annealed mixing needs it).
        seed: for all orders.
        length_grouped: whether rows of similar length make a batch.
        max_tokens: most tokens of a batch, padding included (a single row may have more); None: no limit.
        sequences: task -> (N,) sequences per row, for tasks whose rows are lists of sequences.
        accumulation: batches of an update; with the strategy ``rounds``, rounds of an update.

    Attributes:
        stopped: the tasks that are no longer drawn: the plans leave out their batches.
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
        accumulation: int = 1,
    ) -> None:
        self.lengths = dict(lengths)
        self.mixing = mixing
        self.batch_sizes = dict.fromkeys(lengths, batch_size) if isinstance(batch_size, int) else dict(batch_size)
        self.epochs = epochs
        self.seed = seed
        self.length_grouped = length_grouped
        self.max_tokens = max_tokens
        self.sequences = dict(sequences or {})
        self.accumulation = accumulation
        self.sizes = {task: len(values) for task, values in self.lengths.items()}
        self.stopped: set[str] = set()
        self._cuts = {task: self._batch_starts(task) for task in self.lengths}

    def __len__(self) -> int:
        """Batches in an epoch in which all tasks are drawn; the same for every such epoch."""
        return sum(self.counts(0).values())

    @property
    def batches_per_update(self) -> int:
        """Batches that make one update; an epoch's last update may have fewer, but never a part of a round."""
        return self.accumulation * (len(self.sizes.keys() - self.stopped) if self._in_rounds else 1)

    def length(self, epoch: int) -> int:
        """Batches in ``epoch`` of the tasks that are still drawn."""
        return sum(count for task, count in self.counts(epoch).items() if task not in self.stopped)

    def stop(self, tasks: Collection[str], epoch: int, done: int) -> int:
        """Draw some tasks no longer.

        Args:
            tasks: their names.
            epoch: the present epoch.
            done: how many batches of its plan are done.

        Returns:
            how many batches of its new plan are done.
        """
        left = len(self.plan(epoch)[:done].without(tasks))
        self.stopped |= set(tasks)
        return left

    @property
    def _in_rounds(self) -> bool:
        return self.mixing.strategy == "rounds"

    def overlong(self) -> list[str]:
        """A text for each task that has rows with more tokens than a batch may have."""
        texts = []
        for task, lengths in self.lengths.items():
            count = 0
            if self.max_tokens is not None:
                count = int((lengths.astype(np.int64) * self._sequences_of(task) > self.max_tokens).sum())
            if count:
                does = "has" if count == 1 else "have"
                told = (
                    f"{part_of(count, len(lengths), 'row')} {does} more tokens than data.max_tokens={self.max_tokens}"
                )
                texts.append(f"task {task}: {told}; {'it' if count == 1 else 'each'} is a batch alone")
        return texts

    def counts(self, epoch: int) -> dict[str, int]:
        """Batches of each task in ``epoch``."""
        one_pass = {task: len(cuts) - 1 for task, cuts in self._cuts.items()}
        return batches_per_task(self.sizes, one_pass, self.mixing, epoch, self.epochs)

    def drawn_within(self, updates: int) -> set[str]:
        """The tasks that have a batch in the first ``updates`` updates of a run."""
        per_epoch = -(-len(self) // self.batches_per_update)
        if updates >= per_epoch and all(self.counts(0).values()):
            return set(self.sizes)  # No epoch need be planned for it.
        found: set[str] = set()
        for epoch in range(self.epochs):
            left = (updates - epoch * per_epoch) * self.batches_per_update
            if left <= 0 or found == set(self.sizes):
                break
            found |= self.plan(epoch)[:left].names()
        return found

    def plan(self, epoch: int) -> Plan:
        """All batches of ``epoch`` (from 0), in order."""
        whole = self._plan_of_rounds(epoch) if self._in_rounds else self._mixed_plan(epoch)
        return whole.without(self.stopped) if self.stopped else whole

    def _mixed_plan(self, epoch: int) -> Plan:
        counts = {task: count for task, count in self.counts(epoch).items() if count}
        drawn = {task: self._draw(task, range(count), epoch) for task, count in counts.items()}
        tasks = np.repeat(np.arange(len(counts), dtype=np.int32), list(counts.values()))
        numbers = np.concatenate([np.arange(count, dtype=np.int32) for count in counts.values()])
        order = np.random.default_rng([self.seed, epoch]).permutation(len(tasks))
        return Plan(drawn, tasks[order], numbers[order])

    def _plan_of_rounds(self, epoch: int) -> Plan:
        """Rounds of one batch of each task, in the order of the tasks.

        An epoch may be too short for a pass over the largest task. So a task's passes go on from epoch to epoch: all
        its batches are those of one long epoch, of which this epoch takes the next ones.
        """
        rounds = len(self) // len(self.sizes)
        batches = range(epoch * rounds, (epoch + 1) * rounds)
        drawn = {task: self._draw(task, batches, 0) for task in self.sizes}
        tasks = np.tile(np.arange(len(self.sizes), dtype=np.int32), rounds)
        numbers = np.repeat(np.arange(rounds, dtype=np.int32), len(self.sizes))
        return Plan(drawn, tasks, numbers)

    def _draw(self, task: str, batches: range, epoch: int) -> _Drawn:
        """Some of a task's batches, which come from passes over its rows, each pass in a new order.

        Args:
            task: the task.
            batches: numbers of consecutive batches, counted from the first pass of ``epoch``.
            epoch: seeds the orders.
        """
        per_pass = len(self._cuts[task]) - 1
        first = batches.start // per_pass
        passes = []
        for place, number in enumerate(range(first, -(-batches.stop // per_pass))):
            # The task's name seeds the order, not its position: another task does not change this task's batches.
            rng = np.random.default_rng([self.seed, epoch, zlib.crc32(task.encode()), number])
            order = self._row_order(task, rng)
            cuts = self._cuts[task] + place * self.sizes[task]
            shuffled = rng.permutation(per_pass)
            seeds = rng.integers(2**31, size=per_pass)
            passes.append(_Drawn(order.astype(np.int32), cuts[:-1][shuffled], cuts[1:][shuffled], seeds))
        order, *columns = (np.concatenate(parts) for parts in zip(*passes, strict=True))
        chosen = slice(batches.start - first * per_pass, batches.stop - first * per_pass)
        return _Drawn(order, *(column[chosen] for column in columns))

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
        """The places where a pass is cut into batches, the end included.

        With a token budget the rows stand longest first, and rows of equal length in random order. So the cuts are the
        same in each pass, and the number of batches in an epoch is known before they are drawn.
        """
        size = self.batch_sizes[task]
        count = self.sizes[task]
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
        """The indices that sort ``rows``: the longest first; of equal lengths, those with most sequences first."""
        lengths = _rounded(self.lengths[task])[rows]
        sequences = self._sequences_of(task)[rows]
        return np.lexsort((-sequences, -lengths))

    def _sequences_of(self, task: str) -> np.ndarray:
        given = self.sequences.get(task)
        return np.ones(self.sizes[task], dtype=np.int64) if given is None else given.astype(np.int64)


def _rounded(lengths: np.ndarray) -> np.ndarray:
    """Lengths rounded up, so that many are equal."""
    lengths = np.maximum(lengths, 1)
    width = np.maximum(2 ** np.floor(np.log2(lengths)).astype(np.int64) // _STEPS, 1)
    return np.asarray(-(-lengths // width) * width)


def evaluation_batches(
    lengths: np.ndarray, batch_size: int, sequences: np.ndarray | None = None
) -> list[tuple[int, ...]]:
    """All rows once, longest first: so a batch holds rows of similar length, and memory peaks at the start.

    Args:
        lengths: (N,) tokens of each row, or of its longest sequence.
        batch_size: the most rows of a batch.
        sequences: (N,) sequences of each row. A batch has at most ``batch_size`` of them, or one row; None: they do not
            count.
    """
    order = np.argsort(-lengths, kind="stable")
    counts = np.ones(len(order), dtype=np.int64) if sequences is None else sequences[order]
    ends = np.append(0, np.cumsum(counts))
    batches = []
    start = 0
    while start < len(order):
        fit = int(np.searchsorted(ends, ends[start] + batch_size, side="right")) - 1
        stop = max(start + 1, fit)
        batches.append(tuple(map(int, order[start:stop])))
        start = stop
    return batches
