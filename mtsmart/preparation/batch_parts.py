"""Each process's part of a batch. All processes collate the whole batch, so that they compute what one would."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from mtsmart.data.batch import Batch, Part, Share
from mtsmart.data.loader import Collate
from mtsmart.processes import Processes
from mtsmart.task_types.interface.base import TaskType
from mtsmart.task_types.interface.splits_batches import splitting_of


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
    splitting = splitting_of(task)
    part = splitting.take(whole, rows)
    of_labels = splitting.count_labels if task.definition.has_labels else splitting.count_predictions
    counts = {Share.CRITERION: of_labels, Share.DIVERGENCE: splitting.count_predictions}
    shares = {share: 0.0 if is_empty else count * of(part) / (of(whole) or 1) for share, of in counts.items()}
    before = len(splitting.take(whole, slice(0, rows.start)).attention_mask) if rows.start else 0
    sequences = (before, len(whole.attention_mask))
    return replace(part, part=Part((rows.start, total), sequences, shares))
