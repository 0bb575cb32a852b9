"""Each process's part of a batch. All processes collate the whole batch, so that they compute what one would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mtsmart.data.batch import Batch, Part, Share
from mtsmart.data.joined.batch import JoinedBatch, rows_of
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
    return _taken(whole, task, _slice_of(len(whole.rows), rank, count), count)


def _slice_of(total: int, rank: int, count: int) -> slice:
    return slice(rank * total // count, (rank + 1) * total // count)


def _taken(whole: Batch, task: TaskType, rows: slice, count: int) -> Batch:
    """Some rows of a batch; the first one with a share of 0 where they are none."""
    is_empty = rows.start == rows.stop
    rows = slice(0, 1) if is_empty else rows
    splitting = splitting_of(task)
    part = splitting.take(whole, rows)
    of_labels = splitting.count_labels if task.definition.has_labels else splitting.count_predictions
    counts = {
        Share.CRITERION: of_labels,
        Share.DIVERGENCE: splitting.count_predictions,
        Share.SEQUENCES: lambda batch: len(batch.attention_mask),
    }
    shares = {share: 0.0 if is_empty else count * of(part) / (of(whole) or 1) for share, of in counts.items()}
    before = len(splitting.take(whole, slice(0, rows.start)).attention_mask) if rows.start else 0
    sequences = (before, len(whole.attention_mask))
    return replace(part, part=Part((rows.start, len(whole.rows)), sequences, shares))


def joined_in_parts(collate: Collate, tasks: Mapping[str, TaskType], processes: Processes) -> Collate:
    """A collate function that gives this process's part of the batch of several tasks that ``collate`` gives."""
    if processes.count == 1:
        return collate
    return partial(_joined_part, collate, dict(tasks), processes.rank, processes.count)


def _joined_part(
    collate: Collate, tasks: Mapping[str, TaskType], rank: int, count: int, features: list[dict[str, Any]], seed: int
) -> JoinedBatch:
    """A slice of the rows, with the members' rows among them.

    A member that has no label here gets one row with a share of 0, so that all processes report on the same tasks.
    """
    whole = collate(features, seed)
    assert isinstance(whole, JoinedBatch)
    total = len(whole.rows)
    rows = _slice_of(total, rank, count)
    taken = rows if rows.start < rows.stop else slice(0, 1)
    inputs = {name: tensor[taken] for name, tensor in whole.inputs.items()}
    members = []
    places: list[Tensor | None] = []
    for member, numbers in zip(whole.members, whole.places, strict=True):
        of_whole = torch.arange(total) if numbers is None else numbers
        first, last = torch.searchsorted(of_whole, torch.tensor([rows.start, rows.stop])).tolist()
        part = _taken(member, tasks[member.task], slice(first, last), count)
        own = of_whole[first:last] - taken.start if first < last else torch.tensor([0])
        members.append(replace(part, inputs=rows_of(inputs, own)))
        places.append(None if len(own) == taken.stop - taken.start else own)
    place = (taken.start, total)
    part_of_whole = Part(place, place, dict.fromkeys(Share, 1.0))
    return replace(whole, inputs=inputs, rows=whole.rows[taken], members=members, places=places, part=part_of_whole)
