"""What ``train`` and ``finetune`` show: progress, the final table, and what to type next."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from mtsmart.api import Run
from mtsmart.cli.terminal import logging_to
from mtsmart.processes import launched
from mtsmart.reporting.console import ConsoleHandler, ProgressBar
from mtsmart.reporting.results_table import results_table
from mtsmart.reporting.shown import shown
from mtsmart.runs.interrupt import Interrupted
from mtsmart.training.callbacks import Callback


def run_and_report(train: Callable[[Callback], Run]) -> None:
    """Train with progress on the terminal; Ctrl-C ends with exit code 130 and says how to go on."""
    console = Console(quiet=launched()[0] > 0)  # of several processes the first reports
    try:
        with logging_to(ConsoleHandler(console)):
            run = train(ProgressBar(console))
    except Interrupted as stop:
        console.print(
            "Stopped; a resume point is written. The same command with --resume continues from it.", soft_wrap=True
        )
        raise typer.Exit(stop.exit_code) from None
    path = shlex.quote(str(run.path))
    if run.results["best"] is not None:
        title = f"Best evaluation (update {run.results['best']['update']:,}): score {run.results['score']:.4f}"
        console.print(results_table(run.results["tasks"], run.results["baselines"], title))
    task = next(iter(run.results["tasks"] or ["NAME"]))
    console.print(Text.assemble("\nThe run is in ", shown(path, "bold"), ". Next:"))
    for line in (f"evaluate {path}", f"predict {path} --task {task} --input FILE", f"finetune {path} --task {task}"):
        console.print(shown(f"  {_program()} {line}"), soft_wrap=True)


def _program() -> str:
    """How to call mtsmart again: by its name if the shell finds it; otherwise as it was called this time."""
    if shutil.which("mtsmart"):
        return "mtsmart"
    called = Path(sys.argv[0])
    return shlex.quote(str(called)) if called.name == "mtsmart" else f"{shlex.quote(sys.executable)} -m mtsmart"
