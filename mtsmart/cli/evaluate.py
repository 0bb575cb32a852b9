"""``mtsmart evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtsmart.cli.options import Columns, FileFormat, Precision, RunArgument, TaskFiles, names_in
from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import require_output, say_json
from mtsmart.errors import ConfigError
from mtsmart.quiet import quiet_libraries
from mtsmart.text.counts import counted
from mtsmart.text.scores import score_text

if TYPE_CHECKING:
    from mtsmart.evaluation.evaluator import Evaluation

Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", "-t", help="Only this task; may be repeated.", autocompletion=completion.tasks),
]
Split = Annotated[
    str | None, typer.Option("--split", help="The split to score. Default: validation, or what the suite reports.")
]
File = Annotated[
    Path | None,
    typer.Option("--file", help="Score a new labelled file instead, read as the task's training files are."),
]
Suite = Annotated[
    str | None,
    typer.Option("--suite", help="Report a suite in its own convention: glue, superglue, hans, anli, advglue ..."),
]
Head = Annotated[
    str | None,
    typer.Option("--head", help="Score with the head of this task of RUN instead.", autocompletion=completion.tasks),
]
By = Annotated[
    list[str] | None,
    typer.Option("--by", metavar="COLUMN", help="Also scores by the values of this column; may be repeated."),
]
Details = Annotated[
    bool, typer.Option("--details", help="Also scores of labels, confusions, calibration, the worst rows.")
]


def evaluate(
    run: RunArgument,
    task: Tasks = None,
    split: Split = None,
    file: File = None,
    file_format: FileFormat = None,
    columns: Columns = None,
    task_file: TaskFiles = None,
    suite: Suite = None,
    head: Head = None,
    by: By = None,
    details: Details = False,
    precision: Precision = "float32",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score a run's best model on tasks, on a new file, or on a suite."""
    require_output()
    quiet_libraries()
    if suite is not None:
        _refuse_beside_suite(suite, task=task, file=file, format=file_format, columns=columns, details=details or None)
        _evaluate_suite(run, suite, split, head, by or [], task_file or [], as_json, precision)
        return
    from mtsmart.evaluation.loaded import LoadedRun

    evaluation = LoadedRun(run, task_file or [], precision=precision).evaluate(
        task or None,
        split,
        file=file,
        file_format=file_format,
        columns=names_in(columns),
        details=details,
        head=head,
        by=by or [],
    )
    if as_json:
        say_json(evaluation.to_json())
        return
    _print(evaluation, str(file or split or "validation"), by or [])


def _refuse_beside_suite(suite: str, **given: object) -> None:
    """Refuse options that choose other rows or another report than the suite's.

    Raises:
        ConfigError: there is one.
    """
    for name, value in given.items():
        if value is not None:
            raise ConfigError(f"does not go with --{name}", argument="suite", value=suite)


def _evaluate_suite(
    run: Path,
    suite: str,
    split: str | None,
    head: str | None,
    by: list[str],
    task_files: list[Path],
    as_json: bool,
    precision: str,
) -> None:
    from rich.console import Console

    from mtsmart.suites.report import evaluate_suite
    from mtsmart.suites.tables import suite_table

    report = evaluate_suite(run, suite, split, head=head, by=by, task_files=task_files, precision=precision)
    if as_json:
        say_json(report.to_json())
        return
    Console().print(suite_table(report, by or list(report.suite.by)))


def _print(evaluation: Evaluation, scored: str, by: list[str]) -> None:
    from rich.console import Console

    from mtsmart.reporting.details_tables import details_of
    from mtsmart.reporting.results_table import results_table, slices_table

    tasks = {name: result.metrics for name, result in evaluation.tasks.items()}
    rows = sum(result.rows for result in evaluation.tasks.values())
    title = f"{scored}: score {score_text(evaluation.score)} over {counted(rows, 'row')}"
    console = Console()
    console.print(results_table(tasks, evaluation.baselines(), title))
    for name, result in evaluation.tasks.items():
        if result.slices:
            console.print(slices_table(name, by, result.slices))
        if result.details is not None:
            console.print(details_of(name, result.details))
