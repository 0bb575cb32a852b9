"""``mtsmart runs list`` and ``mtsmart runs compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import require_output, say, say_json
from mtsmart.quiet import quiet_libraries

app = typer.Typer(help="List and compare finished runs.", no_args_is_help=True, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("list")
def list_runs(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The folder that holds the runs.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder: date, tasks, score, updates and state, the latest first."""
    require_output()
    quiet_libraries()
    from rich.console import Console

    from mtsmart.reporting.runs_tables import reasons_missing, runs_in, runs_json, runs_table

    runs = runs_in(folder)
    if as_json:
        say_json(runs_json(runs))
    elif runs:
        Console().print(runs_table(runs))
        for reason in reasons_missing(runs):
            say(reason)
    else:
        say(f"There is no run in {folder}.")


@app.command("compare")
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN...", help="Folders of runs.", autocompletion=completion.runs)
    ],
    as_json: AsJson = False,
) -> None:
    """Show the scores of runs side by side, and where their settings differ."""
    require_output()
    quiet_libraries()
    from rich.console import Console

    from mtsmart.reporting.report.comparison import read_runs
    from mtsmart.reporting.runs_tables import comparison_tables

    comparison = read_runs(runs)
    if as_json:
        say_json(comparison.to_json())
        return
    Console().print(comparison_tables(comparison))
