"""``mtsmart merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtsmart.cli.options import OutputDir
from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import say
from mtsmart.errors import ConfigError
from mtsmart.quiet import quiet_libraries


def merge(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders of runs of one encoder.", autocompletion=completion.runs),
    ],
    weights: Annotated[
        str | None,
        typer.Option("--weights", metavar="W,W,...", help="A number for each run. Default: all have the same."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="RUN|start",
            help="Add the weighted differences of the runs from this run; start: from what the first run started from.",
        ),
    ] = None,
    output_dir: OutputDir = None,
) -> None:
    """Mix the weights of several runs, or of a run and its start, into a new run; nothing is trained."""
    quiet_libraries()
    from mtsmart import api

    merged = api.merge(list(runs), _numbers(weights), base=base, output_dir=output_dir)
    say(f"The merged run is in {merged.shown}; mtsmart evaluate {merged.shown} scores it")


def _numbers(text: str | None) -> list[float] | None:
    """The numbers in the text of ``--weights``."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        hint = "Write them with commas between, such as 0.5,0.5"
        raise ConfigError("should be numbers", argument="weights", value=text, hint=hint) from None
