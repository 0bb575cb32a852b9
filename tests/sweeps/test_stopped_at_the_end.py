"""A signal that comes when nothing is left to train stops nothing."""

import os
import signal

import pytest

import mtsmart
from mtsmart.runs.interrupt import Interrupted
from mtsmart.sweeps import sweep as module
from mtsmart.sweeps.pool import Outcome
from tests.sweeps.grids import line_of


class LastSignal:
    """A pool whose work takes no time, and in which a signal comes while the last run, or the one before, works."""

    left_at_signal = 0

    def __init__(self, preload):
        self.working = {}
        self.left = 2

    def __len__(self):
        return len(self.working)

    def start(self, key, work, job, *arguments):
        self.working[key] = job

    def interrupt(self):
        pass

    def wait(self):
        key = next(iter(self.working))
        job = self.working.pop(key)
        self.left -= 1
        if self.left == self.left_at_signal:
            os.kill(os.getpid(), signal.SIGTERM)
        return {key: Outcome(result=line_of(job, 0.5))}


@pytest.fixture
def two_runs(workspace, monkeypatch):
    def run(left):
        text = workspace.experiment.read_text() + "grid: {seeds: [1, 2], arms: {plain: {}}}\n"
        monkeypatch.setattr(LastSignal, "left_at_signal", left)
        monkeypatch.setattr(module, "Pool", LastSignal)
        return mtsmart.sweep(workspace.write_experiment(text), ["tasks=[color]"], jobs=1)

    return run


def test_all_runs_are_done_and_the_tables_are_written(two_runs):
    done = two_runs(left=0)
    assert (done.done, done.planned) == (2, 2) and (done.path / "RESULTS.md").is_file()


def test_a_run_that_is_left_is_told(two_runs):
    with pytest.raises(Interrupted):
        two_runs(left=1)


@pytest.mark.parametrize(
    ("finished", "failed", "at_a_time", "ends"),
    [(0, 3, 1, False), (0, 4, 1, True), (0, 4, 5, False), (0, 5, 5, True), (1, 9, 1, False)],
)
def test_a_sweep_of_failures_alone_starts_no_more_runs(finished, failed, at_a_time, ends):
    assert module.has_only_failures(finished, failed, at_a_time) is ends
