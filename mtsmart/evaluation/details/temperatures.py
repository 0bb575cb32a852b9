"""calibration.json of a run: the temperature of each task, and which weights it was fitted for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mtsmart.config.strict import first_problem
from mtsmart.errors import CheckpointError, did_you_mean
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import is_fetched
from mtsmart.storage.durable import MANIFEST, read_json, sha256_of
from mtsmart.storage.failures import reason_of
from mtsmart.task_types import TaskType
from mtsmart.task_types.details.interface import HasProbabilities

_ELSEWHERE = " on the machine that trained the run; then push the run again"


class _TaskTemperature(BaseModel):
    """What is known of one task's temperature."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)

    temperature: Annotated[float, Field(gt=0)]


class _Stored(BaseModel):
    """The content of the file."""

    model_config = ConfigDict(extra="ignore", strict=True)

    model: str
    tasks: dict[str, _TaskTemperature]


def read_temperatures(run: RunFolder) -> dict[str, float]:
    """Task -> the temperature that divides its logits.

    Raises:
        CheckpointError: the run has no such file, it is damaged, or it was fitted for other weights.
    """
    file = run.calibration_file
    there = _ELSEWHERE if is_fetched(run.path) else ""
    hint = f"`mtsmart report RUN` writes it again{there}"
    try:
        stored = _Stored.model_validate(read_json(file))
    except FileNotFoundError:
        hint = f"`mtsmart report RUN` fits temperatures{there}"
        raise CheckpointError("the run has no temperatures yet", file=run.path, hint=hint) from None
    except ValidationError as error:
        key, problem = first_problem(error)
        raise CheckpointError(f"is damaged: {problem}", file=file, key=key, hint=hint) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"is damaged: {reason_of(error)}", file=file, hint=hint) from None
    if stored.model != _weights_of(run):
        raise CheckpointError("was fitted for other weights than the run has now", file=file, hint=hint)
    return {name: task.temperature for name, task in stored.tasks.items()}


def temperatures_of(run: RunFolder, tasks: Iterable[TaskType]) -> dict[str, float]:
    """The temperatures of those tasks that have probabilities; a task without one of its own has that of its head.

    Raises:
        CheckpointError: as for :func:`read_temperatures`, or the run has none for a task.
    """
    with_probabilities = [task for task in tasks if isinstance(task, HasProbabilities)]
    # A run has no such file if none of its tasks has probabilities.
    stored = read_temperatures(run) if with_probabilities else {}
    found = {}
    for task in with_probabilities:
        known = next((name for name in (task.name, task.head_name) if name in stored), None)
        if known is None:
            hint = did_you_mean(task.name, stored)
            message = "the run has no temperature for this task"
            raise CheckpointError(message, file=run.calibration_file, value=task.name, hint=hint)
        found[task.name] = stored[known]
    return found


def store_temperatures(run: RunFolder, tasks: Mapping[str, Mapping[str, Any]]) -> bool:
    """Write calibration.json for the present weights, unless somebody else has written it.

    Args:
        run: the run's folder.
        tasks: task -> ``temperature``, and other facts about it in JSON types.

    Returns:
        whether it was written.

    Raises:
        StorageError: it cannot be written.
    """
    text = json.dumps({"model": _weights_of(run), "tasks": tasks}, indent=2) + "\n"
    return run.store_page(run.calibration_file, text)


def _weights_of(run: RunFolder) -> str:
    """A text that changes if any file of the best model changes; empty for a model without a list of its files."""
    manifest = run.model / MANIFEST
    return sha256_of(manifest) if manifest.is_file() else ""
