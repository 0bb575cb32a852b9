"""``mtsmart sweep``: train what is missing of a grid, and write its tables."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtsmart.config.loader import find_experiment, load_experiment
from mtsmart.errors import ConfigError, DataError, MtsmartError, StorageError, TrainingError
from mtsmart.processes import launched
from mtsmart.runs.interrupt import Interrupted, StopSignals
from mtsmart.runs.lock import RunLock
from mtsmart.sweeps.conclusions import check_conclusions
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.page import PAGE, is_page, write_page
from mtsmart.sweeps.plan import Job, Plan, make_plan, start_folder
from mtsmart.sweeps.pool import Pool

SWEEPS = Path("sweeps")
LEDGER = "runs.jsonl"
_HOPELESS = 4  # failures, and no run that ended well, after which no more is tried
Told = Callable[[str], None]


@dataclass(frozen=True)
class Sweep:
    """A sweep's folder.

    Attributes:
        path: where runs.jsonl, RESULTS.md and the plots are.
        done, planned: runs.
    """

    path: Path
    done: int
    planned: int


def sweep(
    file: str | Path,
    overrides: Iterable[str] = (),
    *,
    output_dir: str | Path | None = None,
    jobs: int | None = None,
    train: bool = True,
    told: Told = lambda text: None,
) -> Sweep:
    """Train the runs of a grid that are missing, several at a time, and write the tables.

    Args:
        file: an experiment file with a ``grid``, or the name of a shipped one.
        overrides: ``key=value`` items, which hold for every run.
        output_dir: the sweep's folder; None: ``sweeps/<name>``. Runs that it already holds are not trained again.
        jobs: how many are trained at a time; None: as many as there are cores, and one on a GPU.
        train: False: only write the tables of the runs that there are.
        told: called with a line about each run that ends.

    Raises:
        MtsmartError: anything that does not fit, or a run that failed; the others are trained all the same.
        Interrupted: a signal stopped it; the same call goes on.
    """
    if launched()[1] > 1:
        raise ConfigError("starts its own processes", key="sweep", hint="Call it without a launcher, with `jobs=N`")
    if jobs is not None and jobs < 1:
        raise ConfigError("should be at least 1", argument="jobs", value=jobs)
    overrides = list(overrides)
    experiment = load_experiment(find_experiment(file), overrides)
    folder = Path(output_dir) if output_dir is not None else SWEEPS / experiment.config.name
    plan = make_plan(experiment, overrides, folder)
    check_conclusions(plan)
    _check_folder(folder)
    return _train_missing(plan, folder, jobs, told) if train else _only_compare(plan, folder, told)


def _train_missing(plan: Plan, folder: Path, jobs: int | None, told: Told) -> Sweep:
    """Train what is missing, and write the tables of what is there, also when a run fails."""
    for text in plan.unused:
        told(text)
    with RunLock(folder) as lock, _Interrupts(told) as interrupts:
        lock.acquire()
        ledger = Ledger(folder / LEDGER)
        runner = _Runner(plan, ledger, folder, jobs, told, interrupts)
        try:
            runner.run()
        finally:
            found = _compare(plan, ledger, folder, told)
        runner.check()
    return found


def _only_compare(plan: Plan, folder: Path, told: Told) -> Sweep:
    """Write the tables. A sweep may train at the same time, because its lines are whole or ignored."""
    ledger = Ledger(folder / LEDGER)
    if not any(job.key in ledger for job in plan.jobs):
        message = "holds no finished runs of this grid"
        raise DataError(message, file=folder, argument="train=False", hint="Leave `train=False` out")
    return _compare(plan, ledger, folder, told)


def _check_folder(folder: Path) -> None:
    """Nothing that others wrote is replaced."""
    page = folder / PAGE
    if page.is_file() and not is_page(page):
        message = "is not one that a sweep wrote, and would be replaced"
        raise StorageError(message, file=page, hint="Give the sweep a folder of its own with `output_dir`")


def _compare(plan: Plan, ledger: Ledger, folder: Path, told: Told) -> Sweep:
    done = sum(job.key in ledger for job in plan.jobs)
    if done:
        write_page(plan, ledger, folder, told)
    return Sweep(folder, done, len(plan.jobs))


class _Interrupts(StopSignals):
    """Signals are told, and passed on to the pool once there is one."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self.told = told
        self.pool: Pool | None = None

    def first(self) -> None:
        """Tell, and ask all runs to end."""
        self.told("Stopping after the present update of each run; a second Ctrl-C stops at once.")
        if self.pool is not None:
            self.pool.interrupt()

    def again(self) -> None:
        """End them."""
        if self.pool is not None:
            self.pool.kill()


