"""How fast training goes: its rows per second, and the seconds that are left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_WINDOW = 100  # updates whose mean is the present speed


@dataclass(frozen=True)
class _Mark:
    """What was done at some time.

    Attributes:
        seconds: what the clock showed.
        update: updates of the run that were done.
        rows: rows that this process has seen.
    """

    seconds: float
    update: int
    rows: int


class Pace:
    """Measures the speed of the last hundred updates of a run.

    Args:
        total: updates of the whole run.
        done: updates that an interrupted run has done already.
        clock: gives seconds.
    """

    def __init__(self, total: int, done: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self._clock = clock
        self._marks = deque([_Mark(clock(), done, 0)], maxlen=_WINDOW + 1)

    @property
    def done(self) -> int:
        """Updates of the run that are done."""
        return self._marks[-1].update

    def add(self, update: int, rows: int) -> None:
        """Count an update.

        Args:
            update: its number, from 1.
            rows: the rows that it used.
        """
        self._marks.append(_Mark(self._clock(), update, self._marks[-1].rows + rows))

    @property
    def rows_per_second(self) -> float | None:
        """The present speed; None before the first update."""
        first, last = self._marks[0], self._marks[-1]
        seconds = last.seconds - first.seconds
        return (last.rows - first.rows) / seconds if seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """The time that the other updates take at the present speed; None before the first update."""
        first, last = self._marks[0], self._marks[-1]
        updates = last.update - first.update
        if updates <= 0:
            return None
        per_update = (last.seconds - first.seconds) / updates
        since = self._clock() - last.seconds
        return max(0.0, (self.total - last.update) * per_update - since)


def rate_text(pace: Pace) -> str:
    """``310 rows/s``."""
    rate = pace.rows_per_second
    return f"{'-' if rate is None else f'{rate:,.0f}'} rows/s"


def left_text(pace: Pace) -> str:
    """``2:05 left``, or ``1:02:05 left``."""
    seconds = pace.seconds_left
    return f"{'-:--' if seconds is None else _clock_text(round(seconds))} left"


def _clock_text(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, last = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{last:02}" if hours else f"{minutes}:{last:02}"
