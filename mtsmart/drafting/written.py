"""A draft as YAML with comments, and an experiment that trains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.drafting.draft import Draft, Seen
from mtsmart.text.counts import counted

_WIDTH = 78
_UPDATES = 400  # that a small data set gets at least
_MOST_EPOCHS = 20
_LEAST_EPOCHS = 3
_LEAST_PATIENCE = 3
BATCH = 16
_TUNED = "tuned"  # the preset of a regulariser that is worth a try


def task_text(name: str, draft: Draft, seen: Seen, source: str) -> str:
    """The task file.

    Args:
        name: of the task.
        draft: what it says.
        seen: the data.
        source: what the user named.
    """
    head = [
        f"# Written by 'mtsmart tasks new' after a look at {counted(seen.rows, 'row')} of {' '.join(source.split())}.",
        "# A comment says why a line is there. docs/data.md and 'mtsmart tasks types' say what else can be written.",
        f"{flow(name)}:",
    ]
    return "\n".join([*head, *_body(draft, seen)]) + "\n"


def _body(draft: Draft, seen: Seen) -> Iterator[str]:
    notes = {**seen.data.notes, **draft.notes}
    yield from _line("task_type", draft.task_type, notes)
    yield from _section("dataset", seen.data.dataset, notes)
    yield from _line("text", draft.text, notes)
    if draft.label is not None:
        yield from _line("label", draft.label, notes)
    if draft.labels is not None:
        yield from _line("labels", draft.labels, notes)
    for key, value in draft.keys.items():
        yield from _line(key, value, notes)
    for line in draft.advice:
        yield f"  # {line}"


def _section(key: str, values: Mapping[str, Any], notes: Mapping[str, str]) -> Iterator[str]:
    yield f"  {key}:"
    for name, value in values.items():
        yield from _line(name, value, notes, indent=4)


def _line(key: str, value: Any, notes: Mapping[str, str], indent: int = 2) -> Iterator[str]:
    """A key with its value; its note stands above it."""
    blanks = " " * indent
    if key in notes:
        yield f"{blanks}# {' '.join(notes[key].split())}"
    line = f"{blanks}{key}: {flow(value)}"
    if len(line) <= _WIDTH or not isinstance(value, list):
        yield line
        return
    yield f"{blanks}{key}:"
    yield from (f"{blanks}  - {flow(item)}" for item in value)


def flow(value: Any) -> str:
    """A value on one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False)
    return str(text).strip().removesuffix("...").strip()


def experiment_text(name: str, file: str, rows: int, encoder: str) -> str:
    """An experiment that trains the task.

    Args:
        name: of the task.
        file: the task file, relative to the experiment.
        rows: of the training split, about.
        encoder: what it starts from.
    """
    tuned = [name for name, method in REGULARIZERS.ordered().items() if any(p.name == _TUNED for p in method.presets)]
    epochs = min(max(-(-_UPDATES * BATCH // max(rows, 1)), _LEAST_EPOCHS), _MOST_EPOCHS)
    return f"""# Trains the task of {file}: mtsmart train THIS_FILE. 'mtsmart tasks list' shows tasks that can be added.
name: {flow(name)}
task_files: [{flow(file)}]
tasks: [{flow(name)}]
encoder:
  path: {flow(encoder)}  # or any encoder of the Hub, such as microsoft/deberta-v3-small
optimizer:
  learning_rate: 5e-5
training:
  batch_size: {BATCH}
  epochs: {epochs}  # passes over the data, each followed by an evaluation
  patience: {max(_LEAST_PATIENCE, -(-epochs // 3))}  # stop after so many evaluations without a better score
  # precision: auto  # bfloat16 where this machine multiplies it faster, as most GPUs do
# Regularisers help some tasks and take time; 'mtsmart methods' describes them:
""" + "".join(f"# {method}: {_TUNED}\n" for method in tuned)
