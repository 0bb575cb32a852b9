"""A run with a head of every task type, trained once, and a server in front of it."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.conftest import write_jsonl
from tests.models.architectures import save

EXAMPLES = sorted(
    path.stem
    for path in (Path(__file__).parents[1] / "task_types" / "examples").glob("*.py")
    if path.stem != "__init__"
)


def example(name):
    return importlib.import_module(f"tests.task_types.examples.{name}")


@pytest.fixture(scope="session")
def run_of_every_type(tmp_path_factory):
    """A run with one task for each example; ``renamed`` is the regression on another column."""
    import mtsmart

    folder = tmp_path_factory.mktemp("every-type")
    save("BERT", folder / "encoder")
    tasks = {}
    for name in EXAMPLES:
        file = str(write_jsonl(folder / f"{name}.jsonl", example(name).ROWS))
        tasks[name] = {**example(name).DEFINITION, "dataset": {"files": {"train": file, "validation": file}}}
    renamed = [{"sentence": row["text"], "score": row["score"]} for row in example("regression").ROWS]
    file = str(write_jsonl(folder / "renamed.jsonl", renamed))
    tasks["renamed"] = {
        **tasks["regression"],
        "text": ["sentence"],
        "dataset": {"files": {"train": file, "validation": file}},
    }
    experiment = {
        "name": "every-type",
        "tasks": tasks,
        "encoder": {"path": str(folder / "encoder")},
        "data": {"max_length": 24},
        "training": {"epochs": 1, "batch_size": 4},
    }
    return mtsmart.train(experiment, output_dir=folder / "run", progress=False).path


@pytest.fixture(scope="session")
def every_type(run_of_every_type):
    """That run, loaded."""
    import mtsmart

    return mtsmart.load(run_of_every_type)


@pytest.fixture(scope="module")
def client(every_type):
    """A server in front of it."""
    from mtsmart.serving.run_engine import RunEngine
    from tests.serving.at_work import serving

    with serving(RunEngine(every_type)) as client:
        yield client
