"""``mtsmart sweep`` trains the missing runs of a grid, of folds or of a search, and writes the page about them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtsmart.arguments import checked, items_of
from mtsmart.config.loader import Experiment, find_experiment, load_experiment
from mtsmart.errors import ConfigError, DataError, MtsmartError, StorageError, TrainingError
from mtsmart.processes import launched
from mtsmart.runs.claim import refuse_inside_run
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.interrupt import Interrupted, StopSignals
from mtsmart.runs.lock import RunLock
from mtsmart.storage.owned import OwnedFolder, clear_scratch
from mtsmart.sweeps.conclusions import check_conclusions
from mtsmart.sweeps.folder import check_sweep, own_sweep
from mtsmart.sweeps.ledger import LEDGER, UNFINISHED, Ledger
from mtsmart.sweeps.page import PAGE, is_page
from mtsmart.sweeps.plan import Job, make_plan, unfinished_folder
from mtsmart.sweeps.pool import Pool
from mtsmart.sweeps.search.page import Search
from mtsmart.sweeps.search.plan import make_search
from mtsmart.sweeps.search.study import check_optuna
from mtsmart.sweeps.work.grid import Grid
from mtsmart.sweeps.work.interface import Work
from mtsmart.sweeps.work.precision import Chosen, Precisions, not_chosen, open_jobs, refuse_mixed
from mtsmart.text.counts import counted
from mtsmart.text.scores import score_text
from mtsmart.user_paths import user_path

SWEEPS = Path("sweeps")
_MOST_FAILURES = 4
Notify = Callable[[str], None]


@dataclass(frozen=True)
class Sweep:
    """The state of a sweep.

    Attributes:
        path: the folder with runs.jsonl, RESULTS.md and the plots.
        done: the number of finished runs.
        planned: the number of all runs.
    """

    path: Path
    done: int
    planned: int


@checked
def sweep(
    file: str | Path,
    overrides: Iterable[str] = (),
    *,
    output_dir: str | Path | None = None,
    jobs: int | None = None,
    train: bool = True,
    notify: Notify = lambda text: None,
) -> Sweep:
    """Train the missing runs of a grid, of folds or of a search, several at a time, and write the page about them.

    Args:
        file: an experiment file with ``grid``, ``folds`` or ``search``, or the name of a shipped one.
        overrides: ``key=value`` items, which apply to every run.
        output_dir: the sweep's folder; None: ``sweeps/<name>``. Its finished runs are not trained again.
        jobs: the number of runs at a time; None: the number of cores, or one on a GPU.
        train: whether the missing runs are trained. False: only write the tables of the finished runs.
        notify: this function gets a line about each run that ends.

    Raises:
        MtsmartError: the file contains a mistake, or a run failed. The other runs are trained nevertheless.
        Interrupted: a signal stopped the sweep. The same call continues it.
    """
    if launched()[1] > 1:
        raise ConfigError("starts its own processes", key="sweep", hint="Call it without a launcher, with `jobs=N`")
    if jobs is not None and jobs < 1:
        raise ConfigError("should be at least 1", argument="jobs", value=jobs)
    overrides = items_of("overrides", overrides)
    experiment = load_experiment(find_experiment(file), overrides)
    folder = SWEEPS / experiment.config.name if output_dir is None else user_path(output_dir, argument="output_dir")
    work = _work_of(experiment, overrides, folder, train)
    _check_folder(folder)
    if train:
        return _train_missing(work, folder, jobs, notify)
    return _only_compare(work, folder, notify)


def _work_of(experiment: Experiment, overrides: list[str], folder: Path, train: bool) -> Work:
    if experiment.config.search is not None:
        if train:
            check_optuna()
        return Search(make_search(experiment, overrides))
    plan = make_plan(experiment, overrides, folder)
    check_conclusions(plan)
    return Grid(plan, folder)


def _train_missing(work: Work, folder: Path, jobs: int | None, notify: Notify) -> Sweep:
    """Train the missing runs and write the tables. The tables are also written if a run fails."""
    for text in work.unused:
        notify(text)
    _refuse_unreadable(work.samples(Ledger(folder / LEDGER)))
    with RunLock(folder) as lock, _Interrupts(notify) as interrupts:
        lock.acquire()
        owned = own_sweep(folder)
        clear_scratch(owned.scratch, [])
        ledger = Ledger(folder / LEDGER)
        runner = _Runner(work, ledger, folder, jobs, notify, interrupts)
        try:
            runner.run()
        finally:
            found = _compare(work, ledger, owned, notify)
        runner.check()
    return found


def _only_compare(work: Work, folder: Path, notify: Notify) -> Sweep:
    """Write the tables. A sweep may train at the same time, because incomplete lines are ignored."""
    ledger = Ledger(folder / LEDGER)
    if not work.done(ledger):
        message = "holds no finished runs of this sweep"
        raise DataError(message, file=folder, argument="train=False", hint="Leave `train=False` out")
    refuse_mixed([], ledger, work.may_mix)
    return _compare(work, ledger, own_sweep(folder), notify)


def _check_folder(folder: Path) -> None:
    """Refuse a folder whose RESULTS.md another program or person wrote, because it would be replaced."""
    page = folder / PAGE
    if page.is_file() and not is_page(page):
        message = "is not one that a sweep wrote, and would be replaced"
        raise StorageError(message, file=page, hint="Give the sweep a folder of its own with `output_dir`")
    refuse_inside_run(folder, "output_dir")
    check_sweep(folder)


def _compare(work: Work, ledger: Ledger, owned: OwnedFolder, notify: Notify) -> Sweep:
    done = work.done(ledger)
    if done:
        work.write(ledger, owned, notify)
    return Sweep(owned.path, done, work.planned)


class _Interrupts(StopSignals):
    """Notifies the user of signals, and forwards them to the pool when it exists."""

    def __init__(self, notify: Notify) -> None:
        super().__init__()
        self.notify = notify
        self.pool: Pool | None = None

    def first(self) -> None:
        """Notify the user, and ask all runs to end."""
        self.notify("Each run stops after its present update; a second Ctrl-C stops at once.")
        if self.pool is not None:
            self.pool.interrupt()

    def again(self) -> None:
        """End all runs at once."""
        if self.pool is not None:
            self.pool.kill()


class _Runner:
    def __init__(
        self, work: Work, ledger: Ledger, folder: Path, jobs: int | None, notify: Notify, interrupts: _Interrupts
    ) -> None:
        self.ledger = ledger
        self.folder = folder
        self.notify = notify
        self.interrupts = interrupts
        self.queue = work.queue(ledger)
        self.open = open_jobs(work.samples(ledger))
        self.may_mix = work.may_mix
        self.precisions = Precisions()
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.size = jobs or (1 if len(self.queue) and _has_gpu() else cores)
        self.threads = max(1, cores // self.size)
        self.planned = work.planned
        self.failed: dict[str, str] = {}
        self.untried = 0
        self.warned: set[str] = set()
        self.began = time.perf_counter()
        self.ended = 0
        self.stopped = 0  # runs that a signal has stopped before their end

    def run(self) -> None:
        """Train the missing runs.

        Raises:
            Interrupted: a signal arrived, and something is left to train.
            StorageError: the line of a finished run cannot be written. The other runs stop with a resume point.
            ConfigError: runs that leave their precision open would have different ones.
            TrainingError: no precision could be chosen.
        """
        self._clear_leftovers()
        pool = Pool(["mtsmart.sweeps.worker"])
        self.interrupts.pool = pool
        runs = "1 run" if self.planned == 1 else f"{self.planned} runs"
        self.notify(f"{runs}, {self.queue.to_train()} of them to be trained, {self.size} at a time")
        try:
            self._choose_precisions(pool)
            self._work(pool)
        except MtsmartError:
            pool.interrupt()
            while len(pool):
                pool.wait()
            raise
        if self.interrupts.signal is not None and (self.stopped or len(self.queue)):
            raise Interrupted(self.interrupts.signal)

    def check(self) -> None:
        """Raise TrainingError if a run failed."""
        if self.failed:
            label, message = next(iter(self.failed.items()))
            more = f" ({len(self.failed) - 1} more failed)" if len(self.failed) > 1 else ""
            untried = (
                f" ({self.untried} were not started, because their start failed or all earlier runs failed)"
                if self.untried
                else ""
            )
            raise TrainingError(f"{label}: {message}{more}{untried}")

    def _choose_precisions(self, pool: Pool) -> None:
        """Choose a precision for the runs that leave it open, before the first of them starts."""
        found: dict[str, Chosen] = {}
        if self.open:
            pool.start("precision", _choose, self.open)
            outcome = pool.wait()["precision"]
            if outcome.result is None and self.interrupts.signal is None:
                raise not_chosen(outcome.error or "another program ended it by a signal")
            found = outcome.result or {}
        refuse_mixed(found.values(), self.ledger, self.may_mix)
        self.precisions = Precisions(found)
        for text in dict.fromkeys(f"precision: {one.precision} (auto: {one.reason})" for one in found.values()):
            self.notify(text)

    def _work(self, pool: Pool) -> None:
        working: dict[Any, Job] = {}
        while len(self.queue) or working:
            while self._may_start and len(pool) < self.size and (job := self.queue.next(working, self.size)):
                working[job.key] = job
                settled = self.precisions.settled(job)
                pool.start(job.key, _train, settled, self.folder, self.threads, job.key in self.queue.starts)
            if not working:
                break
            for key, outcome in pool.wait().items():
                self._ended(working.pop(key), outcome, len(self.queue) + len(working))
        self.untried = len(self.queue)

    def _clear_leftovers(self) -> None:
        """Delete the resume points of finished runs. Those of other grids stay, because their runs may continue."""
        needed = set(self.queue.folders or ())
        finished = {run.folder_name for run in self.ledger} - needed
        kept = 0
        unfinished = self.folder / UNFINISHED
        for path in unfinished.glob("*"):
            if path.name in finished:
                _remove(RunFolder(path))
            kept += path.name not in needed | finished
        if kept and self.queue.folders is not None:
            others = f"{counted(kept, 'resume point')} of runs that this grid does not have"
            self.notify(f"{unfinished}: contains {others}")

    @property
    def _may_start(self) -> bool:
        """Whether more runs may start. None starts after a signal, or if all runs so far have failed."""
        if self.interrupts.signal is not None:
            return False
        return not has_only_failures(len(self.ledger), len(self.failed), self.size)

    def _ended(self, job: Job, outcome: Any, left: int) -> None:
        label = f"{job.label}, seed {job.seed}"
        for text in outcome.warnings:
            if text not in self.warned:
                self.warned.add(text)
                self.notify(f"warning: {label}: {text}")
        error = outcome.error
        if outcome.interrupted and self.interrupts.signal is None:
            error = "another program ended it by a signal; the same command continues it"
        if error is not None:
            self.failed[label] = error
            self.queue.done(job, None)
            self.notify(f"{label}: failed: {error}")
        if outcome.result is None:
            self.stopped += error is None
            return
        finished = outcome.result
        if job.key not in self.ledger:  # A start that was trained again, because its model was lost, keeps its line.
            if (owned := OwnedFolder.read(self.folder)) is not None:
                owned.claim(LEDGER)
            self.ledger.add(finished)
        self.queue.done(job, finished)
        _remove(unfinished_folder(self.folder, job))
        self.ended += 1
        scores = ", ".join(score_text(finished.main(task)[1]) for task in finished.tasks)
        minutes = (time.perf_counter() - self.began) / self.ended * left / 60
        early = " (ended early)" if finished.trial is not None and finished.trial.is_pruned else ""
        self.notify(f"{label}: {scores}{early} in {finished.seconds:.0f} s; {left} left, {minutes:.0f} min")


def has_only_failures(finished: int, failed: int, at_a_time: int) -> bool:
    """Whether no run has finished and so many have failed that no more are started.

    Args:
        finished: runs in the ledger.
        failed: runs that this call has seen fail.
        at_a_time: runs that are trained at the same time. As many may fail before the first of them is known.
    """
    return not finished and failed >= max(_MOST_FAILURES, at_a_time)


def _remove(run: RunFolder) -> None:
    """Delete a finished run's resume points. A folder that is no run, or cannot be deleted, stays."""
    with suppress(MtsmartError, OSError):
        if run.is_run:
            run.remove()


def _train(*arguments: Any) -> Any:
    # Only the process that trains imports this module, because the import of torch takes seconds.
    from mtsmart.sweeps.worker import train_job

    return train_job(*arguments)


def _choose(*arguments: Any) -> Any:
    # As above. The process ends afterwards, and leaves the device to the runs.
    from mtsmart.sweeps.work.machine import choose

    return choose(*arguments)


def _refuse_unreadable(jobs: Iterable[Job]) -> None:
    jobs = list(jobs)
    if jobs:  # The import of the libraries that read data takes seconds, and the tables alone do without them.
        from mtsmart.sweeps.work.shared_data import refuse_unreadable

        refuse_unreadable(jobs)


def _has_gpu() -> bool:
    import torch

    return torch.accelerator.is_available()
