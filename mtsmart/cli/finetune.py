"""``mtsmart finetune``."""

from __future__ import annotations

from typing import Annotated

import typer

from mtsmart.cli.options import AllowChanges, AsJson, OutputDir, Overrides, Quiet, Resume, RunArgument, TaskFiles
from mtsmart.cli.shell import completion
from mtsmart.quiet import quiet_libraries


def finetune(
    run: RunArgument,
    overrides: Overrides = None,
    task: Annotated[
        str,
        typer.Option(
            "--task",
            "-t",
            help="A task of the run or the library, or a YAML file with one new task.",
            autocompletion=completion.tasks,
        ),
    ] = ...,  # type: ignore[assignment]
    output_dir: OutputDir = None,
    resume: Resume = False,
    allow_changes: AllowChanges = None,
    task_file: TaskFiles = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Fine-tune one task from a run's encoder and head (head=fresh starts the head anew)."""
    quiet_libraries()
    from mtsmart import api
    from mtsmart.cli.training_output import Shown, run_and_report

    run_and_report(
        lambda callback: api.finetune(
            run,
            task,
            overrides or [],
            output_dir=output_dir,
            resume=resume,
            allow_changes=allow_changes or [],
            callback=callback,
            progress=False,
            task_files=task_file or [],
        ),
        Shown(quiet, as_json),
    )
