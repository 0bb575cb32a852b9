"""From planned batches to tensors."""

from __future__ import annotations

import ctypes
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from itertools import islice
from multiprocessing.connection import wait
from multiprocessing.sharedctypes import RawValue
from typing import Any, Protocol, cast

import torch
from torch.utils.data import DataLoader, Dataset

from mtsmart.data.batch import Batch
from mtsmart.data.sampler import BatchIndex
from mtsmart.errors import TrainingError
from mtsmart.processes import children_without_working_directory

_PATIENCE = 5.0  # seconds
_LOST_WORKER = "DataLoader worker (pid"  # torch has no class of its own for this error.
Collate = Callable[[list[dict[str, Any]], int], Batch]
"""Encoded rows and a seed (for random numbers of the batch, for example which tokens are masked) -> a batch."""


class Split(Protocol):
    """Encoded rows: ``rows[[0, 7]]`` gives their columns, name -> list of values."""

    @property
    def rows(self) -> Any:
        """What is indexed by a list of row numbers."""


class _Batches(Dataset[Batch]):
    """The batches of a plan by position; a batch is collated when it is asked for."""

    def __init__(self, plan: Sequence[BatchIndex], splits: Mapping[str, Split], collate: Mapping[str, Collate]) -> None:
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
    splits: Mapping[str, Split],
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
        multiprocessing_context=_context() if workers else None,
        pin_memory=pin_memory,
        generator=torch.Generator(),
    )
    with children_without_working_directory():
        batches = iter(loader)
    try:
        yield from batches
    except (ConnectionError, EOFError) as error:  # A process ended while it handed over a batch.
        _wait_for_ended()
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


class _Flag:
    """An event without a lock.

    A process that is killed while it looks at an event of the standard library keeps its lock, and torch would then
    wait for this lock for ever, instead of telling that the process is gone.
    """

    def __init__(self) -> None:
        self._value = RawValue(ctypes.c_bool, False)

    def is_set(self) -> bool:
        return bool(self._value.value)

    def set(self) -> None:
        self._value.value = True


def _context() -> Any:
    context: Any = copy(torch.multiprocessing.get_context())
    context.Event = _Flag
    return context


def _wait_for_ended() -> None:
    """Wait for the process whose end has closed its connection.

    Its connection closes before the system reports its end. torch would raise its own error then, wherever this process
    is at that moment. It raises none for a process that has been waited for.
    """
    children = {child.sentinel: child for child in multiprocessing.active_children()}
    for sentinel in wait(list(children), timeout=_PATIENCE):
        children[cast(int, sentinel)].join(_PATIENCE)


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
