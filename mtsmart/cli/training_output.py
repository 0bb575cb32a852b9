"""What ``train`` and ``finetune`` show: progress, the final table, and what to type next."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from mtsmart.cli.terminal import require_output
from mtsmart.log import without_notices
from mtsmart.processes import launched
from mtsmart.reporting.progress.console import progress_on
from mtsmart.reporting.progress.event_lines import EventLines
from mtsmart.reporting.results_table import results_table
from mtsmart.reporting.shown import shown
from mtsmart.running import Run
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.interrupt import Interrupted
from mtsmart.text.scores import score_text
from mtsmart.training.callbacks import Callback


@dataclass(frozen=True)
class Shown:
    """How much a training command shows.

    Attributes:
        quiet: neither progress nor notices nor what to type next.
        as_json: one JSON object a line, for programs, and nothing else on standard output.
    """

    quiet: bool = False
    as_json: bool = False


def run_and_report(train: Callable[[Callback], Run], what: Shown) -> None:
    """Train, and show it; Ctrl-C ends with exit code 130 and says how to go on."""
    with without_notices() if what.quiet else nullcontext():
        _train_as_json(train) if what.as_json else _train_for_people(train, what.quiet)


def _train_as_json(train: Callable[[Callback], Run]) -> None:
    require_output()
    lines = EventLines(sys.stdout)
    try:
        run = train(lines)
    except Interrupted as stop:
        lines.write_end(None, None)
        raise typer.Exit(stop.exit_code) from None
    lines.write_end(run.shown, run.results)


def _train_for_people(train: Callable[[Callback], Run], quiet: bool) -> None:
    console = Console(quiet=launched()[0] > 0)  # of several processes the first reports
    try:
        run = train(Callback() if quiet else progress_on(console))
    except Interrupted as stop:
        console.print(
            "Stopped; a resume point is written. The same command with --resume continues from it.", soft_wrap=True
        )
        raise typer.Exit(stop.exit_code) from None
    if run.results["best"] is not None:
        title = f"Best evaluation (update {run.results['best']['update']:,}): score {score_text(run.results['score'])}"
        unscored = run.results.get("untrained", [])
        console.print(results_table(run.results["tasks"], run.results["baselines"], title, unscored))
    path = shlex.quote(run.shown)
    ending = "." if quiet else ". Next:"
    console.print(Text.assemble("\nThe run is in ", shown(path, "bold"), ending), soft_wrap=True)
    if not quiet:
        _print_report(console, run)
        _print_next(console, path, next(iter(run.results["tasks"] or ["NAME"])))


def _print_report(console: Console, run: Run) -> None:
    file = RunFolder(Path(run.shown)).report_file
    if file.is_file():
        console.print(shown(f"  open {shlex.quote(str(file))} in a browser"), soft_wrap=True)


def _print_next(console: Console, path: str, task: str) -> None:
    """Print what to type next."""
    for line in (f"evaluate {path}", f"predict {path} --task {task} --input FILE", f"finetune {path} --task {task}"):
        console.print(shown(f"  {_program()} {line}"), soft_wrap=True)


def _program() -> str:
    """How to call mtsmart again: by its name if the shell finds it; otherwise as it was called this time."""
    if shutil.which("mtsmart"):
        return "mtsmart"
    called = Path(sys.argv[0])
    return shlex.quote(str(called)) if called.name == "mtsmart" else f"{shlex.quote(sys.executable)} -m mtsmart"
