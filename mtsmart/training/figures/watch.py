"""Finds tasks whose loss does not fall, and terms that suddenly grow or do nothing. It tells of each of them once."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from mtsmart.config.regularizers import Alarm, Figure, Idle

_FLAT_LINES = 10  # A loss is called flat only after so many lines.
_FIRST_LINES = 2  # The mean of these lines is the loss at the beginning.
_KEPT_LINES = 200  # The number of lines kept besides the first ones, so that long runs do not fill the memory.
_FLAT = 0.98  # A loss is flat if it stays above this part of the loss at the beginning.
_CALM_LINES = 3  # A term can be called too large only after so many lines.
_JUMP = 10.0  # A term is too large above so many times the median of its earlier lines.


class Watch:
    """Reads each line of training figures.

    Args:
        total_updates: the number of all updates. A loss is called flat only after half of them.
        figures: the figures that tasks report besides their loss. Those with an alarm or an idle value are watched.
    """

    def __init__(self, total_updates: int, figures: Iterable[Figure] = ()) -> None:
        self.total_updates = total_updates
        self._watched = {figure.name: figure for figure in figures if figure.alarm or figure.idle}
        self._lines: dict[str, dict[str, list[float]]] = {}
        self._reported: list[str] = []

    def look(self, update: int, tasks: Mapping[str, Mapping[str, float]]) -> list[str]:
        """The new warnings.

        Args:
            update: the number of finished updates.
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
            has_begun = update >= self.total_updates / 5
            # Some tasks begin to be learnt only when others have shaped the encoder, after a third of the run or so.
            if update >= self.total_updates / 2:
                found += self._once(f"{task}.loss", _flat(task, lines.get("loss", [])))
            for name, figure in self._watched.items():
                values = lines.get(name, [])
                if figure.alarm and not (figure.alarm.unless_learning and _learns(lines.get("loss", []))):
                    found += self._once(f"{task}.{name}", _runs_away(task, figure.what, values, figure.alarm))
                if figure.idle and has_begun:
                    text = _does_nothing(task, figure.what, values, lines.get("loss", []), figure.idle)
                    found += self._once(f"{task}.{name}.idle", text)
        return found

    def _once(self, what: str, text: str | None) -> list[str]:
        if text is None or what in self._reported:
            return []
        self._reported.append(what)
        return [text]

    def state_dict(self) -> dict[str, Any]:
        """The state in JSON types. Resume points contain it, so its keys stay as they are."""
        return {"lines": self._lines, "told": self._reported}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a state that ``state_dict`` returned."""
        self._lines = state["lines"]
        self._reported = state["told"]


def _flat(task: str, losses: list[float]) -> str | None:
    if len(losses) < _FLAT_LINES:
        return None
    first = statistics.mean(losses[:_FIRST_LINES])
    later = statistics.mean(losses[len(losses) // 2 :])
    if later < _FLAT * first:
        return None
    return (
        f"the loss of task {task} stays flat ({first:.3g} at first, {later:.3g} recently): check its labels, texts "
        "and weight, and the learning rate"
    )


def _learns(losses: list[float]) -> bool:
    """Whether a loss is lower in the last lines than at the beginning."""
    return len(losses) > _FIRST_LINES and statistics.mean(losses[-_CALM_LINES:]) < statistics.mean(
        losses[:_FIRST_LINES]
    )


def _does_nothing(task: str, what: str, values: list[float], losses: list[float], idle: Idle) -> str | None:
    if len(values) < _FLAT_LINES or not losses or max(values) > idle.most * statistics.median(losses):
        return None
    return f"{what} of task {task} stays at {max(values):.1e} or below: {idle.advice}"


def _runs_away(task: str, what: str, values: list[float], alarm: Alarm) -> str | None:
    if len(values) <= _CALM_LINES:
        return None
    usual = statistics.median(values[:-1])
    if values[-1] <= max(alarm.least, _JUMP * usual):
        return None
    return f"{what} of task {task} has jumped to {values[-1]:.3g} (so far about {usual:.3g}): {alarm.advice}"
