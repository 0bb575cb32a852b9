"""What ``train`` and ``finetune`` show: progress, the final table, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import typer
from rich.console import Console
from rich.markup import escape

from mtsmart.api import Run
from mtsmart.reporting.console import TrainingConsole, results_table
from mtsmart.training.callbacks import Callback
from mtsmart.training.interrupt import Interrupted


def run_and_report(train: Callable[[Callback], Run]) -> None:
    """Train with progress on the terminal; Ctrl-C ends with exit code 130 and says how to go on."""
    console = Console()
    try:
        run = train(TrainingConsole(console))
    except Interrupted as stop:
        console.print("Stopped; a resume point is written. The same command with --resume goes on from it.")
        raise typer.Exit(stop.exit_code) from None
    path = shlex.quote(str(run.path))
    if run.results["best"] is not None:
        title = f"Best evaluation (update {run.results['best']['update']:,}): score {run.results['score']:.4f}"
        console.print(results_table(run.results["tasks"], run.results["baselines"], title))
    task = next(iter(run.results["tasks"] or ["NAME"]))
    console.print(f"\nThe run is in [bold]{escape(path)}[/]. Next:")
    for line in (
        f"mtsmart evaluate {path}",
        f"mtsmart predict {path} --task {task} --input FILE",
        f"mtsmart finetune {path} --task {task}",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True, markup=False)
