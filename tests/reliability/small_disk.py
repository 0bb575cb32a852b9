"""Run by test_full_disk.py in a mount namespace of its own: the real command line on a disk that is too small.

    python -m tests.reliability.small_disk

Each line of standard input is a JSON object with a ``folder`` and its ``cases``. The folder becomes a tmpfs. Each case
names a size and a command line; after a case that failed the disk is made large and the command repeated with what
``again`` adds. A line of JSON, the list of what happened, answers each line.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.forked import PRELOADED, command_line
from tests.served import in_fork

LARGE = "200m"


def main() -> None:
    """All lines, one after the other."""
    for module in PRELOADED:
        importlib.import_module(module)  # once, before the forks
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
    return asdict(in_fork(lambda: command_line(*command)))


if __name__ == "__main__":
    main()
