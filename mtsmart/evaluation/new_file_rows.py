"""The rows of a new file in parts: all that stands in them, and what tasks read of them.

A file is read twice. The first reading keeps nothing: it checks all rows, and finds what only all of them tell, which
is their columns and the types of these. The second reading gives the rows, of which one part is in memory.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from mtsmart.data.completeness import empty_as_missing
from mtsmart.data.derived import is_derived, source_columns
from mtsmart.data.readers import (
    CHUNK,
    MAX_CHUNK,
    WITHOUT_NULL,
    FieldParser,
    Layout,
    joined,
    kind_of_file,
    read_tables,
    whole_rows,
)
from mtsmart.data.sources import require_columns
from mtsmart.errors import DataError, MtsmartWarning
from mtsmart.evaluation.new_files import common_source
from mtsmart.task_types import TaskType
from mtsmart.tasks.dataset import DatasetSource, FieldForm


class Part(NamedTuple):
    """Consecutive rows of a file: what the file has there, and of each row the columns that the tasks read."""

    rows: list[dict[str, Any]]
    inputs: list[dict[str, Any]]


class NewFileRows:
    """The rows of a file that tasks can predict. They are checked at once, and read again for :meth:`parts`.

    Args:
        file: the data file.
        tasks: the tasks that read it.
        sources: the name of each task -> how it reads the file.

    Attributes:
        columns: the names of all columns that rows of the file have, in the order in which they come.

    Raises:
        DataError: the file cannot be read, has no rows, or lacks a column; or two tasks read it in different ways.
    """

    def __init__(self, file: str | Path, tasks: Sequence[TaskType], sources: Mapping[str, DatasetSource]) -> None:
        self._file = file
        self._sources = sources
        self._source = common_source(file, sources)
        self._tasks = tasks
        self._version = _version(file)
        needed = list(dict.fromkeys(column for task in tasks for column in task.columns))
        self._wanted = source_columns(needed)
        self._schema = pa.schema([])
        self._count = self._check_inputs(needed)
        self.columns = self._check_rows()

    def __len__(self) -> int:
        return self._count

    def parts(self, whole: bool = False) -> Iterator[Part]:
        """The rows in order, some thousand at a time.

        Args:
            whole: whether all rows make one part.

        Raises:
            DataError: the file has changed since it was checked, or a value does not fit with those of all rows.
        """
        rows = whole_rows(self._file, self._source)
        tables = self._tables(whole)
        left = self._count
        while left:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MtsmartWarning)  # The first reading has told.
                part = self._part(rows, tables)
            left -= len(part.rows)
            yield part
        self._require_unchanged()

    def _part(self, rows: Iterator[dict[str, Any]], tables: Iterator[pa.Table]) -> Part:
        try:
            table = next(tables)
            part = Part(list(islice(rows, table.num_rows)), _python_rows(table, self._file))
        except StopIteration:
            raise self._changed() from None
        except DataError:
            self._require_unchanged()
            raise
        self._require_unchanged()
        if len(part.rows) != len(part.inputs):
            raise self._changed()
        return part

    def _tables(self, whole: bool) -> Iterator[pa.Table]:
        """What the tasks read, in tables of as many rows as make a part, with the types that hold all rows."""
        parser = FieldParser(self._file)
        has_no_null = kind_of_file(self._file, self._source) in WITHOUT_NULL
        done = 0
        for tables in _grouped((self._parsed(table, parser) for table in self._read()), whole):
            table = joined([self._schema.empty_table(), *tables], self._file, done)
            done += table.num_rows
            table = empty_as_missing(table) if has_no_null else table
            yield table.select([name for name in self._wanted if name in table.column_names])

    def _check_inputs(self, needed: Sequence[str]) -> int:
        """Read the columns that the tasks read, and note their types; the number of rows."""
        present: dict[str, None] = {}
        count = 0
        parser = FieldParser(self._file)
        for table in self._read():
            present.update(dict.fromkeys(table.column_names))
            count += table.num_rows
            parsed = self._parsed(table, parser).replace_schema_metadata(None)
            self._schema = pa.unify_schemas([self._schema, parsed.schema], promote_options="permissive")
        if not count:
            raise DataError("has no rows", file=self._file)
        require_columns([name for name in needed if not is_derived(name, present)], present, self._file)
        return count

    def _check_rows(self) -> list[str]:
        """Read all that stands in the rows; the names of all columns."""
        names: dict[str, None] = {}
        count = 0
        for row in whole_rows(self._file, self._source):
            count += 1
            if not row.keys() <= names.keys():
                names.update(dict.fromkeys(row))
        self._require_unchanged()
        if count != self._count:
            raise self._changed()
        return list(names)

    def _read(self) -> Iterator[pa.Table]:
        texts = frozenset[str]().union(*(Layout.of(each).texts for each in self._sources.values()))
        layout = replace(Layout.of(self._source), texts=texts)
        return read_tables(self._file, self._source.format, layout, self._wanted)

    def _parsed(self, table: pa.Table, parser: FieldParser) -> pa.Table:
        """The columns of a table that the tasks read. Their texts may stand for something else."""
        table = table.select([name for name in self._wanted if name in table.column_names])
        return parser.parse(table, self._forms(table))

    def _forms(self, table: pa.Table) -> dict[str, FieldForm]:
        """Column -> how the tasks read its text. A column of a jsonl file that is not text has no entry.

        Raises:
            DataError: two tasks read a column in different ways.
        """
        forms: dict[str, FieldForm | None] = {}
        for task in self._tasks:
            for column in (name for name in source_columns(task.columns) if name in table.column_names):
                form = self._sources[task.name].parse.get(column)
                if forms.setdefault(column, form) != form:
                    message = f"the tasks read it in different ways: {forms[column]} and {form}"
                    hint = "Predict these tasks one by one"
                    raise DataError(message, file=self._file, key=column, hint=hint)
        return {
            column: form
            for column, form in forms.items()
            if form == "text" or (form and _is_text(table.schema.field(column).type))
        }

    def _require_unchanged(self) -> None:
        if _version(self._file) != self._version:
            raise self._changed()

    def _changed(self) -> DataError:
        return DataError("was changed while it was read", file=self._file)


def _version(file: str | Path) -> tuple[int, int, int] | None:
    """What changes with a file's content; None if there is no such file, of which its reader tells."""
    try:
        found = Path(file).stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _grouped(tables: Iterator[pa.Table], whole: bool) -> Iterator[list[pa.Table]]:
    """Tables of any number of rows as those of a part: its rows are as many as a reader reads together."""
    if whole:
        yield list(tables)
        return
    held: list[pa.Table] = []
    count = 0
    size = 0
    for table in tables:
        start = 0
        while start < table.num_rows:
            held.append(table.slice(start, CHUNK - count))
            start += held[-1].num_rows
            count += held[-1].num_rows
            size += held[-1].nbytes
            if count == CHUNK or size >= MAX_CHUNK:
                yield held
                held = []
                count = 0
                size = 0
    if held:
        yield held


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


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
