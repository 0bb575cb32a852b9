"""``mtsmart evaluate``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mtsmart.cli.options import RunArgument, TaskFiles
from mtsmart.cli.terminal import require_output
from mtsmart.quiet import quiet_libraries
from mtsmart.text.escaping import visible_json


def evaluate(
    run: RunArgument,
    task: Annotated[list[str] | None, typer.Option("--task", "-t", help="Only this task; may be repeated.")] = None,
    split: Annotated[str, typer.Option("--split", help="The split to score.")] = "validation",
    task_file: TaskFiles = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score a run's best model."""
    require_output()
    quiet_libraries()
    from rich.console import Console

    from mtsmart import api
    from mtsmart.reporting.results_table import results_table

    evaluation = api.load(run, task_file or []).evaluate(task or None, split)
    if as_json:
        typer.echo(visible_json(json.dumps(evaluation.to_json(), indent=2)))
        return
    tasks = {name: result.metrics for name, result in evaluation.tasks.items()}
    rows = sum(result.rows for result in evaluation.tasks.values())
    title = f"{split}: score {evaluation.score:.4f} over {rows:,} rows"
    Console().print(results_table(tasks, evaluation.baselines(), title))
