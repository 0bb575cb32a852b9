"""Many runs of an interpreter for the price of one start: each is a fork of a process that has loaded what they need.

    python -P served.py MODULE...

Each line of standard input is a JSON object: the ``folder`` to run in, and either ``code``, or a ``module`` with its
``arguments``. A line of JSON answers each. Unlike ``forked.py``, it needs no package of this checkout, so it serves
interpreters that have none.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    """The exit code of a run, and its standard output and error."""

    code: int
    out: str
    err: str


class Served:
    """A process that waits for runs, with the modules that they need. It ends with ``close``.

    Args:
        python: the interpreter, with its options.
        modules: what it loads before the first run.
        environment: what its environment has besides this process's.
    """

    def __init__(self, *python: str, modules: list[str], environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [*python, str(Path(__file__).resolve()), *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def run(self, folder: Path, **asked: Any) -> Result:
        """Run ``code``, or a ``module`` with ``arguments``, in a folder.

        ``modules`` are loaded before the fork, so later runs have them too.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps({"folder": str(folder), **asked}), file=self._process.stdin, flush=True)
        return Result(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)


def in_fork(work: Callable[[], object]) -> Result:
    """What a function writes and how it ends, in a fork of this process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            code = _exit_code(work)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(pid, 0)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode())
        return Result(os.waitstatus_to_exitcode(status), *texts)


def _exit_code(work: Callable[[], object]) -> int:
    try:
        work()
    except SystemExit as stop:
        return int(stop.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _work(asked: dict[str, Any]) -> None:
    os.chdir(asked["folder"])
    if "code" in asked:
        exec(compile(asked["code"], "<code>", "exec"), {"__name__": "__main__"})
        return
    sys.argv = [asked["module"], *asked["arguments"]]
    runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)


def _main() -> None:
    for module in sys.argv[1:]:
        importlib.import_module(module)
    for line in sys.stdin:
        asked = json.loads(line)
        for module in asked.get("modules", []):
            importlib.import_module(module)
        result = in_fork(partial(_work, asked))
        print(json.dumps(vars(result)), flush=True)


if __name__ == "__main__":
    _main()
