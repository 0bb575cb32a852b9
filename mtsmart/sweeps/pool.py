"""Work in processes of its own, a fixed number at a time, that ends when this process does.

Each piece of work gets a fresh process, so no piece sees what another left in memory.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from mtsmart.errors import MtsmartError, MtsmartWarning
from mtsmart.runs.interrupt import Interrupted

_STOPS = {signal.SIGINT, signal.SIGTERM}


@dataclass
class Outcome:
    """How a piece of work ended.

    Attributes:
        result: what it returned; None if it did not.
        error: the message of what stopped it; None if nothing did.
        interrupted: a signal stopped it.
        warnings: what the user should be told, a text each.
    """

    result: Any = None
    error: str | None = None
    interrupted: bool = False
    warnings: list[str] = field(default_factory=list)


class Pool:
    """Processes that work.

    Args:
        preload: modules that each process needs; loaded once where the system can fork.
    """

    def __init__(self, preload: list[str]) -> None:
        methods = multiprocessing.get_all_start_methods()
        self._context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            self._context.set_forkserver_preload(preload)
        self._working: dict[Hashable, tuple[Any, Connection]] = {}
        self._interrupted = self._killed = False

    def __len__(self) -> int:
        return len(self._working)

    def start(self, key: Hashable, work: Callable[..., Any], *arguments: Any) -> None:
        """Begin a piece of work; function and arguments are pickled."""
        here, there = self._context.Pipe(duplex=False)
        self._start_server()
        process = self._context.Process(target=_work, args=(there, work, arguments))
        process.start()
        there.close()
        self._working[key] = process, here
        if self._interrupted:  # meanwhile: loading the first process takes seconds
            process.terminate()

    def _start_server(self) -> None:
        """Start the process that the others are forked from, deaf to signals that a terminal sends to all of them.

        While it loads what they need it would end by one with a traceback. It ends when this process does.
        """
        if self._context.get_start_method() != "forkserver":
            return
        resource_tracker.ensure_running()  # which forkserver does otherwise, and which lets both signals through again
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)  # it inherits that; what comes now comes to us later
        try:
            forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def wait(self) -> dict[Hashable, Outcome]:
        """Wait until at least one piece has ended; the ended ones."""
        ready = set(wait([connection for _, connection in self._working.values()]))
        ended = {key: pair for key, pair in self._working.items() if pair[1] in ready}
        return {key: self._end(key, *pair) for key, pair in ended.items()}

    def interrupt(self) -> None:
        """Ask all, once, to end after their present update, with a resume point."""
        if not self._interrupted:
            self._interrupted = True
            for process, _ in list(self._working.values()):
                process.terminate()

    def kill(self) -> None:
        """End all at once; the resume points that there are stay."""
        self._killed = True
        for process, _ in list(self._working.values()):
            process.kill()

    def _end(self, key: Hashable, process: Any, connection: Connection) -> Outcome:
        outcome: Outcome | None = None
        with suppress(EOFError):
            outcome = connection.recv()
        process.join()
        connection.close()
        del self._working[key]
        if outcome is not None:
            return outcome
        if process.exitcode == -signal.SIGTERM or (self._killed and process.exitcode < 0):
            return Outcome(interrupted=True)
        return Outcome(error=f"its process ended with exit code {process.exitcode} (killed, or out of memory?)")


def _work(connection: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C goes to the parent alone, which passes it on as SIGTERM
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # which the server is deaf to
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MtsmartWarning)
        outcome = _outcome(work, arguments)
    outcome.warnings += [str(one.message) for one in caught if issubclass(one.category, MtsmartWarning)]
    with suppress(OSError):  # where the parent was killed nobody listens; the resume point is written
        connection.send(outcome)


def _outcome(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    try:
        return Outcome(result=work(*arguments))
    except Interrupted:
        return Outcome(interrupted=True)
    except MtsmartError as error:
        return Outcome(error=str(error))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return Outcome(error=f"{place}{error.strerror or error}")
    except Exception:  # a fault of ours; the others go on
        traceback.print_exc()
        return Outcome(error="failed; the traceback above says where")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
