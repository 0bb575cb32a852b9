"""A trained teacher, and a record of the passes of teachers."""

import shutil

import pytest

import mtsmart
from mtsmart.distill import teachers as distillation
from tests.conftest import make_workspace
from tests.distill.students import of_student


@pytest.fixture(scope="session")
def trained_teacher(tmp_path_factory, tiny_encoder):
    """A finished run of both tasks, to be copied."""
    workspace = make_workspace(tmp_path_factory.mktemp("teacher"), tiny_encoder)
    settings = ["training.seed=5", "smart=off", "mbpp=off"]
    return mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "teacher").path


@pytest.fixture
def teacher(workspace, trained_teacher, monkeypatch):
    """A trained run of both tasks in `teacher`; the experiment then is a student's."""
    monkeypatch.setenv("MTSMART_CACHE_DIR", str(workspace.folder / "cache"))
    workspace.write_experiment(of_student(workspace.experiment.read_text()))
    return shutil.copytree(trained_teacher, workspace.folder / "teacher")


@pytest.fixture
def scored(monkeypatch):
    """The (teacher's folder, task) pairs that were computed."""
    calls, compute = [], distillation._score

    def score(teacher, task, split, config):
        calls.append((teacher.folder.path.name, task.name))
        return compute(teacher, task, split, config)

    monkeypatch.setattr(distillation, "_score", score)
    return calls
