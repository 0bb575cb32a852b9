"""Predicts the rows of a csv, tsv, jsonl or parquet file, and writes them in order as csv, tsv or jsonl."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from mtsmart.data.derived import is_derived, source_columns
from mtsmart.data.readers import Layout, SecondName, parse_fields, read_table, whole_rows
from mtsmart.data.sources import places_read, require_columns
from mtsmart.errors import DataError, did_you_mean
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.evaluation.new_files import AS_TRAINED, GivenForm, common_source, of_new_file
from mtsmart.runs.claim import refuse_inside_run
from mtsmart.runs.folder import RUN_NAMES, RunFolder
from mtsmart.storage.durable import replacing
from mtsmart.storage.owned import is_same_file
from mtsmart.task_types.interface.writes_text import text_of
from mtsmart.task_types.shared.labels import joined
from mtsmart.tasks.dataset import DatasetSource, FieldForm
from mtsmart.text.escaping import spreadsheet_field, visible_json
from mtsmart.text.json_text import json_text

OUTPUT_FORMATS = (".csv", ".tsv", ".jsonl")


def predict_file(
    run: LoadedRun,
    tasks: Sequence[str],
    file: str | Path,
    delimited: bool = False,
    given: GivenForm = AS_TRAINED,
    calibrated: bool = False,
) -> list[dict[str, Any]]:
    """Predict the rows of a file, which is read as the tasks' training files are.

    Args:
        run: the loaded run.
        tasks: the names of one or several tasks. A repeated name has no effect.
        file: a data file.
        delimited: whether the rows will be csv or tsv, where a task may write a list in its own form.
        given: how the file is written, where it differs from the training files.
        calibrated: whether probabilities are those of the run's temperatures.

    Returns:
        one mapping for each row: what the file has there, then ``prediction`` and probabilities, which are None for a
        row that lacks a text. For several tasks the keys are ``<task>.prediction`` and so on.

    Raises:
        DataError: the file cannot be read, lacks a text column, or has a column with the name of a predicted one.
    """
    names = list(dict.fromkeys(tasks))
    with of_new_file():
        rows, inputs = _read(run, names, file, given)
    try:
        predictions = run.predict(names if len(names) > 1 else names[0], inputs, calibrated=calibrated)
    except DataError as error:
        raise error.at(f"{file}, {error.file}", None) from None
    _refuse_taken(rows, predictions[0], file)
    if delimited:
        return _joined(_with_all_names(rows), _as_text(run, names, predictions))
    return _joined(rows, predictions)


def _read(
    run: LoadedRun, names: Sequence[str], file: str | Path, given: GivenForm
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the file has in each row, and what the tasks read of it."""
    sources = {name: run.source_of(name, file, given) for name in names}
    source = common_source(file, sources)
    inputs = _inputs(run, sources, source, file)
    rows = list(whole_rows(file, source))
    if len(rows) != len(inputs):
        raise DataError("was changed while it was read", file=file)
    return rows, inputs


