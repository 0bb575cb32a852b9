"""``mtsmart report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import say
from mtsmart.quiet import quiet_libraries


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders of runs; several are compared.", autocompletion=completion.runs),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The page. It may replace an earlier report. Default: report.html in the run's folder, or here for "
            "several runs.",
        ),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option("--figures", help="A new or empty folder that gets each picture as a file.")
    ] = None,
    figure_format: Annotated[str, typer.Option("--figure-format", help="svg or png.")] = "svg",
) -> None:
    """Write a page about a run, or about several side by side: curves, scores of labels, errors, cost."""
    quiet_libraries()
    from mtsmart import api

    say(f"The report is {api.report(runs, output, figures=figures, figure_format=figure_format)}")
