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
    task: Annotated[
        list[str],
        typer.Option(
            "--task", "-t", help="The task to export; with --format onnx repeatable.", autocompletion=completion.tasks
        ),
    ],
    form: Annotated[
        str, typer.Option("--format", help="transformers, or onnx: one graph that onnxruntime runs.")
    ] = "transformers",
    int8: Annotated[bool, typer.Option("--int8", help="With --format onnx: weights in 8-bit integers.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export in DIR.")] = False,
    task_file: TaskFiles = None,
) -> None:
    """Write one task as a model of transformers or sentence-transformers, or several as one graph of ONNX."""
    quiet_libraries()
    from mtsmart.exporting.task import export_task

    exported = export_task(run, task, folder, form=form, int8=int8, overwrite=overwrite, task_files=task_file or [])
    how = exported.auto_class if exported.code is None else f"{exported.auto_class} with trust_remote_code=True"
    say(f"{', '.join(dict.fromkeys(task))} written to {folder} ({exported.architecture}; {how} loads it)")
