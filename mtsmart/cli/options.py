"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtsmart.cli.shell import completion

Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...",
        help="Changes, for example training.epochs=2 or METHOD=PRESET; 'mtsmart methods' lists regularisers.",
        autocompletion=completion.settings,
    ),
]
OutputDir = Annotated[
    Path | None, typer.Option("--output-dir", "-o", help="The run's folder. Default: runs/<name>, numbered if taken.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue from the newest resume point in the run's folder.")]
AllowChanges = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-changes",
        metavar="KEY",
        help="With --resume: a key that may differ from the interrupted run, as training.epochs; repeatable.",
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show only warnings, errors, the scores and the run's folder.")
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object a line and nothing else, for programs."),
]
TaskFiles = Annotated[
    list[Path] | None, typer.Option("--task-file", help="YAML with further tasks, or a folder of such; repeatable.")
]
FileFormat = Annotated[
    str | None,
    typer.Option("--format", help="What the file is, as csv; default: as the training files, or as its ending says."),
]
Columns = Annotated[
    str | None,
    typer.Option("--columns", metavar="NAME,...", help="The columns of a file without a header; default: as trained."),
]

Precision = Annotated[
    str, typer.Option("--precision", help="float32, or bfloat16, which is faster on most GPUs and rounds more.")
]


def names_in(columns: str | None) -> list[str] | None:
    """The names in the text of ``--columns``."""
    return None if columns is None else [name.strip() for name in columns.split(",")]


RunArgument = Annotated[
    Path,
    typer.Argument(
        metavar="RUN", help="Folder of a run, or hub:owner/name[@revision].", autocompletion=completion.runs
    ),
]

ExperimentArgument = Annotated[
    str,
    typer.Argument(
        metavar="EXPERIMENT",
        help="YAML file, or a shipped experiment such as quickstart.",
        autocompletion=completion.experiments,
    ),
]
