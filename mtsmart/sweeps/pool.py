"""Runs pieces of work in other processes, a fixed number at a time. The processes end when this process ends.

Each piece of work gets a new process, so that no piece finds data of another piece in memory.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from mtsmart.errors import MtsmartError, MtsmartWarning
from mtsmart.processes import check_temporary_folder, children_without_working_directory
from mtsmart.runs.interrupt import STOPS, Interrupted
from mtsmart.unforeseen import described

_SERVER = "mtsmart.sweeps.server"


@dataclass
class Outcome:
    """The way in which a piece of work ended.

    Attributes:
        result: the value that it returned; None if it did not return.
        error: the message of the error that stopped it; None if there was no error.
        interrupted: whether a signal stopped it.
        warnings: texts for the user.
    """

    result: Any = None
    error: str | None = None
    interrupted: bool = False
    warnings: list[str] = field(default_factory=list)


class Pool:
    """Processes that work.

    Args:
        preload: modules that each process needs. On systems that can fork they are loaded only once.

    Raises:
        ConfigError: the path of the temporary folder is too long for sockets.
    """

    def __init__(self, preload: list[str]) -> None:
        check_temporary_folder()
        methods = multiprocessing.get_all_start_methods()
        self._context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            self._context.set_forkserver_preload([_SERVER, *preload])
        self._working: dict[Hashable, tuple[Any, Connection]] = {}
        self._interrupted = False
        self._killed = False

    def __len__(self) -> int:
        return len(self._working)

    def start(self, key: Hashable, work: Callable[..., Any], *arguments: Any) -> None:
        """Start a piece of work. The function and its arguments are pickled."""
        here, there = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_work, args=(there, work, arguments))
        with children_without_working_directory():
            self._start_server()
            process.start()
        there.close()
        self._working[key] = process, here
        if self._interrupted:  # The first process takes seconds to load, and a signal may come during this time.
            process.terminate()

    def _start_server(self) -> None:
        """Start the process from which the others are forked. It ignores signals and ends when this process ends.

        A terminal sends its signals to all processes. While this process loads modules, a signal would end it with a
        traceback.
        """
        if self._context.get_start_method() != "forkserver":
            return
        # forkserver would start the resource tracker, which unblocks some signals. So it is started before they are
        # blocked.
        resource_tracker.ensure_running()
        # The new process inherits the blocked signals. Signals that come now reach this process after the block.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        try:
            forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def wait(self) -> dict[Hashable, Outcome]:
        """Wait until at least one piece of work has ended, and return the outcomes of those that have ended."""
        ready = set(wait([connection for _, connection in self._working.values()]))
        ended = {key: pair for key, pair in self._working.items() if pair[1] in ready}
        return {key: self._end(key, *pair) for key, pair in ended.items()}

    def interrupt(self) -> None:
        """Ask all processes once to end after their present update, with a resume point."""
        if not self._interrupted:
            self._interrupted = True
            for process, _ in list(self._working.values()):
                process.terminate()

    def kill(self) -> None:
        """End all processes at once. The existing resume points stay."""
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
        os.setsid()  # Ctrl-C then reaches only the parent, which sends SIGTERM to its children.
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # A server that ran before has no such hook.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MtsmartWarning)
        outcome = _outcome(work, arguments)
    outcome.warnings += [str(one.message) for one in caught if issubclass(one.category, MtsmartWarning)]
    with suppress(OSError):  # If the parent was killed, nobody receives the outcome. The resume point is written.
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
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # This is a bug in mtsmart, or a panic of a library. The other runs continue.
        return Outcome(error=str(described(error)))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
