"""``mtsmart affinity``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtsmart.cli.options import ExperimentArgument, Overrides
from mtsmart.cli.terminal import say
from mtsmart.quiet import quiet_libraries


def affinity(
    experiment: ExperimentArgument,
    overrides: Overrides = None,
    updates: Annotated[
        int | None, typer.Option("--updates", help="The length of the run. Default: as the experiment says.")
    ] = None,
    every: Annotated[int, typer.Option("--every", help="Updates between two measurements.")] = 20,
    batches: Annotated[
        int, typer.Option("--batches", help="Batches of each task in a measurement; more give less noise.")
    ] = 2,
    start: Annotated[
        list[str] | None,
        typer.Option("--start", metavar="TASK", help="Rank the other tasks as starts for this one; repeatable."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder for the figures. Default: affinity/<name>.")
    ] = None,
) -> None:
    """Measure which tasks help which: train jointly for some updates, and see what each does to the others."""
    quiet_libraries()
    from mtsmart.affinity.command import affinity as measured

    measured(
        experiment,
        overrides or [],
        updates=updates,
        every=every,
        batches=batches,
        start=start or [],
        output=output,
        notify=say,
    )
