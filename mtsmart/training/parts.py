"""Each process's part of a batch. All draw and pad the whole one, so that what one process would compute comes out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from mtsmart.data.batch import Batch, Part, Share
from mtsmart.data.loader import Collate
from mtsmart.processes import Processes
from mtsmart.task_types import TaskType
from mtsmart.task_types.interface.splits_batches import splitting_of


def in_parts(collate: Collate, task: TaskType, processes: Processes) -> Collate:
    """``collate`` that gives this process's part of what it gives."""
    if processes.count == 1:
        return collate
    # No closure: workers that are not forked get it as a copy.
    return partial(_collated_part, collate, task, processes.rank, processes.count)


def _collated_part(
    collate: Collate, task: TaskType, rank: int, count: int, features: list[dict[str, Any]], seed: int
) -> Batch:
    return part_of(collate(features, seed), task, rank, count)


def part_of(whole: Batch, task: TaskType, rank: int, count: int) -> Batch:
    """The rows of ``whole`` that process ``rank`` of ``count`` computes: a run of them, as long as the others' or one
    longer or shorter. A process without any gets the first row, whose share is 0: all must take part in an update.
    """
    total = len(whole.rows)
    start, stop = rank * total // count, (rank + 1) * total // count
    is_empty = start == stop
    rows = slice(0, 1) if is_empty else slice(start, stop)
    splitting = splitting_of(task)
    part = splitting.take(whole, rows)
    counts = {Share.CRITERION: splitting.count_labels, Share.DIVERGENCE: splitting.count_predictions}
    shares = {share: 0.0 if is_empty else count * of(part) / max(1, of(whole)) for share, of in counts.items()}
    before = len(splitting.take(whole, slice(0, rows.start)).attention_mask) if rows.start else 0
    sequences = (before, len(whole.attention_mask))
    return replace(part, part=Part((rows.start, total), sequences, shares))
