"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...",
        help="Changes, for example training.epochs=2 or METHOD=PRESET; 'mtsmart methods' lists regularisers.",
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
TaskFiles = Annotated[
    list[Path] | None, typer.Option("--task-file", help="YAML with further tasks, or a folder of such; repeatable.")
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
