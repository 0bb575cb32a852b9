"""``mtsmart export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtsmart.cli.options import RunArgument, TaskFiles
from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import say
from mtsmart.quiet import quiet_libraries


def export(
    run: RunArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write.")],
    task: Annotated[str, typer.Option("--task", "-t", help="The task to export.", autocompletion=completion.tasks)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export in DIR.")] = False,
    task_file: TaskFiles = None,
) -> None:
    """Write one task as a model that transformers or sentence-transformers loads without mtsmart."""
    quiet_libraries()
    from mtsmart.exporting.task import export_task

    exported = export_task(run, task, folder, overwrite=overwrite, task_files=task_file or [])
    how = exported.auto_class if exported.code is None else f"{exported.auto_class} with trust_remote_code=True"
    say(f"{task} written to {folder} ({exported.architecture}; {how} loads it)")
