"""Looks at the logged figures for tasks that learn nothing and terms that run away, and says so once."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from mtsmart.config.methods import Alarm, Figure

_FLAT_LINES = 10  # lines before a loss can be called flat
_FIRST_LINES = 2  # lines that tell where it began
_KEPT_LINES = 200  # besides the first, so that long runs are not remembered whole
_FLAT = 0.98  # of where it began
_CALM_LINES = 3  # lines before a divergence can be called out of bounds
_JUMP = 10.0  # times the median of its lines so far


class Watch:
    """Reads each line of training figures.

    Args:
        total_updates: how long training is; a loss is called flat after a fifth of it at the earliest.
        figures: what tasks report besides their loss; those with an alarm are watched.
    """

    def __init__(self, total_updates: int, figures: Iterable[Figure] = ()) -> None:
        self.total_updates = total_updates
        self._watched = {figure.name: (figure.what, figure.alarm) for figure in figures if figure.alarm is not None}
        self._lines: dict[str, dict[str, list[float]]] = {}
        self._told: list[str] = []

    def look(self, update: int, tasks: Mapping[str, Mapping[str, float]]) -> list[str]:
        """What is to be said now.

        Args:
            update: how many updates are done.
            tasks: task -> figure -> mean since the last line.
        """
        found = []
        for task, figures in tasks.items():
            lines = self._lines.setdefault(task, {})
            for name in ("loss", *self._watched):
                if name in figures:
                    values = lines.setdefault(name, [])
                    values.append(figures[name])
                    del values[_FIRST_LINES : max(_FIRST_LINES, len(values) - _KEPT_LINES)]
            if update >= self.total_updates / 5:
                found += self._once(f"{task}.loss", _flat(task, lines.get("loss", [])))
            for name, (what, alarm) in self._watched.items():
                found += self._once(f"{task}.{name}", _runs_away(task, what, lines.get(name, []), alarm))
        return found

    def _once(self, what: str, text: str | None) -> list[str]:
        if text is None or what in self._told:
            return []
        self._told.append(what)
        return [text]

    def state_dict(self) -> dict[str, Any]:
        """JSON types."""
        return {"lines": self._lines, "told": self._told}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state_dict`` gave."""
        self._lines, self._told = state["lines"], state["told"]


def _flat(task: str, losses: list[float]) -> str | None:
    if len(losses) < _FLAT_LINES:
        return None
    first, later = statistics.mean(losses[:_FIRST_LINES]), statistics.mean(losses[len(losses) // 2 :])
    if later < _FLAT * first:
        return None
    return (
        f"the loss of task {task} stays flat ({first:.3g} at first, {later:.3g} of late): look at its labels, texts "
        "and weight, and at the learning rate"
    )


def _runs_away(task: str, what: str, values: list[float], alarm: Alarm) -> str | None:
    if len(values) <= _CALM_LINES:
        return None
    usual = statistics.median(values[:-1])
    if values[-1] <= max(alarm.least, _JUMP * usual):
        return None
    return f"{what} of task {task} has jumped to {values[-1]:.3g} (so far about {usual:.3g}): {alarm.advice}"
