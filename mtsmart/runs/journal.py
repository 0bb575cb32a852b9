"""metrics.jsonl and timing.jsonl of a run: written line by line, and read back as lines, curves and cost.

Resumed runs leave the same lines as others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mtsmart.config.strict import first_problem
from mtsmart.errors import CheckpointError
from mtsmart.runs.folder import RunFolder
from mtsmart.storage.durable import append_line, flush, open_to_append, read_bytes
from mtsmart.storage.failures import reason_of, writing
from mtsmart.text.json_text import json_text

_MAX_BYTES = 1_000_000_000
_LIKE_JSON = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)
Line = TypeVar("Line", bound=BaseModel)
Points = Sequence[tuple[int, float]]
"""Updates and values, in the order of the updates."""


class Journal:
    """Appends lines to the two files.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._metrics = folder.metrics_file
        self._timing = folder.timing_file

    def start(self, size: int, notify: Callable[[str], None]) -> None:
        """Cut off what an interrupted run wrote to metrics.jsonl after its resume point. The run writes it again.

        A line of timing.jsonl that a loss of power has cut is dropped, because the next one would be joined to it.

        Args:
            size: length of metrics.jsonl in bytes when the resume point was written; 0 for a new run.
            notify: called with a text if lines before the resume point are lost.

        Raises:
            StorageError: a file cannot be written.
        """
        self._folder.claim(self._metrics)
        self._folder.claim(self._timing)
        with writing(self._metrics), open_to_append(self._metrics) as stream:
            found = stream.tell()
            if found < size:
                left = f"{found:,} of {size:,} bytes are left"
                notify(f"{self._metrics}: has lost lines from before the resume point ({left})")
                size = _whole_lines(self._metrics)
            stream.truncate(size)
        if self._timing.exists():
            with writing(self._timing), open_to_append(self._timing) as stream:
                stream.truncate(_whole_lines(self._timing))

    def add(self, record: dict[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        append_line(self._metrics, json_text(record))

    def add_timing(self, record: dict[str, Any]) -> None:
        """Append a line to timing.jsonl."""
        append_line(self._timing, json_text(record))

    def tells_of_end(self) -> bool:
        """Whether the last line of timing.jsonl says that nothing is left to train."""
        lines = read_timing(self._timing)
        return bool(lines) and bool(lines[-1].finished)

    def flushed_size(self) -> int:
        """The length of metrics.jsonl in bytes, after everything is on the disk."""
        if not self._metrics.exists():
            return 0
        with writing(self._metrics):
            flush(self._metrics)
        return self._metrics.stat().st_size


def _whole_lines(file: Path) -> int:
    """The bytes up to the end of the last whole line."""
    return file.read_bytes().rfind(b"\n") + 1


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


def read_metrics(file: Path) -> list[MetricsLine]:
    """Read metrics.jsonl; a run that has not written it yet has no lines.

    Raises:
        CheckpointError: a line is not one that a run wrote.
    """
    return _read(file, MetricsLine)


def read_curves(file: Path) -> Curves:
    """Read metrics.jsonl; a run that has not written it yet has no curves.

    Raises:
        CheckpointError: a line is not one that a run wrote.
    """
    lines = read_metrics(file)
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
