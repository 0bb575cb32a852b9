"""``mtsmart evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtsmart.cli.options import Columns, FileFormat, RunArgument, TaskFiles, names_in
from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import require_output
from mtsmart.quiet import quiet_libraries
from mtsmart.text.escaping import visible_json
from mtsmart.text.json_text import json_text

if TYPE_CHECKING:
    from mtsmart.evaluation.evaluator import Evaluation


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
    details: Annotated[
        bool, typer.Option("--details", help="Also scores of labels, confusions, calibration, the worst rows.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score a run's best model."""
    require_output()
    quiet_libraries()
    from mtsmart import api

    loaded = api.load(run, task_file or [])
    evaluation = loaded.evaluate(
        task or None, split, file=file, file_format=file_format, columns=names_in(columns), details=details
    )
    if as_json:
        typer.echo(visible_json(json_text(evaluation.to_json(), indent=2)))
        return
    _print(evaluation, str(file or split))


def _print(evaluation: Evaluation, scored: str) -> None:
    from rich.console import Console

    from mtsmart.reporting.details_tables import details_of
    from mtsmart.reporting.results_table import results_table

    tasks = {name: result.metrics for name, result in evaluation.tasks.items()}
    rows = sum(result.rows for result in evaluation.tasks.values())
    title = f"{scored}: score {evaluation.score:.4f} over {rows:,} rows"
    console = Console()
    console.print(results_table(tasks, evaluation.baselines(), title))
    for name, result in evaluation.tasks.items():
        if result.details is not None:
            console.print(details_of(name, result.details))
