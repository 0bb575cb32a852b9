"""Rows that a program holds in memory: mappings, tables of pandas, polars or Arrow, and data sets.

Rows for training are stored once, as jsonl in the cache. The name of a file has a hash of its content, so a run that is
resumed finds its rows again, and other rows are another file.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

import datasets
import pyarrow as pa

from mtsmart.config.sections import DataConfig
from mtsmart.data.derived import named_label, names_of_labels, with_named_labels
from mtsmart.data.encoding import cache_dir
from mtsmart.data.tables.missing import is_missing
from mtsmart.errors import ConfigError, DataError, reason_in
from mtsmart.storage.durable import sha256_of, write_text
from mtsmart.storage.failures import writing
from mtsmart.text.json_text import json_text
from mtsmart.text.names import Kind, problem_of

_HASH = 16  # digits in a file's name
_AS_TEXT = (date, time, timedelta, UUID)  # What has one clear text. A datetime is a date.


@runtime_checkable
class DataFrame(Protocol):
    """A table of pandas, polars or pyarrow: it has columns, and gives its content through Arrow's C interface."""

    @property
    def columns(self) -> Any: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


def records(rows: Any, place: str) -> list[Any]:
    """The rows of a table or data set as mappings; the items of any other series as they are.

    Args:
        rows: a DataFrame, a data set of ``datasets``, or an iterable. Numbers that a data set names become names.
        place: what errors call the rows.

    Raises:
        DataError: they are no series, or a column of the table holds values of several types.
    """
    if isinstance(rows, datasets.IterableDataset) or _is_transformed(rows):
        return _read_by_row(rows, rows.features or {}, place)
    if isinstance(rows, datasets.Dataset):
        return list(with_named_labels(rows)[0].to_list())
    if isinstance(rows, DataFrame):
        try:
            return list(pa.table(rows).to_pylist())
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise DataError(f"cannot be read as a table: {reason_in(error)}", file=place) from None
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
        raise DataError("should be a list of mappings, a DataFrame or a Dataset", file=place, value=rows)
    return list(rows)


def _is_transformed(rows: Any) -> bool:
    """Whether a function of the user (``with_transform``) changes each row that is read."""
    return isinstance(rows, datasets.Dataset) and rows.format["type"] == "custom"


def _read_by_row(rows: Iterable[Any], features: Mapping[str, Any], place: str) -> list[Any]:
    """The rows of a data set as its user sees them, with the names that its ``features`` give to numbers of labels.

    Raises:
        DataError: a number has no name.
    """
    names = names_of_labels(features)
    return [_named(row, names, f"{place}, row {number}") for number, row in enumerate(rows, 1)]


def _named(row: Any, names: Mapping[str, list[str]], place: str) -> Any:
    """A row with the names of its labels."""
    if not isinstance(row, Mapping):
        return row
    named = dict(row)
    for column in filter(row.__contains__, names):
        try:
            named[column] = named_label(row[column], names[column])
        except DataError as error:
            raise error.at(place, None, column) from None
    return named


def with_stored_rows(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of an experiment whose tasks name files in place of ``dataset: {rows: ...}``.

    Args:
        experiment: the experiment as a mapping. ``rows`` is a mapping of split to rows, or the rows of ``train``.

    Raises:
        ConfigError: ``rows`` stands beside ``files`` or ``path``.
        DataError: a row is no mapping, or holds a value that JSON cannot hold. The message names the row.
        StorageError: the cache cannot be written.
    """
    tasks = experiment.get("tasks")
    if not isinstance(tasks, Mapping):
        return dict(experiment)
    folder = _folder(experiment)
    return {**experiment, "tasks": {name: _with_files(name, task, folder) for name, task in tasks.items()}}


def _folder(experiment: Mapping[str, Any]) -> Path:
    data = experiment.get("data")
    chosen = data.get("cache_dir") if isinstance(data, Mapping) else None
    return cache_dir(DataConfig(cache_dir=None if chosen is None else str(chosen))) / "rows"


def _with_files(name: Any, task: Any, folder: Path) -> Any:
    """A task's settings, with files in place of rows."""
    source = task.get("dataset") if isinstance(task, Mapping) else None
    if not isinstance(source, Mapping) or "rows" not in source:
        return task
    rows = source["rows"]
    others = {key: value for key, value in source.items() if key != "rows"}
    for key in ("files", "path"):
        if key in others:
            message = f"stands beside '{key}', which also says where the rows are"
            raise ConfigError(message, file="experiment", key=f"tasks.{name}.dataset.rows")
    splits = rows if isinstance(rows, Mapping) else {"train": rows}
    for word in (name, *splits):
        if (problem := problem_of(str(word), Kind.WORD)) is not None:
            raise ConfigError(problem, file="experiment", key=f"tasks.{name}.dataset.rows", value=word)
    files = {split: str(_stored(name, split, of_split, folder)) for split, of_split in splits.items()}
    return {**task, "dataset": {**others, "files": files}}


def _stored(task: str, split: str, rows: Any, folder: Path) -> Path:
    """The file that holds some rows. It is written unless it is there."""
    place = f"task {task}, split {split}"
    lines = [_line(row, f"{place}, row {number}") for number, row in enumerate(records(rows, place), 1)]
    text = "".join(f"{line}\n" for line in lines)
    digest = hashlib.sha256(text.encode()).hexdigest()
    file = folder / f"{task}-{split}-{digest[:_HASH]}.jsonl"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or sha256_of(file) != digest:
            write_text(file, text)
    return file


def _line(row: Any, place: str) -> str:
    """A row as JSON."""
    if not isinstance(row, Mapping) or not all(isinstance(column, str) for column in row):
        raise DataError("should be a mapping of column to value", file=place, value=row)
    return json_text({column: _plain(value, column, place) for column, value in row.items()})


def without_nan(value: Any) -> Any:
    """A value; None for NaN, which other libraries put where a value is missing."""
    return None if is_missing(value) else value


def _plain(value: Any, column: str, place: str) -> Any:
    """A value as JSON holds it."""
    value = without_nan(value)
    if isinstance(value, float) and math.isinf(value):
        raise DataError("is infinite, and JSON has no such number", file=place, key=column, value=value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        plain = {str(key): _plain(item, column, place) for key, item in value.items()}
        if len(plain) < len(value):
            raise DataError("has two keys that are the same text", file=place, key=column, value=dict(value))
        return plain
    if isinstance(value, list | tuple):
        return [_plain(item, column, place) for item in value]
    if hasattr(value, "tolist"):  # arrays and numbers of numpy and torch
        return _plain(value.tolist(), column, place)
    if isinstance(value, Decimal):
        return _plain(float(value), column, place)
    if isinstance(value, _AS_TEXT):
        return None if (text := str(value)) == "NaT" else text  # The missing date of pandas is a date, too.
    hint = "Leave this column out if no task reads it"
    message = "is not a text, number, truth value, date, list or mapping"
    raise DataError(message, file=place, key=column, value=value, hint=hint)
