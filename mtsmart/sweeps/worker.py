"""Trains one run of a sweep. Each run has its own process."""

from __future__ import annotations

import math
import time
from pathlib import Path

import torch
from filelock import FileLock

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.errors import CheckpointError, TrainingError, warn
from mtsmart.hardware import device_name, installed_version
from mtsmart.quiet import quiet_libraries
from mtsmart.running import train_experiment
from mtsmart.runs.checkpoints import list_checkpoints, stored_rows
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.interrupt import Interrupted
from mtsmart.runs.journal import read_metrics, read_timing
from mtsmart.runs.lock import LOCK
from mtsmart.sweeps.ledger import FinishedRun, TrialRecord
from mtsmart.sweeps.plan import Job, start_folder, unfinished_folder
from mtsmart.sweeps.search.plan import record_of
from mtsmart.sweeps.search.pruning import Pruning
from mtsmart.sweeps.work.precision import is_open
from mtsmart.training.callbacks import (
    Callback,
    Callbacks,
    Checkpointed,
    Evaluated,
    Logged,
    Noticed,
    Started,
    UpdateDone,
)

_LIBRARIES = ("mtsmart", "torch", "transformers")
_LOCK_TIMEOUT = 300.0  # The seconds that a run of a killed sweep may need to write its resume point.


class _Clock(Callback):
    """Measures the duration of updates, without the evaluations, lines and resume points between them.

    On a CPU it measures processor time, because other work on the machine changes it far less than the clock's time.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.updates = 0
        self._time = time.perf_counter
        self._mark = 0.0

    def on_start(self, event: Started) -> None:
        if event.device == "cpu":
            self._time = time.process_time
        self._mark = self._time()

    def on_update(self, event: UpdateDone) -> None:
        now = self._time()
        self.seconds += now - self._mark
        self.updates += 1
        self._mark = now

    def on_log(self, event: Logged) -> None:
        self._mark = self._time()

    def on_evaluation(self, event: Evaluated) -> None:
        self._mark = self._time()

    def on_checkpoint(self, event: Checkpointed) -> None:
        self._mark = self._time()

    def on_notice(self, event: Noticed) -> None:
        warn(event.text)  # The pool sends it to the user.


class _Answers(Callback):
    """Keeps the predicted labels of the last evaluation."""

    def __init__(self) -> None:
        self.found: dict[str, list[int]] = {}

    def on_evaluation(self, event: Evaluated) -> None:
        self.found = {task: list(result.answers) for task, result in event.evaluation.tasks.items() if result.answers}


def train_job(job: Job, folder: Path, threads: int | None, keep: bool) -> FinishedRun:
    """Train one job. The run of an interrupted sweep continues from its resume point.

    Args:
        job: the run.
        folder: the sweep's folder.
        threads: the number of torch's threads; None: torch chooses it.
        keep: whether other runs start from this run, so that its model must stay.

    Returns:
        the line for runs.jsonl.
    """
    quiet_libraries()
    if threads is not None:
        torch.set_num_threads(threads)
    run = unfinished_folder(folder, job)
    if run.path.is_dir():  # The run of a sweep that was killed a moment ago may still write; wait until it ends.
        with FileLock(run.path / LOCK, timeout=_LOCK_TIMEOUT):
            pass
    clock = _Clock()
    pruning = None if job.trial is None else Pruning(job.trial, run.metrics_file)
    answers = _Answers()
    watchers = Callbacks(clock, answers, *([pruning] if pruning else []))
    is_pruned = False
    try:
        _train(job, run, watchers)
    except Interrupted:
        if pruning is None or not pruning.has_stopped:
            raise
        is_pruned = True  # A run that patience ends at the same evaluation is not interrupted.
    record = None if pruning is None else record_of(pruning.trial, pruning.curve, is_pruned)
    finished = _finished(job, run, clock, record)
    if job.keep_answers:
        finished = finished.model_copy(update={"answers": answers.found})
    if keep:
        run.move_to(start_folder(folder, job))
    return finished


def _train(job: Job, run: RunFolder, callback: Callback) -> None:
    """Train a run to its end, from its resume point if it has a good one."""
    try:
        train_experiment(job.experiment, run.path, resume=run.exists, callback=callback, report=False)
    except CheckpointError as error:
        # The data has changed, or the resume points are damaged. The run belongs to this sweep, so it may be deleted.
        # An error in another folder, such as a missing encoder, is no reason to delete the resume points.
        if not run.exists or not _is_in(error.file, run.path):
            raise
        warn(f"{job.label}, seed {job.seed} begins anew: {error}")
        run.remove()
        train_experiment(job.experiment, run.path, callback=callback, report=False)


def _is_in(file: object, folder: Path) -> bool:
    return file is not None and Path(str(file)).absolute().is_relative_to(folder.absolute())


def _finished(job: Job, run: RunFolder, clock: _Clock, record: TrialRecord | None) -> FinishedRun:
    last = run.results().last
    if last is None:
        raise TrainingError("no task has validation rows, so there is nothing to compare")
    timings = read_timing(run.timing_file)
    for task, metrics in last.tasks.items():
        for metric, value in metrics.items():
            if not math.isfinite(value):
                raise TrainingError(f"task {task}: {metric} is {value}, which cannot be compared")
    return FinishedRun(
        run=job.label,
        config=job.config,
        seed=job.seed,
        tasks={task: dict(metrics) for task, metrics in last.tasks.items()},
        updates=last.update,
        seconds=round(sum(line.seconds for line in timings), 1),
        seconds_per_update=round(clock.seconds / clock.updates, 5) if clock.updates else None,
        figures=_figures(run),
        rows=stored_rows(list_checkpoints(run.checkpoints)[-1]),
        versions={name: installed_version(name) or "not installed" for name in _LIBRARIES},
        machine=device_name(timings[-1].device),
        device=timings[-1].device,
        precision=run.config().training.precision if job.precision or is_open(job) else None,
        trial=record,
    )


def _figures(run: RunFolder) -> dict[str, float]:
    """The regularisers' figures in the last training line, as means over tasks."""
    training = [line for line in read_metrics(run.metrics_file) if line.type == "train"]
    if not training:  # The run has ended before its first line.
        return {}
    tasks = training[-1].tasks.values()
    names = [figure.name for figure in REGULARIZERS.figures() if figure.in_tables]
    found = {name: [task[name] for task in tasks if name in task] for name in names}
    # A mean with a value that is no number is none.
    numbers = {name: [value for value in values if value is not None] for name, values in found.items()}
    return {name: sum(of) / len(of) for name, of in numbers.items() if of and len(of) == len(found[name])}
