"""Predicts the rows of a csv, tsv, jsonl or parquet file, and writes them in order as csv, tsv or jsonl.

Some thousand rows are in memory together, for a file of any length. Only where a query's candidates are rows of their
own (task type ``ranking`` with ``group``) all rows are, because those of a query may stand anywhere; so are they for
task types of other packages that arrange rows, unless these say otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from mtsmart.data.sources import places_read
from mtsmart.errors import DataError, MtsmartError, did_you_mean
from mtsmart.evaluation.delimited.rules import PROTECTED, FieldRules
from mtsmart.evaluation.delimited.writing import write_delimited
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.evaluation.new_file_rows import NewFileRows
from mtsmart.evaluation.new_files import AS_TRAINED, GivenForm, of_new_file, with_place_of_settings
from mtsmart.evaluation.predicting import Predictor
from mtsmart.quiet import without_bars
from mtsmart.runs.claim import check_folder_of, refuse_inside_run
from mtsmart.runs.folder import RUN_NAMES, RunFolder
from mtsmart.storage.durable import replacing
from mtsmart.storage.owned import is_same_file
from mtsmart.task_types import TaskType
from mtsmart.task_types.interface.writes_text import text_of
from mtsmart.text.json_lines import json_line

OUTPUT_FORMATS = (".csv", ".tsv", ".jsonl")


def predicted_rows(
    run: LoadedRun,
    tasks: Sequence[str],
    file: str | Path,
    delimited: bool = False,
    given: GivenForm = AS_TRAINED,
    calibrated: bool = False,
) -> Iterator[dict[str, Any]]:
    """Predict the rows of a file part by part. The whole file is checked before the first row comes.

    Args:
        run: the loaded run.
        tasks: the names of one or several tasks. A repeated name has no effect.
        file: a data file, which is read as the tasks' training files are.
        delimited: whether the rows will be csv or tsv, where each has the columns of all rows, and a task may write a
            list in its own form.
        given: how the file is written, where it differs from the training files.
        calibrated: whether probabilities are those of the run's temperatures.

    Yields:
        one mapping for each row: what the file has there, then ``prediction`` and probabilities, which are None for a
        row that lacks a text. For several tasks the keys are ``<task>.prediction`` and so on. A warning at the end
        says how many rows lack a text.

    Raises:
        DataError: the file cannot be read, lacks a text column, has a column with the name of a predicted one, or was
            changed while it was read.
    """
    names = list(dict.fromkeys(tasks))
    with of_new_file():
        sources = {name: run.source_of(name, file, given) for name in names}
        found = NewFileRows(file, [run.task(name) for name in names], sources)
    predictor = run.predictor(names if len(names) > 1 else names[0], calibrated=calibrated)
    run.tell_untrained(names)
    columns = found.columns if delimited else []
    for rows, predictions in _predicted_parts(predictor, found, file):
        written = _as_text(predictor.tasks, predictions) if delimited else predictions
        for row, prediction in zip(rows, written, strict=True):
            yield {**_with_columns(row, columns), **prediction}
    predictor.tell()


def _predicted_parts(
    predictor: Predictor, found: NewFileRows, file: str | Path
) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """The rows of each part as the file has them, and their predictions."""
    is_first = True
    for rows, inputs in found.parts(predictor.needs_all_rows):
        if is_first and len(rows) < len(found):
            _learn_keys(predictor, found, file)
        predictions = _predicted(predictor, inputs, file)
        if is_first:
            _refuse_taken(found.columns, predictions[0], file)
            is_first = False
        yield rows, predictions


@without_bars()
def _predicted(predictor: Predictor, inputs: list[dict[str, Any]], file: str | Path) -> list[dict[str, Any]]:
    try:
        return predictor(inputs)
    except DataError as error:
        raise with_place_of_settings(error).at(f"{file}, {error.file}", None) from None


@without_bars()
def _learn_keys(predictor: Predictor, found: NewFileRows, file: str | Path) -> None:
    """Find the names of all predicted columns, because a first part may have no row with a text."""
    for _, inputs in found.parts():
        if predictor.knows_keys:
            return
        try:
            predictor.learn_keys(inputs)
        except DataError as error:
            raise with_place_of_settings(error).at(f"{file}, {error.file}", None) from None


def _refuse_taken(columns: Sequence[str], predicted: Iterable[str], file: str | Path) -> None:
    """Refuse a file that has a column with the name of a predicted one."""
    for name in predicted:
        if name in columns:
            raise DataError("the file already has a column of this name", file=file, key=name, hint="Rename it")


def _with_columns(row: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """The row with these columns, in this order: rows of a jsonl file may have different keys. None: as it is."""
    return {name: row.get(name) for name in columns} if columns and [*row] != columns else row


def _as_text(tasks: Sequence[TaskType], predictions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The predictions in the form in which their tasks write them in csv and tsv."""
    owners = {f"{task.name}." if len(tasks) > 1 else "": task for task in tasks}
    columns = {
        column: (task, column.removeprefix(prefix))
        for column in predictions[0]
        for prefix, task in owners.items()
        if column.startswith(prefix)
    }
    return [
        {column: None if value is None else text_of(*columns[column], value) for column, value in row.items()}
        for row in predictions
    ]


