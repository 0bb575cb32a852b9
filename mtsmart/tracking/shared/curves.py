"""The curves of a run: what each line of metrics.jsonl adds to them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KINDS = ("train", "evaluation")  # An update has a line of each at most, in this order.
_NO_FIGURES = ("type", "update", "tasks", "best")
_LAST = len(_KINDS) - 1


@dataclass(frozen=True, order=True)
class Position:
    """The place of a line in metrics.jsonl.

    Attributes:
        update: how many updates were done.
        kind: 0 for a line of training, 1 for an evaluation.
    """

    update: int = 0
    kind: int = _LAST

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Position:
        """The position of a line."""
        return cls(record["update"], _KINDS.index(record["type"]))


def figures_of(record: Mapping[str, Any]) -> dict[str, float]:
    """Curve -> value, for the finite numbers of a line.

    A curve is called ``overall/FIGURE``, ``train/TASK/FIGURE`` or ``evaluation/TASK/METRIC``.
    """
    overall = {name: value for name, value in record.items() if name not in _NO_FIGURES}
    groups = {"overall": overall, **{f"{record['type']}/{_part(task)}": of for task, of in record["tasks"].items()}}
    return {
        f"{group}/{_part(name)}": value
        for group, figures in groups.items()
        for name, value in figures.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def results_of(results: Mapping[str, Any]) -> dict[str, float]:
    """Curve -> value, for what results.json says about the best evaluation; empty if nothing was evaluated."""
    if results["best"] is None:
        return {}
    found = {f"best/{_part(task)}/{_part(name)}": v for task, of in results["tasks"].items() for name, v in of.items()}
    found["best/score"] = results["score"]
    return {name: value for name, value in found.items() if value is not None and math.isfinite(value)}


def _part(name: str) -> str:
    """A name without the characters that some tracker does not take, such as the slash between the parts."""
    return re.sub(r"[^\w.\- ]", "_", name)
