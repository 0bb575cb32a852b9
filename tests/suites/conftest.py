"""One small joint run over all tasks of suites that can be trained, on stubs of their data sets."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import mtsmart
from mtsmart.errors import MtsmartWarning
from tests.suites.stubs import write_stubs

HEADS_FOR_ADVGLUE = ["sst2", "qqp", "mnli", "qnli", "rte"]
SUPERGLUE = ["boolq", "cb", "copa", "multirc", "record", "superglue_rte", "wic", "wsc"]
OTHERS = ["anli_r1", "anli_r2", "anli_r3", "paws", "wanli", "snli_cad"]
TASKS = [*HEADS_FOR_ADVGLUE, *SUPERGLUE, *OTHERS]


@pytest.fixture(scope="session")
def stub_hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Local clones of stubs."""
    folder = tmp_path_factory.mktemp("stub-hub")
    write_stubs(folder)
    return folder


@pytest.fixture(scope="session")
def suite_run(stub_hub: Path, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's folder. Its configuration names the stubs."""
    experiment = {
        "name": "suites",
        "tasks": TASKS,
        "encoder": {"path": str(tiny_encoder)},
        "data": {"hub_dir": str(stub_hub), "max_length": 48},
        "training": {"epochs": 1, "batch_size": 8},
    }
    output = tmp_path_factory.mktemp("suites") / "run"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MtsmartWarning)  # A few updates teach nothing.
        return mtsmart.train(experiment, output_dir=output).path


@pytest.fixture(autouse=True)
def _no_other_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run's own folder of clones comes first, but tests that name none must not find real data."""
    monkeypatch.delenv("MTSMART_HUB_DIR", raising=False)
    yield