def _joined(rows: list[dict[str, Any]], predictions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    for row, prediction in zip(rows, predictions, strict=True):
        row.update(prediction)  # A copy of each row would take the memory twice.
    return rows


def _refuse_taken(rows: list[dict[str, Any]], predicted: Iterable[str], file: str | Path) -> None:
    """Refuse a file that has a column with the name of a predicted one."""
    taken = set[str]().union(*rows)
    for name in predicted:
        if name in taken:
            raise DataError("the file already has a column of this name", file=file, key=name, hint="Rename it")


def _with_all_names(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each with the columns of all of them: rows of a jsonl file may have different keys."""
    names = dict.fromkeys(name for row in rows for name in row)
    if all(len(row) == len(names) for row in rows):
        return rows
    return [{name: row.get(name) for name in names} for row in rows]


def _inputs(
    run: LoadedRun, sources: Mapping[str, DatasetSource], source: DatasetSource, file: str | Path
) -> list[dict[str, Any]]:
    """The columns that the tasks read, or that their columns are made of; texts that stand for something are read."""
    columns = list(dict.fromkeys(column for name in sources for column in run.task(name).columns))
    wanted = source_columns(columns)
    texts = frozenset[str]().union(*(Layout.of(each).texts for each in sources.values()))
    table = read_table(file, source.format, layout=replace(Layout.of(source), texts=texts), wanted=wanted)
    if not table.num_rows:
        raise DataError("has no rows", file=file)
    present = table.column_names
    require_columns([name for name in columns if not is_derived(name, present)], present, file)
    table = table.select([name for name in wanted if name in present])
    return _python_rows(parse_fields(table, _forms(run, sources, table, file), file), file)


def _python_rows(table: pa.Table, file: str | Path) -> list[dict[str, Any]]:
    try:
        return list(table.to_pylist())
    except (pa.ArrowException, ValueError, OverflowError):
        column = next(name for name in table.column_names if not _is_python(table.column(name)))
        raise DataError("has a value that Python cannot hold", file=file, key=column) from None


def _is_python(column: pa.ChunkedArray) -> bool:
    try:
        column.to_pylist()
    except (pa.ArrowException, ValueError, OverflowError):
        return False
    return True


def _as_text(run: LoadedRun, names: Sequence[str], predictions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The predictions in the form in which their tasks write them in csv and tsv."""
    owners = {f"{name}." if len(names) > 1 else "": run.task(name) for name in names}
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


def _forms(
    run: LoadedRun, sources: Mapping[str, DatasetSource], table: pa.Table, file: str | Path
) -> dict[str, FieldForm]:
    """Column -> how the tasks read its text. A column of a jsonl file that is not text has no entry.

    Raises:
        DataError: two tasks read a column in different ways.
    """
    forms: dict[str, FieldForm | None] = {}
    for name, source in sources.items():
        for column in (name for name in source_columns(run.task(name).columns) if name in table.column_names):
            form = source.parse.get(column)
            if forms.setdefault(column, form) != form:
                ways = f"{forms[column]} and {form}"
                hint = "Predict these tasks one by one"
                raise DataError(f"the tasks read it in different ways: {ways}", file=file, key=column, hint=hint)
    return {
        column: form
        for column, form in forms.items()
        if form == "text" or (form and _is_text(table.schema.field(column).type))
    }


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def check_output(file: Path, source: Path, run: Path, task_files: Iterable[Path] = ()) -> None:
    """Refuse a wrong output path before the work begins.

    Args:
        file: the file that will be written. It replaces an existing file.
        source: the file whose rows will be predicted.
        run: the folder of the run that predicts.
        task_files: further files that are read.

    Raises:
        DataError: the format is unknown, the folder does not exist, or the file must not be replaced because it is the
            input, a file that the run's configuration names, a file of a run, a pipe or a device.
    """
    if file.suffix.lower() not in OUTPUT_FORMATS:
        hint = did_you_mean(file.suffix, OUTPUT_FORMATS)
        raise DataError("unknown output format", argument="output", value=str(file), hint=hint)
    if file.is_dir():
        raise DataError("is a folder", argument="output", value=str(file))
    if not file.absolute().parent.is_dir():
        raise DataError("there is no such folder", argument="output", value=str(file.parent))
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


def write_rows(rows: Sequence[dict[str, Any]], file: Path) -> None:
    """Write rows in the format of the file's ending. The file appears only when it is complete."""
    # Half of a surrogate pair, which JSON can hold, is no UTF-8: csv and tsv get its escape.
    escaped = "backslashreplace"
    with replacing(file) as aside, aside.open("w", encoding="utf-8", errors=escaped, newline="") as stream:
        if file.suffix.lower() == ".jsonl":
            write_jsonl(rows, stream)
        else:
            _write_delimited(rows, stream, "," if file.suffix.lower() == ".csv" else "\t")


def write_jsonl(rows: Sequence[dict[str, Any]], stream: TextIO) -> None:
    """Write one JSON object on each line.

    Characters that are not visible, because the stream may be a terminal, and letters that its encoding lacks become
    JSON's own escapes.
    """
    for row in rows:
        stream.write(_json_line(row, stream.encoding or "utf-8") + "\n")


def _json_line(row: dict[str, Any], encoding: str) -> str:
    line = visible_json(json_text(row, ensure_ascii=False, default=str))
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        return visible_json(json_text(row, default=str))
    return line


def _write_delimited(rows: Sequence[dict[str, Any]], stream: TextIO, delimiter: str) -> None:
    header = [name.given if isinstance(name, SecondName) else name for name in rows[0]]
    lines = [list(map(_field, values)) for values in [header, *(list(row.values()) for row in rows)]]
    if delimiter == ",":
        plain = csv.writer(stream, lineterminator="\n")
        quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for fields in lines:  # Python leaves a carriage return without quotes, and readers begin a row after it.
            has_return = any("\r" in field for field in fields if isinstance(field, str))
            (quoted if has_return else plain).writerow(fields)
        return
    # tsv is read without quotes, so it is written without quotes. A tab or line break in a field becomes a space.
    for fields in lines:
        flat = ("" if field is None else re.sub(r"[\t\r\n]", " ", str(field)) for field in fields)
        stream.write("\t".join(flat) + "\n")


def _field(value: Any) -> Any:
    """A field. Lists of words or numbers have spaces between them; other lists and mappings are JSON.

    A text that a spreadsheet would compute has an apostrophe in front. Numbers and lists of numbers stay as they are.
    """
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return spreadsheet_field(joined(value, " "))
    if isinstance(value, list) and all(isinstance(item, int | float) for item in value):
        return " ".join(map(str, value))
    if isinstance(value, list | dict):
        return json_text(value, ensure_ascii=False, default=str)
    return spreadsheet_field(value) if isinstance(value, str) else value
