"""One run of a sweep: its clock, its resume point, and what ends it."""

import os
import signal
from contextlib import nullcontext
from dataclasses import replace

import datasets
import pytest

import mtsmart
from mtsmart.config.loader import build_experiment
from mtsmart.errors import CheckpointError, MtsmartWarning, TrainingError
from mtsmart.evaluation.evaluator import Evaluation
from mtsmart.running import train_experiment
from mtsmart.runs.interrupt import Interrupted
from mtsmart.sweeps import worker
from mtsmart.sweeps.pool import Outcome
from mtsmart.sweeps.sweep import _Interrupts, _Runner
from mtsmart.sweeps.work.grid import Grid
from mtsmart.sweeps.worker import train_job
from mtsmart.training.callbacks import Callback, Checkpointed, Evaluated, Logged, Started, UpdateDone


def test_the_clock_stands_still_between_updates(monkeypatch):
    now = iter(range(100))
    monkeypatch.setattr(worker.time, "process_time", lambda: next(now))
    clock = worker._Clock()
    clock.receive(Started({}, {}, {}, [], updates=3, done=0, device="cpu", regularizers=[]))
    for update in range(3):  # a second each, as is each of what is done between them
        clock.receive(UpdateDone(update, rows=1))
        clock.receive(Logged(update, 1e-3, {}, {}, {}))
        clock.receive(Evaluated(Evaluation({}), update, best=False))
        clock.receive(Checkpointed(update))
    assert clock.seconds / clock.updates == 1


class _StopsItself(Callback):
    """Ctrl-C after three updates."""

    def on_update(self, event):
        if event.update == 3:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def unfinished(colors):
    """The first run of a plan after three updates, with its resume point."""
    plan, _, folder = colors
    job = plan.jobs[0]
    with pytest.raises(Interrupted):
        train_experiment(job.experiment, folder / "unfinished" / job.folder_name, callback=_StopsItself())
    return job, folder


def test_a_run_goes_on_from_its_resume_point(unfinished, monkeypatch):
    job, folder = unfinished
    clocks = []
    monkeypatch.setattr(worker, "_Clock", lambda made=worker._Clock: clocks.append(made()) or clocks[-1])
    line = train_job(job, folder, None, keep=False)
    alone = train_experiment(job.experiment, folder / "alone")
    assert line.tasks == alone.results["last"]["tasks"]
    assert clocks[0].updates == line.updates - 3 > 0


def test_a_run_whose_encoder_is_gone_keeps_its_resume_point(unfinished):
    job, folder = unfinished
    broken = replace(job, experiment=build_experiment(job.experiment.document, [f"encoder.path={folder / 'gone'}"]))
    with pytest.raises(CheckpointError, match="there is no such folder"):
        train_job(broken, folder, None, keep=False)
    assert list((folder / "unfinished" / job.folder_name / "checkpoints").glob("*"))


@pytest.mark.parametrize(("ours", "failed"), [(None, True), (signal.SIGINT, False)])
def test_a_run_that_something_else_ended_is_named(colors, ours, failed):
    """A signal to one of the processes and not to the sweep: the run is not passed over in silence."""
    plan, ledger, folder = colors
    interrupts = _Interrupts(print)
    runner = _Runner(Grid(plan, folder), ledger, folder, 1, print, interrupts)
    interrupts.signal = ours
    runner._ended(plan.jobs[0], Outcome(interrupted=True), 0)
    with (
        pytest.raises(TrainingError, match="plain, seed 1: another program ended it by a signal")
        if failed
        else nullcontext()
    ):
        runner.check()


def test_a_run_whose_data_changed_begins_anew(colors, workspace):
    """It is known by its configuration; the rows behind it have another hash than those of its resume point."""
    plan, _, folder = colors
    job = plan.jobs[0]
    train_experiment(job.experiment, folder / "unfinished" / job.folder_name)
    file = workspace.folder / "color_train.jsonl"
    file.write_text(file.read_text().replace("red", "blue", 1))
    with pytest.warns(MtsmartWarning, match="plain, seed 1 begins anew"):
        line = train_job(job, folder, None, keep=False)
    alone = train_experiment(job.experiment, folder / "alone")
    assert line.tasks == alone.results["last"]["tasks"]


def test_a_line_keeps_the_answers_if_the_grid_says_so(colors, workspace):
    """They are what the run's model predicts."""
    plan, ledger, folder = colors
    job = plan.jobs[0]
    without = train_job(job, folder, None, keep=False)
    finished = train_job(replace(job, keep_answers=True), folder / "again", None, keep=False)
    ledger.add(without)
    ledger.add(finished)
    first, second = ledger.file.read_text().splitlines()
    assert "answers" not in first
    assert '"answers"' in second
    assert finished.tasks == without.tasks
    run = mtsmart.load(folder / "again" / "unfinished" / job.folder_name)
    rows = datasets.load_dataset("json", data_files=str(workspace.folder / "color_validation.jsonl"), split="train")
    names = run.task("color").labels
    predicted = [each["prediction"] for each in run.predict("color", rows)]
    assert [names[number] for number in finished.answers["color"]] == predicted


def test_a_run_that_patience_ends_before_its_first_resume_point_is_finished(colors):
    plan, _, folder = colors
    settings = ["optimizer.learning_rate=1e-9", "training.patience=1", "training.evaluate_every=2",
                "training.checkpoint_every=100", "training.epochs=9"]  # fmt: skip
    job = replace(plan.jobs[0], experiment=build_experiment(plan.jobs[0].experiment.document, settings))
    line = train_job(job, folder, None, keep=False)
    assert line.updates == 4 and line.rows["color"]["train"].startswith("44 rows")
