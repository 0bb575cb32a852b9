"""The lines that a run has written to metrics.jsonl and timing.jsonl, read back as curves and cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mtsmart.config.strict import first_problem
from mtsmart.errors import CheckpointError
from mtsmart.storage.durable import read_bytes
from mtsmart.storage.failures import reason_of

_MAX_BYTES = 1_000_000_000
_LIKE_JSON = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)
Line = TypeVar("Line", bound=BaseModel)
Points = Sequence[tuple[int, float]]
"""Updates and values, in the order of the updates."""


class MetricsLine(BaseModel):
    """One line of metrics.jsonl; figures that belong to no single task stand beside these keys."""

    model_config = _LIKE_JSON

    type: Literal["train", "evaluation"]
    update: int = Field(ge=0)
    learning_rate: float | None = None
    score: float | None = None
    tasks: dict[str, dict[str, float | None]] = Field(default_factory=dict)


class TimingLine(BaseModel):
    """One line of timing.jsonl; runs of earlier versions lack the later keys."""

    model_config = _LIKE_JSON

    update: int = Field(ge=0)
    seconds: float = Field(ge=0)
    device: str
    finished: bool | None = None
    ended: str | None = None
    peak_memory: int | None = None
    versions: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class Curves:
    """What metrics.jsonl holds, by task.

    Attributes:
        figures: task -> figure -> its means between two lines of training.
        scores: task -> metric -> its values at the evaluations.
        overall: figure that belongs to no task -> its values, the learning rate among them.
        score: the scores of the evaluations.
    """

    figures: Mapping[str, Mapping[str, Points]] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, Points]] = field(default_factory=dict)
    overall: Mapping[str, Points] = field(default_factory=dict)
    score: Points = ()


def read_curves(file: Path) -> Curves:
    """Read metrics.jsonl; a run that has not written it yet has no curves.

    Raises:
        CheckpointError: a line is not one that a run wrote.
    """
    lines = _read(file, MetricsLine)
    training = [line for line in lines if line.type == "train"]
    evaluations = [line for line in lines if line.type == "evaluation"]
    overall: dict[str, list[tuple[int, float]]] = {}
    for line in training:
        for name, value in {"learning_rate": line.learning_rate, **(line.model_extra or {})}.items():
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                overall.setdefault(name, []).append((line.update, float(value)))
    score = [(line.update, line.score) for line in evaluations if line.score is not None]
    return Curves(_by_task(training), _by_task(evaluations), overall, score)


def read_timing(file: Path) -> list[TimingLine]:
    """Read timing.jsonl: one line for each time that training ran.

    Raises:
        CheckpointError: a line is not one that a run wrote.
    """
    return _read(file, TimingLine)


def _by_task(lines: Sequence[MetricsLine]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    found: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for line in lines:
        for task, figures in line.tasks.items():
            for name, value in figures.items():
                if value is not None:
                    found.setdefault(task, {}).setdefault(name, []).append((line.update, value))
    return found


def _read(file: Path, kind: type[Line]) -> list[Line]:
    try:
        content = read_bytes(file, _MAX_BYTES)
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot be read: {reason_of(error)}", file=file) from None
    *lines, _ = content.split(b"\n")  # A process that is writing, or was killed, leaves the last line incomplete.
    return [_parsed(file, number, line, kind) for number, line in enumerate(lines, 1) if line.strip()]


def _parsed(file: Path, number: int, line: bytes, kind: type[Line]) -> Line:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        key, problem = first_problem(error)
        message = f"is not what a run wrote: {problem}"
        raise CheckpointError(message, file=file, line=number, key=key) from None
