"""How long the command line takes to answer."""

from __future__ import annotations

import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.speed.timing import interleaved, spread, table, verdict

COMMANDS = {"mtsmart --help": 0.5, "mtsmart tasks list": 1.5}


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of each command, as a process."""
    folder.mkdir(parents=True)
    program = str(Path(sys.executable).with_name("mtsmart"))
    arms = {command: partial(_run, [program, *command.split()[1:]], folder) for command in COMMANDS}
    return interleaved(arms, repeats)


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=folder)


def page(measured: dict[str, Any]) -> list[str]:
    """The section of RESULTS.md."""
    rows = [
        [f"`{command}`", spread(values, 2), verdict(statistics.median(values), COMMANDS[command], unit="seconds")]
        for command, values in measured.items()
    ]
    return ["## Start of the command line", "", *table(["", "seconds, median (range)", ""], rows)]
