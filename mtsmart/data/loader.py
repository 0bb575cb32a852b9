"""From planned batches to tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from mtsmart.data.batch import Batch
from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.sampler import BatchIndex
from mtsmart.errors import TrainingError
from mtsmart.processes import children_without_working_directory

_LOST_WORKER = "DataLoader worker (pid"  # torch has no class of its own for this error.
Collate = Callable[[list[dict[str, Any]], int], Batch]
"""Encoded rows and a seed (for random numbers of the batch, for example which tokens are masked) -> a batch."""


class _Batches(Dataset[Batch]):
    """The batches of a plan by position; a batch is collated when it is asked for."""

    def __init__(
        self, plan: Sequence[BatchIndex], splits: Mapping[str, EncodedSplit], collate: Mapping[str, Collate]
    ) -> None:
        self.plan = plan
        self.splits = splits
        self.collate = collate

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, position: int) -> Batch:
        task, rows, seed = self.plan[position]
        columns = self.splits[task].rows[list(rows)]
        features = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        batch = self.collate[task](features, seed)
        batch.seed = seed
        return batch


def load_batches(
    plan: Sequence[BatchIndex],
    splits: Mapping[str, EncodedSplit],
    collate: Mapping[str, Collate],
    workers: int = 0,
    pin_memory: bool = False,
) -> Iterator[Batch]:
    """Batches in the order of ``plan``.

    The loader has its own random generator. Without it, torch's DataLoader draws from the global one each time it
    starts, and a resumed run would get other random numbers than an uninterrupted one.
    """
    loader = DataLoader(
        _Batches(plan, splits, collate),
        batch_size=None,
        shuffle=False,
        num_workers=workers,
        pin_memory=pin_memory,
        generator=torch.Generator(),
    )
    with children_without_working_directory():
        batches = iter(loader)
    try:
        yield from batches
    except (ConnectionError, EOFError) as error:  # A process ended while it handed over a batch.
        raise _lost_worker(f"{type(error).__name__}: {error}") from None


@contextmanager
def lost_workers_as_errors() -> Iterator[None]:
    """Turn the loss of a process that prepares batches into an error.

    torch raises its error in a signal handler, so it may come at any moment while such processes exist.

    Raises:
        TrainingError: a process was killed, or ended by itself.
    """
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith(_LOST_WORKER):
            raise
        raise _lost_worker(str(error)) from None


def _lost_worker(reason: str) -> TrainingError:
    return TrainingError(
        f"a process that prepares batches ended: {reason.splitlines()[0].rstrip('. ')}",
        key="data.workers",
        hint="If the memory ran out, set a smaller number. `resume=True` continues from the newest resume point",
    )


def in_groups(batches: Iterator[Batch], size: int) -> Iterator[tuple[Batch, ...]]:
    """Batches in groups of ``size``; the last group may be smaller."""
    while group := tuple(islice(batches, size)):
        yield group
