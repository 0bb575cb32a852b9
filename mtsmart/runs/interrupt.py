"""The first Ctrl-C stops training after the present update."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

_PASSED_ON = 1.0  # seconds


class Interrupted(KeyboardInterrupt):
    """Training stopped after an update because of ``signal``; a resume point has been written."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


class StopSignals:
    """Inside the context SIGINT and SIGTERM call ``first``, and later ones call ``again``.

    ``signal`` is the number of the last signal, or None. A SIGTERM within a second of the first signal counts as the
    same stop: systemd and Slurm signal every process of a job, and launchers pass signals on. Python allows no signal
    handlers outside the main thread; nothing is called there.
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
        """Put back the signal handlers that were there before the context."""
        while self._before:
            signal.signal(*self._before.popitem())

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = number
            self._since = time.monotonic()
            self.first()
        elif number != signal.SIGTERM or time.monotonic() - self._since > _PASSED_ON:
            self.signal = number
            self.again()


@contextmanager
def ending_orderly() -> Iterator[None]:
    """Inside the context SIGTERM ends the process like an error does, so that what is unfinished is removed."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # Python allows no signal handlers outside the main thread.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Interrupt(StopSignals):
    """The first signal is only noted. A second one acts as if there were no handler."""

    def again(self) -> None:
        """Put back the earlier handlers, and send the signal to them."""
        self.restore()
        if self.signal is not None:
            signal.raise_signal(self.signal)
