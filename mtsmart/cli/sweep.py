"""``mtsmart sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtsmart.cli.options import Overrides
from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import say


def sweep(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="YAML file with a grid, folds or a search, or a shipped one such as evidence/evidence.",
            autocompletion=completion.experiments,
        ),
    ],
    overrides: Overrides = None,
    output_dir: Annotated[
        Path | None, typer.Option("--output-dir", "-o", help="The sweep's folder. Default: sweeps/<name>.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", help="Runs at a time. Default: one a core; one on a GPU.")
    ] = None,
    train: Annotated[
        bool, typer.Option("--train/--no-train", help="Train what is missing, or only write the tables.")
    ] = True,
) -> None:
    """Train the runs of a grid (each arm for each seed), of folds (cross-validation), or of a search (best settings).

    What is done already is not trained again.
    """
    from mtsmart.runs.interrupt import Interrupted
    from mtsmart.sweeps.sweep import sweep as run_sweep

    try:
        done = run_sweep(file, overrides or [], output_dir=output_dir, jobs=jobs, train=train, notify=say)
    except Interrupted as stop:
        say("Stopped. The same command continues.")
        raise typer.Exit(stop.exit_code) from None
    runs = "run is" if done.planned == 1 else "runs are"
    say(f"{done.done} of {done.planned} {runs} done: {done.path / 'RESULTS.md'}")
