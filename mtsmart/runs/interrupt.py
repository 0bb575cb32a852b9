"""Ctrl-C as a wish to stop after the present update."""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType
from typing import Any, Self

_PASSED_ON = 1.0  # seconds


class Interrupted(KeyboardInterrupt):
    """Training stopped after an update because of ``signal``; a resume point has been written."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


class StopSignals:
    """Inside the context SIGINT and SIGTERM call ``first``, then ``again``; ``signal`` is the last one's number.

    A SIGTERM within a second of the first signal is the same stop once more: systemd and Slurm signal every process of
    a job, and launchers pass on what they get. Outside the main thread, where Python allows no signal handlers, nothing
    is called.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._since = 0.0
        self._before: dict[int, Any] = {}

    def first(self) -> None:
        """Called for the first signal."""

    def again(self) -> None:
        """Called for each further one."""

    def __enter__(self) -> Self:
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._receive)
        except ValueError:
            pass
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.restore()

    def restore(self) -> None:
        """What was there before the context acts again."""
        while self._before:
            signal.signal(*self._before.popitem())

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal, self._since = number, time.monotonic()
            self.first()
        elif number != signal.SIGTERM or time.monotonic() - self._since > _PASSED_ON:
            self.signal = number
            self.again()


class Interrupt(StopSignals):
    """The first signal is only noted; a second one acts as usual."""

    def again(self) -> None:
        """Act as if nobody had listened."""
        self.restore()
        if self.signal is not None:
            signal.raise_signal(self.signal)