def check_output(file: Path, source: Path, run: Path, task_files: Iterable[Path] = ()) -> None:
    """Refuse a wrong output path before the work begins.

    Args:
        file: the file that will be written. It replaces an existing file.
        source: the file whose rows will be predicted.
        run: the folder of the run that predicts.
        task_files: further files that are read.

    Raises:
        ConfigError: the folder does not exist.
        DataError: the format is unknown, or the file must not be replaced because it is the input, a file that the
            run's configuration names, a file of a run, a pipe or a device.
    """
    if file.suffix.lower() not in OUTPUT_FORMATS:
        hint = did_you_mean(file.suffix, OUTPUT_FORMATS)
        raise DataError("unknown output format", argument="output", value=str(file), hint=hint)
    if file.is_dir():
        raise DataError("is a folder", argument="output", value=str(file))
    check_folder_of(file)
    if file.exists() and not file.is_file():
        hint = "Without `output`, rows go to standard output as JSON lines"
        raise DataError("is a pipe or device, which would be replaced", argument="output", value=str(file), hint=hint)
    if is_same_file(file, source):
        raise DataError("is the input itself", argument="output", value=str(file), hint="Name another file")
    target = Path(os.path.realpath(file))  # Path.resolve would fail on links that form a circle.
    folder = Path(os.path.realpath(run))
    if any(target.is_relative_to(folder / name) for name in RUN_NAMES) or _is_of_run(file, folder):
        raise DataError("belongs to the run itself", argument="output", value=str(file), hint="Name another file")
    refuse_inside_run(file, "output")
    stored = RunFolder(run)
    for path in (*task_files, *_named_paths(stored.document().data), *_data_of(stored)):
        if is_same_file(file, path) or _holds(path, target):
            hint = "Name another file, in another folder"
            raise DataError(f"belongs to {path}, which the run reads", argument="output", value=str(file), hint=hint)


def _holds(folder: Path, target: Path) -> bool:
    """Whether a folder holds a file. One that also holds the working directory is too wide to say anything."""
    with suppress(OSError):  # a text that is too long for a path
        inside = folder.is_dir() and target.is_relative_to(os.path.realpath(folder))
        return inside and not Path.cwd().is_relative_to(os.path.realpath(folder))
    return False


def _is_of_run(file: Path, run: Path) -> bool:
    """Whether a file is one of a run's files under another name."""
    return file.exists() and any(is_same_file(file, run / name) for name in RUN_NAMES)


def _data_of(run: RunFolder) -> Iterator[Path]:
    """The data files and local clones that a run's tasks are read from."""
    config = run.config().data
    for definition in run.definitions().values():
        yield from places_read(definition, config)


def _named_paths(value: Any) -> Iterator[Path]:
    """The files and folders that a run's configuration names: data, encoder, teachers, the run before."""
    if isinstance(value, str) and "/" in value and "\0" not in value:  # A name without a folder is no path.
        yield Path(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key != "cache_dir":
                yield from _named_paths(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named_paths(inner)


def write_rows(rows: Iterable[dict[str, Any]], file: Path, rules: FieldRules = PROTECTED) -> int:
    """Write rows in the format of the file's ending, as they come. The file appears only when it is complete.

    In csv and tsv a text that a spreadsheet would compute gets an apostrophe in front, and a notice tells how many.

    Args:
        rows: at least one; for csv and tsv all have the same keys.
        file: the file.
        rules: which texts stay as they are in csv and tsv.

    Returns:
        the number of rows.

    Raises:
        StorageError: it cannot be written.
    """
    # Half of a surrogate pair, which JSON can hold, is no UTF-8: csv and tsv get its escape.
    escaped = "backslashreplace"
    source = _Source(rows)
    try:
        with replacing(file) as aside, aside.open("w", encoding="utf-8", errors=escaped, newline="") as stream:
            if file.suffix.lower() == ".jsonl":
                return write_jsonl(source, stream)
            delimiter = "," if file.suffix.lower() == ".csv" else "\t"
            return write_delimited(source, stream, delimiter, rules, str(file))
    except _SourceFailed:
        assert source.error is not None
        raise source.error from None


class _SourceFailed(MtsmartError):
    """The rows to write have ended with an error, so it is no error of writing."""


class _Source:
    """Rows whose maker may fail, for example because a file cannot be read."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self._rows = rows
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            yield from self._rows
        except Exception as error:  # of any kind, because a model runs there
            self.error = error
            raise _SourceFailed("the rows cannot be made") from error


def write_jsonl(rows: Iterable[dict[str, Any]], stream: TextIO) -> int:
    """Write one JSON object on each line, as :func:`json_line` makes it, and return how many."""
    count = 0
    for row in rows:
        stream.write(json_line(row, stream.encoding) + "\n")
        count += 1
    return count
