"""``mtsmart evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtsmart.cli.options import Columns, FileFormat, RunArgument, TaskFiles, names_in
from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import require_output
from mtsmart.quiet import quiet_libraries
from mtsmart.text.escaping import visible_json
from mtsmart.text.json_text import json_text


def evaluate(
    run: RunArgument,
    task: Annotated[
        list[str] | None,
        typer.Option("--task", "-t", help="Only this task; may be repeated.", autocompletion=completion.tasks),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="The split to score.")] = "validation",
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Score a new labelled file instead, read as the task's training files are."),
    ] = None,
    file_format: FileFormat = None,
    columns: Columns = None,
    task_file: TaskFiles = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score a run's best model."""
    require_output()
    quiet_libraries()
    from rich.console import Console

    from mtsmart import api
    from mtsmart.reporting.results_table import results_table

    loaded = api.load(run, task_file or [])
    evaluation = loaded.evaluate(task or None, split, file=file, file_format=file_format, columns=names_in(columns))
    if as_json:
        typer.echo(visible_json(json_text(evaluation.to_json(), indent=2)))
        return
    tasks = {name: result.metrics for name, result in evaluation.tasks.items()}
    rows = sum(result.rows for result in evaluation.tasks.values())
    title = f"{file or split}: score {evaluation.score:.4f} over {rows:,} rows"
    Console().print(results_table(tasks, evaluation.baselines(), title))
