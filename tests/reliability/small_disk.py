"""Run by test_full_disk.py in a mount namespace of its own: the real command line on a disk that is too small.

    python -m tests.reliability.small_disk

Each line of standard input is a JSON object with a ``folder`` and its ``cases``. The folder becomes a tmpfs. Each case
names a size and a command line; after a case that failed the disk is made large and the command repeated with what
``again`` adds. A line of JSON, the list of what happened, answers each line.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

LARGE = "200m"


def main() -> None:
    """All lines, one after the other."""
    import mtsmart.api
    import mtsmart.cli.app
    import mtsmart.cli.training_output
    import mtsmart.evaluation.prediction_files  # noqa: F401 (imported once, before the forks)

    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps([_case(asked, case) for case in asked["cases"]]), flush=True)


def _case(asked: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    folder = Path(asked["folder"])
    os.chdir(folder.parent)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={case['size']}", "tmpfs", folder], check=True)
    try:
        for source in case.get("copy", []):
            shutil.copytree(source, folder / Path(source).name)
        os.environ.update(case.get("environment", {}))
        first = _run(case["command"])
        left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        result = {"first": first, "left": left, "again": None}
        if first["code"]:
            subprocess.run(["mount", "-o", f"remount,size={LARGE}", folder], check=True)
            result["again"] = _run([*case["command"], *case.get("again", [])])
        shutil.copytree(folder, case["keep"])
        return result
    finally:
        subprocess.run(["umount", folder], check=True)


def _run(command: list[str]) -> dict[str, Any]:
    """The command line in a fork: exit code, standard output and error."""
    from mtsmart.cli.app import main as command_line

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.argv = ["mtsmart", *command]
            code: Any = 0
            try:
                command_line()
            except SystemExit as stop:
                code = stop.code or 0
            except BaseException:
                traceback.print_exc()
                code = 1
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(int(code))
        _, status = os.waitpid(pid, 0)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode())
        return {"code": os.waitstatus_to_exitcode(status), "out": texts[0], "err": texts[1]}


if __name__ == "__main__":
    main()
