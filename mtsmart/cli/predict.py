"""``mtsmart predict``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mtsmart.cli.options import Columns, FileFormat, RunArgument, TaskFiles, names_in
from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import require_output, say
from mtsmart.quiet import quiet_libraries

Tasks = Annotated[
    list[str],
    typer.Option(
        "--task",
        "-t",
        help="The task whose head predicts; repeat it for several at once.",
        autocompletion=completion.tasks,
    ),
]


def predict(
    run: RunArgument,
    task: Tasks,
    input_file: Annotated[
        Path, typer.Option("--input", "-i", help="Data file with the text columns, read as the training files are.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="csv, tsv or jsonl file. It replaces a file of this name, but no file that the run reads or owns. "
            "Default: JSON lines on standard output.",
        ),
    ] = None,
    task_file: TaskFiles = None,
    file_format: FileFormat = None,
    columns: Columns = None,
    calibrated: Annotated[
        bool,
        typer.Option("--calibrated", help="Probabilities with the temperature that the run's report has fitted."),
    ] = False,
) -> None:
    """Predict a file's rows: labels with probabilities, or scores, in the file's order; null without a text."""
    if output is None:
        require_output()
    quiet_libraries()
    from mtsmart import api
    from mtsmart.evaluation.new_files import GivenForm
    from mtsmart.evaluation.prediction_files import check_output, predict_file, write_jsonl, write_rows

    if output is not None:
        check_output(output, input_file, run, task_file or [])
    delimited = output is not None and output.suffix.lower() != ".jsonl"
    given = GivenForm(file_format, names_in(columns))
    rows = predict_file(api.load(run, task_file or []), task, input_file, delimited, given, calibrated)
    if output is None:
        write_jsonl(rows, sys.stdout)
    else:
        write_rows(rows, output)
        say(f"{len(rows):,} rows written to {output}")
