"""The first signal to stop, such as Ctrl-C, stops training after the present update."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

_PASSED_ON = 1.0  # seconds

# Batch systems send SIGUSR1 as a warning before the end. Windows has neither of the last two.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
STOPS = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)
"""The signals that ask a process to stop: Ctrl-C, kill, a closed terminal, and the warning of a batch system."""


class Interrupted(KeyboardInterrupt):
    """A signal, such as Ctrl-C, stopped training after an update; a resume point has been written.

    It is a ``KeyboardInterrupt``, so ``except Exception`` does not catch it. The same call with ``resume=True``
    continues.

    Args:
        number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number
        self.exit_code = 128 + number

    def __reduce__(self) -> tuple[type[Self], tuple[int]]:
        """How it is copied, and sent from one process to another: Python itself would give the text as the number."""
        return type(self), (self.number,)


class StopSignals:
    """Inside the context the first signal to stop calls ``first``, and later ones call ``again``.

    ``signal`` is the number of the last signal, or None. Another signal than SIGINT counts as the same stop if it comes
    within a second of the first one: systemd and Slurm signal every process of a job, launchers pass signals on, and
    both a closing terminal and its shell send SIGHUP. A second Ctrl-C always counts. Python allows no signal handlers
    outside the main thread; nothing is called there.
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
            for number in STOPS:
                if not _is_meant_to_go_on(number):
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
        elif number == signal.SIGINT or time.monotonic() - self._since > _PASSED_ON:
            self.signal = number
            self.again()


def _is_meant_to_go_on(number: int) -> bool:
    """Whether the process was started so that a signal does not stop it, for example with ``nohup``.

    Shells start background jobs with SIGINT ignored, but whoever sends SIGINT to such a job wants it to stop.
    """
    return number != signal.SIGINT and signal.getsignal(number) == signal.SIG_IGN


@contextmanager
def ending_orderly() -> Iterator[None]:
    """Inside the context signals end the process like an error does, so that what is unfinished is removed.

    This holds for all of ``STOPS`` but SIGINT, which Python itself turns into KeyboardInterrupt.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before: dict[int, Any] = {}
    try:
        for number in STOPS:
            if number != signal.SIGINT and not _is_meant_to_go_on(number):
                before[number] = signal.signal(number, end)
    except ValueError:  # Python allows no signal handlers outside the main thread.
        pass
    try:
        yield
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)


class Interrupt(StopSignals):
    """The first signal is only noted. A second one acts as if there were no handler."""

    def again(self) -> None:
        """Put back the earlier handlers, and send the signal to them."""
        self.restore()
        if self.signal is None:
            return
        if signal.getsignal(self.signal) == signal.SIG_IGN:  # as in jobs that a shell starts in the background
            signal.signal(self.signal, signal.default_int_handler)
        signal.raise_signal(self.signal)
