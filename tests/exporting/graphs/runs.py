"""A run with a task of every type, on any of the tiny encoders, and what is asked of it."""

from __future__ import annotations

from pathlib import Path

import yaml

import mtsmart
from tests.conftest import write_jsonl
from tests.models.architectures import save
from tests.regularizers.every_type import CHANGES, EXAMPLES, example

PROJECTED = {"labels": ["sure", "unsure"], "project": {"yes": "sure", "no": "sure", "maybe": "unsure"}}
SETTINGS = ["mixing.strategy=rounds", "training.max_updates=1", "data.max_length=14"]
TASKS = [*EXAMPLES, *CHANGES, "projected", "ranking_list"]
ROWS_OF = {"projected": "classification", "ranking_list": "multiple_choice"}


def rows_of(task: str) -> list[dict]:
    """The rows of a task's example, without labels."""
    found = example(ROWS_OF.get(task, task)).ROWS
    return [{name: value for name, value in row.items() if name not in ("label", "labels", "tags")} for row in found]


def train_every_type(folder: Path, architecture: str) -> Path:
    """The folder of a run that has trained a task of each type for an update, and heads of each form."""
    save(architecture, folder / "encoder")
    tasks = {}
    for name in [*EXAMPLES, *CHANGES]:
        file = write_jsonl(folder / f"{name}.jsonl", example(name).ROWS)
        source = {"files": {"train": str(file), "validation": str(file)}}
        tasks[name] = {**example(name).DEFINITION, "dataset": source, **CHANGES.get(name, {})}
    if architecture == "XLNet":  # transformers has no class with a head for masks
        tasks["masked_lm"]["head"] = {"type": "plain"}
    choice = tasks["multiple_choice"]
    options = {"candidates": "endings"}
    tasks["ranking_list"] = {**choice, "task_type": "ranking", "options": options}
    tasks["projected"] = {**tasks["classification"], **PROJECTED, "share_head": "classification"}
    del tasks["projected"]["metrics"]
    experiment = {
        "name": "every",
        "tasks": [name for name in tasks if name != "projected"],
        "task_files": [str(folder / "tasks.yaml")],
        "encoder": {"path": str(folder / "encoder")},
    }
    (folder / "tasks.yaml").write_text(yaml.safe_dump(tasks))
    (folder / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    mtsmart.train(folder / "experiment.yaml", SETTINGS, output_dir=folder / "run")
    return folder / "run"
