"""A trained teacher, and a record of the passes of teachers."""

import pytest

import mtsmart
from mtsmart.distill import teachers as distillation
from tests.distill.students import of_student


@pytest.fixture
def teacher(workspace, monkeypatch):
    """A trained run of both tasks in `teacher`; the experiment then is a student's."""
    monkeypatch.setenv("MTSMART_CACHE_DIR", str(workspace.folder / "cache"))
    settings = ["training.seed=5", "smart=off", "mbpp=off"]
    run = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "teacher")
    workspace.write_experiment(of_student(workspace.experiment.read_text()))
    return run.path


@pytest.fixture
def scored(monkeypatch):
    """The (teacher's folder, task) pairs that were computed."""
    calls, compute = [], distillation._score

    def score(teacher, task, split, config):
        calls.append((teacher.folder.path.name, task.name))
        return compute(teacher, task, split, config)

    monkeypatch.setattr(distillation, "_score", score)
    return calls
