"""Processes of their own that do not import everything anew.

A server process imports the libraries once, and each process is forked from it: it starts in milliseconds, not in
seconds. A test uses one where it needs a process (a signal, a kill, settings of a process), and not how the shell
starts it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Each process needs them; what is not here, it imports itself.
PRELOADED = [
    "mtsmart.api",
    "mtsmart.cli.app",
    "mtsmart.cli.training_output",
    "mtsmart.evaluation.prediction_files",
    "mtsmart.regularizers.mbpp",
    "mtsmart.regularizers.smart",
    "sklearn.metrics",
    "tests.warmed",
]


def prepared_context() -> Any:
    """The way of multiprocessing to start such processes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with pytest.MonkeyPatch.context() as patch:  # The server does not find the tests from the folder of one.
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        forkserver.ensure_running()
    return context


class Forked:
    """A function in a process of its own, with the working directory of this one.

    Args:
        function, arguments: what it does; they are pickled.
        out: the file that gets its standard output, at the end of what it holds.
        err: the file that gets its standard error; by default the same.
        environment: variables beside those of this process.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        out: Path,
        err: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        context = prepared_context()
        self.out = out
        self.err = err or out
        variables = {**os.environ, **(environment or {})}
        self.process = context.Process(target=_begin, args=(function, arguments, self.out, self.err, variables))
        self.process.start()

    @property
    def pid(self) -> int:
        """The process."""
        return self.process.pid

    def ended(self) -> bool:
        """Whether it is no longer there."""
        return not self.process.is_alive()

    def wait(self, timeout: float = 300) -> int:
        """Its exit code, as soon as it has one; negative for the signal that ended it."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, f"the process still runs after {timeout} seconds"
        return self.process.exitcode

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.join()


def command_line(*arguments: str) -> None:
    """What the command ``mtsmart`` does with these arguments."""
    from mtsmart.cli.app import main

    sys.argv = ["mtsmart", *arguments]
    main()


def _begin(
    function: Callable[..., Any], arguments: tuple[Any, ...], out: Path, err: Path, environment: dict[str, str]
) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, set())  # The server of a sweep, which may be the same, blocks some.
    os.environ.clear()
    os.environ.update(environment)
    for file, descriptor in ((out, 1), (err, 2)):
        with file.open("ab") as stream:
            os.dup2(stream.fileno(), descriptor)
    function(*arguments)
