"""``mtsmart submit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtsmart.cli.options import RunArgument, TaskFiles
from mtsmart.cli.terminal import say
from mtsmart.quiet import quiet_libraries


def submit(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="glue or superglue.")],
    run: RunArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "--out", "-o", help="The zip. Default: BOARD.zip in this folder.")
    ] = None,
    fill: Annotated[
        bool, typer.Option("--fill", help="Also write files of tasks that RUN lacks: the same answer in all rows.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of this name.")] = False,
    task_file: TaskFiles = None,
) -> None:
    """Write the zip that a leaderboard takes: predictions for its test splits, in its own form."""
    quiet_libraries()
    from mtsmart.suites.submit import submit as write

    target = write(board, run, output, fill=fill, overwrite=overwrite, task_files=task_file or [])
    say(f"Written: {target}")
