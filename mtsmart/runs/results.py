"""What a run has reached: the record behind results.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, FiniteFloat, TypeAdapter

from mtsmart.errors import CheckpointError
from mtsmart.registry import Extension
from mtsmart.storage.durable import read_json
from mtsmart.storage.failures import reason_of
from mtsmart.text.json_text import with_nulls

Scores = Mapping[str, Mapping[str, float]]
"""Task -> metric -> value; the first metric of a task is its main one. NaN: undefined; null in JSON."""

_UPDATE = TypeAdapter(Annotated[int, Field(ge=0, strict=True)])
_SCORE = TypeAdapter(FiniteFloat | None)
_SCORES = TypeAdapter(dict[str, dict[str, float | None]])
_NAMES = TypeAdapter(list[str])
_EXTENSIONS = TypeAdapter(list[Extension])


@dataclass(frozen=True)
class ScoredUpdate:
    """The scores after an update.

    Attributes:
        update: how many updates were done.
        score: mean of the tasks' main metrics; None if no task was scored.
        tasks: task -> metric -> value.
    """

    update: int
    score: float | None
    tasks: Scores

    def to_json(self) -> dict[str, Any]:
        """``{"update": ..., "score": ..., "tasks": ...}``."""
        return {"update": self.update, "score": with_nulls(self.score), "tasks": with_nulls(self.tasks)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ScoredUpdate:
        """Read what ``to_json`` gave.

        Raises:
            KeyError, TypeError, ValueError: it has another form.
        """
        update = _UPDATE.validate_python(data["update"])
        score = _SCORE.validate_python(data["score"], strict=True)
        return cls(update, score, _scores(data["tasks"]))


@dataclass(frozen=True)
class Results:
    """Scores of a run.

    Attributes:
        best: the evaluation with the highest score; None before the first evaluation that has a score.
        last: the last evaluation; None before the first one.
        baselines: task -> metric -> score of the best constant prediction.
        untrained: the tasks whose head got no update, so that nothing about it was scored.
        stopped: task -> when it stopped to be drawn, and the scores of the head that it keeps.
        extensions: the entries of installed packages that the run uses, with these packages.
        automatic_heads: the tasks whose kind of head mtsmart has chosen.
    """

    best: ScoredUpdate | None = None
    last: ScoredUpdate | None = None
    baselines: Scores = field(default_factory=dict)
    untrained: Sequence[str] = ()
    stopped: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    extensions: Sequence[Extension] = ()
    automatic_heads: Sequence[str] = ()

    @property
    def score(self) -> float | None:
        """The best evaluation's score."""
        return None if self.best is None else self.best.score

    @property
    def tasks(self) -> Scores:
        """The best evaluation's metrics."""
        return {} if self.best is None else self.best.tasks

    def to_json(self) -> dict[str, Any]:
        """The content of results.json: score, tasks, baselines, best, last."""
        return {
            "score": with_nulls(self.score),
            "tasks": with_nulls(self.tasks),
            "baselines": with_nulls(self.baselines),
            "best": None if self.best is None else self.best.to_json(),
            "last": None if self.last is None else self.last.to_json(),
            **({"untrained": list(self.untrained)} if self.untrained else {}),
            **({"stopped": with_nulls(dict(self.stopped))} if self.stopped else {}),
            **({"extensions": [asdict(each) for each in self.extensions]} if self.extensions else {}),
            **({"automatic_heads": list(self.automatic_heads)} if self.automatic_heads else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Results:
        """Read the content of results.json.

        Raises:
            KeyError, TypeError, ValueError: it has another form.
        """
        _SCORES.validate_python(data["tasks"])
        best = data.get("best")
        last = data.get("last")
        return cls(
            None if best is None else ScoredUpdate.from_json(best),
            None if last is None else ScoredUpdate.from_json(last),
            _scores(data.get("baselines", {})),
            _NAMES.validate_python(data.get("untrained", [])),
            _scores(data.get("stopped", {})),
            _EXTENSIONS.validate_python(data.get("extensions", [])),
            _NAMES.validate_python(data.get("automatic_heads", [])),
        )


def read_results(file: Path) -> Results:
    """What results.json of a run holds.

    Raises:
        CheckpointError: the run has no results yet, or the file is damaged.
    """
    try:
        data = read_json(file)
    except FileNotFoundError:
        raise CheckpointError("the run has no results yet", file=file.parent) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"is damaged: {reason_of(error)}", file=file) from None
    try:
        return Results.from_json(data)
    except (KeyError, TypeError, ValueError):
        raise CheckpointError("is damaged: it has no scores", file=file) from None


def untrained_told(tasks: Sequence[str]) -> str:
    """A sentence about the tasks whose head got no update; empty if there are none."""
    if not tasks:
        return ""
    heads = "the head" if len(tasks) == 1 else "the heads"
    return f"No update has trained {heads} of {', '.join(tasks)}, so what {heads} would answer is random"


def _scores(data: Any) -> dict[str, dict[str, float]]:
    """Scores as JSON holds them: one that is undefined, and so has no value there, is NaN again."""
    found = _SCORES.validate_python(data)
    return {
        task: {metric: math.nan if value is None else value for metric, value in metrics.items()}
        for task, metrics in found.items()
    }
