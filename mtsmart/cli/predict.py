"""``mtsmart predict`` and ``mtsmart try``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtsmart.cli.options import Columns, FileFormat, Precision, RunArgument, TaskFiles, names_in
from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import require_output, say
from mtsmart.errors import DataError
from mtsmart.log import log_notice
from mtsmart.quiet import quiet_libraries
from mtsmart.text.counts import counted
from mtsmart.text.escaping import is_text

if TYPE_CHECKING:
    from mtsmart.evaluation.typed_texts import TypedTexts

_PIPE = "standard input"
Tasks = Annotated[
    list[str],
    typer.Option(
        "--task",
        "-t",
        help="The task whose head predicts; repeat it for several at once.",
        autocompletion=completion.tasks,
    ),
]
Calibrated = Annotated[
    bool, typer.Option("--calibrated", help="Probabilities with the temperature that the run's report has fitted.")
]

Exact = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Write texts into csv and tsv as they are. A spreadsheet may compute those that begin with = + - @.",
    ),
]

PredictionFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="csv, tsv or jsonl file. It replaces a file of this name, but no file that the run reads or owns. "
        "Default: JSON lines on standard output.",
    ),
]


def predict(
    run: RunArgument,
    task: Tasks,
    input_file: Annotated[
        Path, typer.Option("--input", "-i", help="Data file with the text columns, read as the training files are.")
    ],
    output: PredictionFile = None,
    task_file: TaskFiles = None,
    file_format: FileFormat = None,
    columns: Columns = None,
    calibrated: Calibrated = False,
    precision: Precision = "float32",
    exact: Exact = False,
) -> None:
    """Predict a file's rows: labels with probabilities, or scores, in the file's order; null without a text.

    Rows are read, predicted and written some thousand at a time. OUTPUT appears when all are written; on standard
    output an error may come after rows.
    """
    if output is None:
        require_output()
    quiet_libraries()
    from mtsmart.evaluation.delimited.rules import FieldRules
    from mtsmart.evaluation.loaded import LoadedRun
    from mtsmart.evaluation.new_files import GivenForm
    from mtsmart.evaluation.prediction_files import check_output, predicted_rows, write_jsonl, write_rows

    if output is not None:
        check_output(output, input_file, run, task_file or [])
    delimited = output is not None and output.suffix.lower() != ".jsonl"
    given = GivenForm(file_format, names_in(columns))
    loaded = LoadedRun(run, task_file or [], precision=precision)
    rows = predicted_rows(loaded, task, input_file, delimited, given, calibrated)
    if output is None:
        write_jsonl(rows, sys.stdout)
    else:
        rules = FieldRules.of_tasks(map(loaded.task, task), exact)
        say(f"{counted(write_rows(rows, output, rules), 'row')} written to {output}")


def try_run(
    run: RunArgument,
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            "-t",
            help="Ask this task alone; repeatable. Default: all tasks.",
            autocompletion=completion.tasks,
        ),
    ] = None,
    task_file: TaskFiles = None,
) -> None:
    """Type a text and see what every head answers; a pipe gives a text a line, with a tab between the two of a pair."""
    require_output()
    quiet_libraries()
    from mtsmart.evaluation.loaded import LoadedRun
    from mtsmart.evaluation.typed_texts import TypedTexts
    from mtsmart.reporting.answers import on_one_line, with_bars

    asked = TypedTexts(LoadedRun(run, task_file or []), task)
    if asked.left_out:
        log_notice(f"not asked, because they read more than two texts or are not trained: {', '.join(asked.left_out)}")
    if not sys.stdin.isatty():
        for line, texts in _piped_texts(asked):
            try:
                answers = asked.answers(texts)
            except DataError as error:
                raise error.at(_PIPE, line) from None
            say(on_one_line(answers))
            sys.stdout.flush()
        return
    say("Type a text and press Enter. An empty text or Ctrl-C ends.")
    for texts in _typed_texts(asked):
        for shown in with_bars(asked.answers(texts)):
            say(shown)


def _piped_texts(asked: TypedTexts) -> Iterator[tuple[int, list[str]]]:
    """The number and the texts of each line of standard input that is not empty."""
    from mtsmart.data.readers.lines import lines_as_they_come

    for number, line in enumerate(lines_as_they_come(sys.stdin.buffer, _PIPE), 1):
        texts = [text.strip() for text in line.rstrip("\n").split("\t")]
        if texts == [""]:
            continue
        counts = range(asked.fewest_texts, asked.most_texts + 1)
        if len(texts) not in counts or "" in texts:
            wanted = " or ".join(map(str, counts))
            message = f"has {counted(sum(map(bool, texts)), 'text')}, where the tasks read {wanted}"
            hint = "Put a tab between the two texts of a pair"
            raise DataError(message, file=_PIPE, line=number, value=line.strip(), hint=hint)
        yield number, texts


def _typed_texts(asked: TypedTexts) -> Iterator[list[str]]:
    """The texts that somebody types."""
    try:
        while first := _typed("\ntext> "):
            second = ""
            if asked.most_texts > 1:
                needless = "" if asked.fewest_texts > 1 else " (Enter: none)"
                second = _typed(f"second text{needless}> ")
            if second or asked.fewest_texts == 1:
                yield [first, second] if second else [first]
    except (EOFError, KeyboardInterrupt):
        say("")


def _typed(prompt: str) -> str:
    """What somebody types, without blanks around it. Bytes that the terminal's encoding does not have are refused."""
    while True:
        text = input(prompt).strip()
        if is_text(text):
            return text
        say("That is not in the encoding of the terminal. Type it again.")
