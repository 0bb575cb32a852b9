"""Each process's part of a batch. All processes collate the whole batch, so that they compute what one would."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from mtsmart.data.batch import Batch, Part
from mtsmart.data.loader import Collate
from mtsmart.processes import Processes
from mtsmart.task_types import TaskType

_KINDS = ("criterion", "divergence")


def in_parts(collate: Collate, task: TaskType, processes: Processes) -> Collate:
    """A collate function that gives this process's part of the batch that ``collate`` gives."""
    if processes.count == 1:
        return collate
    # Not a closure, because data workers that are not forked get a pickled copy.
    return partial(_collated_part, collate, task, processes.rank, processes.count)


def _collated_part(
    collate: Collate, task: TaskType, rank: int, count: int, features: list[dict[str, Any]], seed: int
) -> Batch:
    return part_of(collate(features, seed), task, rank, count)


def part_of(whole: Batch, task: TaskType, rank: int, count: int) -> Batch:
    """The part of a batch that process ``rank`` of ``count`` computes.

    It is a slice of the rows; the lengths of the slices differ by one at most. A process for which no row is left gets
    the first row with a share of 0, because all processes must take part in an update.
    """
    total = len(whole.rows)
    start = rank * total // count
    stop = (rank + 1) * total // count
    is_empty = start == stop
    rows = slice(0, 1) if is_empty else slice(start, stop)
    part = task.take(whole, rows)
    shares = {kind: 0.0 if is_empty else _share(task, part, whole, kind, count) for kind in _KINDS}
    before = len(task.take(whole, slice(0, rows.start)).attention_mask) if rows.start else 0
    sequences = (before, len(whole.attention_mask))
    return replace(part, part=Part((rows.start, total), sequences, shares))


def _share(task: TaskType, part: Batch, whole: Batch, kind: str, count: int) -> float:
    """``count`` times the part's share in the items over which the whole batch takes its mean."""
    return count * task.counted(part, kind) / max(1, task.counted(whole, kind))