class _Runner:
    def __init__(
        self, plan: Plan, ledger: Ledger, folder: Path, jobs: int | None, told: Told, interrupts: _Interrupts
    ) -> None:
        self.ledger, self.folder, self.told, self.interrupts = ledger, folder, told, interrupts
        self.missing = missing_jobs(plan, ledger, folder)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.size = jobs or (1 if self.missing and _has_gpu() else cores)
        self.threads = max(1, cores // self.size)
        self.users = {job.start.key for job in plan.jobs if job.start is not None}
        self.planned, self.failed, self.failed_keys = len(plan.jobs), dict[str, str](), set[Any]()
        self.untried = 0
        self.said, self.began, self.ended = set[str](), time.perf_counter(), 0

    def run(self) -> None:
        """Train what is missing.

        Raises:
            Interrupted: a signal came.
            StorageError: a finished run cannot be noted; the others are stopped with a resume point.
        """
        self._clear_leftovers()
        pool = Pool(["mtsmart.sweeps.worker"])
        self.interrupts.pool = pool
        self.told(f"{self.planned} runs, {len(self.missing)} of them to be trained, {self.size} at a time")
        try:
            self._work(pool)
        except MtsmartError:
            pool.interrupt()
            while len(pool):
                pool.wait()
            raise
        if self.interrupts.signal is not None:
            raise Interrupted(self.interrupts.signal)

    def check(self) -> None:
        """Raises TrainingError if a run failed."""
        if self.failed:
            label, message = next(iter(self.failed.items()))
            more = f" ({len(self.failed) - 1} more failed)" if len(self.failed) > 1 else ""
            untried = (
                f" ({self.untried} were not tried: their start failed, or all before them)" if self.untried else ""
            )
            raise TrainingError(f"{label}: {message}{more}{untried}")

    def _work(self, pool: Pool) -> None:
        waiting, working = dict(self.missing), dict[Any, Job]()
        while waiting or working:
            while self._goes_on and len(pool) < self.size and (job := self._next(waiting, working)):
                del waiting[job.key]
                working[job.key] = job
                pool.start(job.key, _train, job, self.folder, self.threads, job.key in self.users)
            if not working:
                break
            for key, outcome in pool.wait().items():
                self._ended(working.pop(key), outcome, len(waiting) + len(working))
        self.untried = len(waiting)

    def _clear_leftovers(self) -> None:
        """Delete the resume points of runs that are finished; another grid's stay for when it comes back."""
        needed = {job.folder_name for job in self.missing.values()}
        finished = {run.folder_name for run in self.ledger} - needed
        kept = 0
        for path in (self.folder / "unfinished").glob("*"):
            if path.name in finished:
                shutil.rmtree(path, ignore_errors=True)
            kept += path.name not in needed | finished
        if kept:
            self.told(f"{self.folder / 'unfinished'}: has {kept} resume points of runs that this grid does not have")

    @property
    def _goes_on(self) -> bool:
        """Whether more runs are to be started: not after a signal, nor where nothing but failures has been seen."""
        hopeless = not len(self.ledger) and len(self.failed) >= max(_HOPELESS, self.size)
        return self.interrupts.signal is None and not hopeless

    def _next(self, waiting: dict[Any, Job], working: dict[Any, Job]) -> Job | None:
        """The first job whose start is trained."""
        for job in waiting.values():
            if job.start is None or job.start.key not in {*waiting, *working, *self.failed_keys}:
                return job
        return None

    def _ended(self, job: Job, outcome: Any, left: int) -> None:
        label = f"{job.label}, seed {job.seed}"
        for text in outcome.warnings:
            if text not in self.said:
                self.said.add(text)
                self.told(f"warning: {label}: {text}")
        error = outcome.error
        if outcome.interrupted and self.interrupts.signal is None:
            error = "something else than this sweep ended it by a signal; the same command goes on with it"
        if error is not None:
            self.failed[label] = error
            self.failed_keys.add(job.key)
            self.told(f"{label}: failed: {error}")
        if outcome.result is None:
            return
        finished = outcome.result
        if job.key not in self.ledger:  # a start that was trained again, for its model, keeps its line
            self.ledger.add(finished)
        shutil.rmtree(self.folder / "unfinished" / job.folder_name, ignore_errors=True)
        self.ended += 1
        scores = ", ".join(f"{finished.main(task)[1]:.4f}" for task in finished.tasks)
        minutes = (time.perf_counter() - self.began) / self.ended * left / 60
        self.told(f"{label}: {scores} in {finished.seconds:.0f} s; {left} left, {minutes:.0f} min")


def _train(*arguments: Any) -> Any:
    from mtsmart.sweeps.worker import train_job  # in its own process: this one has no need of torch

    return train_job(*arguments)


def _has_gpu() -> bool:
    import torch

    return torch.accelerator.is_available()


def missing_jobs(plan: Plan, ledger: Ledger, folder: Path) -> dict[Any, Job]:
    """Jobs to train: those without a line, and starts whose model is gone though others still need it."""
    missing: dict[Any, Job] = {}
    for job in plan.jobs:  # in the plan's order, with a start that is gone just before its first user
        if job.key in ledger:
            continue
        if job.start is not None and not start_folder(folder, job.start).results_file.is_file():
            missing.setdefault(job.start.key, job.start)
        missing[job.key] = job
    return missing
