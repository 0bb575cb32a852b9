"""What the Hub reads at the top of a model's card: results, base model, data sets, licence, tags."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtsmart.tasks.definition import TaskDefinition

_HUB_ID = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?")
_PIPELINES = {
    "classification": "text-classification",
    "ordinal": "text-classification",
    "multi_label": "text-classification",
    "regression": "text-classification",
    "tagging": "token-classification",
    "span": "question-answering",
    "multiple_choice": "multiple-choice",
    "ranking": "text-ranking",
    "masked_lm": "fill-mask",
}


@dataclass(frozen=True)
class ScoredTask:
    """A task of a model, as its card shows it.

    Attributes:
        name: the task's name.
        definition: its definition.
        scores: metric -> value on validation; empty if it was not scored.
    """

    name: str
    definition: TaskDefinition
    scores: Mapping[str, float]


def hub_metadata(
    library: str,
    name: str,
    encoder: str,
    tasks: Sequence[ScoredTask],
    *,
    licence: str | None = None,
    languages: Sequence[str] = (),
    pipeline: str | None = None,
) -> dict[str, Any]:
    """The facts at the top of a card. What is not known is left out.

    Args:
        library: the library that loads the model.
        name: what the results are called after.
        encoder: the pretrained encoder; only the id of a model on the Hub is shown.
        tasks: the tasks of the model.
        licence: as the Hub names it, for example ``apache-2.0``.
        languages: codes, for example ``en``.
        pipeline: the pipeline of transformers that uses the model.

    Returns:
        plain data, for YAML.
    """
    data_sets = sorted({found for task in tasks if (found := _hub_id(task.definition.dataset.path)) is not None})
    results = [_result(task) for task in tasks if task.scores]
    facts = {
        "library_name": library,
        "license": licence,
        "language": list(languages),
        "base_model": _hub_id(encoder) if "/" in encoder else None,
        "datasets": data_sets,
        "pipeline_tag": pipeline,
        "tags": ["mtsmart", *sorted({task.definition.task_type for task in tasks})],
        "model-index": [{"name": name, "results": results}] if results else None,
    }
    return {key: value for key, value in facts.items() if value}


def _result(task: ScoredTask) -> dict[str, Any]:
    """The scores of a task, in the form that the Hub reads."""
    source = task.definition.dataset
    kind = task.definition.task_type
    hub_id = _hub_id(source.path)
    data = {
        "type": hub_id or "data-files",
        "name": hub_id or task.name,
        "config": source.name,
        "split": task.definition.split("validation"),
    }
    return {
        "task": {"type": _PIPELINES.get(kind, kind), "name": task.name},
        "dataset": {key: value for key, value in data.items() if value is not None},
        "metrics": [{"type": name, "name": name, "value": value} for name, value in task.scores.items()],
    }


def _hub_id(path: str | None) -> str | None:
    """The path, if it is an id on the Hub and no folder of this machine."""
    if path is None or not _HUB_ID.fullmatch(path) or os.path.exists(path):
        return None
    return path
