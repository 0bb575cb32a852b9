"""The runs of a grid, or of folds, and the page about them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtsmart.storage.owned import OwnedFolder
from mtsmart.sweeps.folds import fold_lines
from mtsmart.sweeps.ledger import FinishedRun, Ledger
from mtsmart.sweeps.page import write_page
from mtsmart.sweeps.plan import Job, Plan, start_folder
from mtsmart.sweeps.work.interface import Queue


@dataclass(frozen=True)
class Grid:
    """The runs of a grid, or of folds.

    Attributes:
        plan: the runs and tables.
        folder: the sweep's folder.
    """

    plan: Plan
    folder: Path

    @property
    def planned(self) -> int:
        """The number of all runs."""
        return len(self.plan.jobs)

    @property
    def may_mix(self) -> bool:
        """Whether runs that leave their precision open may have different ones."""
        return self.plan.may_mix

    @property
    def unused(self) -> Sequence[str]:
        """Texts about arms and starts that no run needs."""
        return self.plan.unused

    def done(self, ledger: Ledger) -> int:
        return sum(job.key in ledger for job in self.plan.jobs)

    def queue(self, ledger: Ledger) -> Queue:
        return GridQueue(self.plan, missing_jobs(self.plan, ledger, self.folder))

    def samples(self, ledger: Ledger) -> Iterable[Job]:
        return missing_jobs(self.plan, ledger, self.folder).values()

    def write(self, ledger: Ledger, owned: OwnedFolder, notify: Callable[[str], None]) -> None:
        write_page(self.plan, ledger, owned, notify)
        for line in fold_lines(self.plan, ledger):
            notify(line)


class GridQueue:
    """The missing runs, in the order of the plan.

    Args:
        plan: all runs.
        missing: those that are to be trained.
    """

    def __init__(self, plan: Plan, missing: Mapping[Any, Job]) -> None:
        self.starts: Collection[Any] = {job.start.key for job in plan.jobs if job.start is not None}
        self.folders: Collection[str] | None = {job.folder_name for job in missing.values()}
        self._waiting: dict[Any, Job] = dict(missing)
        self._failed: set[Any] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def to_train(self) -> str:
        """How many runs are missing."""
        return str(len(self))

    def next(self, working: Collection[Any], size: int) -> Job | None:
        """The first waiting job that needs no start or whose start is trained."""
        blocked = {*self._waiting, *working, *self._failed}
        for job in self._waiting.values():
            if job.start is None or job.start.key not in blocked:
                del self._waiting[job.key]
                return job
        return None

    def done(self, job: Job, run: FinishedRun | None) -> None:
        if run is None:
            self._failed.add(job.key)


def missing_jobs(plan: Plan, ledger: Ledger, folder: Path) -> dict[Any, Job]:
    """The jobs without a line, and the starts whose model is lost although other jobs still need it."""
    missing: dict[Any, Job] = {}
    for job in plan.jobs:  # A start whose model is lost comes directly before the first job that needs it.
        if job.key in ledger:
            continue
        if job.start is not None and not start_folder(folder, job.start).results_file.is_file():
            missing.setdefault(job.start.key, job.start)
        missing[job.key] = job
    return missing
