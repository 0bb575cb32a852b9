"""Runs with a task of every type, exported as graphs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import mtsmart
from tests.exporting.graphs.runs import TASKS, train_every_type


@dataclass
class Export:
    """A run and its graph.

    Attributes:
        run: the run's folder.
        folder: the folder of the graph.
        loaded: the loaded run.
    """

    run: Path
    folder: Path
    loaded: mtsmart.LoadedRun


@pytest.fixture(scope="session")
def every_type(tmp_path_factory):
    """An architecture's name -> a run with a task of every type, and one graph of all its tasks."""
    for name in ("onnx", "onnxruntime"):
        pytest.importorskip(name, reason=f"the package {name} is not installed (pip install 'mtsmart[onnx]')")

    @cache
    def made(architecture: str) -> Export:
        place = tmp_path_factory.mktemp(architecture)
        run = train_every_type(place, architecture)
        files = [place / "tasks.yaml"]
        mtsmart.export(run, TASKS, place / "graph", form="onnx", task_files=files)
        return Export(run, place / "graph", mtsmart.load(run, files))

    return made
