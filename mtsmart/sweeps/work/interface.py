"""What training needs to know of a sweep, be it a grid or a search."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol

from mtsmart.storage.owned import OwnedFolder
from mtsmart.sweeps.ledger import FinishedRun, Ledger
from mtsmart.sweeps.plan import Job


class Queue(Protocol):
    """The runs that are left to train."""

    @property
    def starts(self) -> Collection[Any]:
        """The keys of the runs from which others start, so that their models must stay."""

    @property
    def folders(self) -> Collection[str] | None:
        """The names of the runs' folders; None if they are not known yet."""

    def __len__(self) -> int: ...

    def to_train(self) -> str:
        """How many runs are to be trained, in words."""

    def next(self, working: Collection[Any], size: int) -> Job | None:
        """The next run, which leaves the queue; None if there is none, or if it waits for a running one.

        Args:
            working: the keys of the running jobs.
            size: how many run at a time.
        """

    def done(self, job: Job, run: FinishedRun | None) -> None:
        """Note that a run has ended; None: it has failed."""


class Work(Protocol):
    """What a sweep trains, and the page about it."""

    @property
    def planned(self) -> int:
        """The number of all runs."""

    @property
    def may_mix(self) -> bool:
        """Whether runs that leave their precision open may have different ones."""

    @property
    def unused(self) -> Sequence[str]:
        """Texts about what no run needs."""

    def done(self, ledger: Ledger) -> int:
        """The number of finished runs."""

    def queue(self, ledger: Ledger) -> Queue:
        """The runs that are left."""

    def samples(self, ledger: Ledger) -> Iterable[Job]:
        """Runs that are left to train, whose data stands for that of all; nothing is trained with them."""

    def write(self, ledger: Ledger, owned: OwnedFolder, notify: Callable[[str], None]) -> None:
        """Write the page of the finished runs."""
