"""The data files that a task names: single ones, lists, and patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from mtsmart.data.completeness import empty_as_missing
from mtsmart.data.readers import WITHOUT_NULL, kind_of_file, read_source_file
from mtsmart.data.readers.columns import MixedColumn, common_type, joined, mixed_hint
from mtsmart.data.readers.files import KINDS
from mtsmart.errors import DataError, did_you_mean
from mtsmart.tasks.dataset import DatasetSource, names_of
from mtsmart.tasks.spellings import named
from mtsmart.text.counts import some_of
from mtsmart.user_paths import hint_for_absent, is_pattern

_WITH_HEADER = ("csv", "tsv", "parquet")
_MAX_FILES = 100_000  # of a split
_MAX_SHOWN = 3  # names in a message


def files_of(entry: str | Sequence[str]) -> list[Path]:
    """The files of a split, in the order in which they are named; those that match a pattern are sorted by name.

    A text with ``*``, ``?`` or ``[`` is a pattern, unless a file has just this name. ``**`` stands for any folders.

    Raises:
        DataError: a pattern matches no file, or a file is named twice.
    """
    found = [path for name in names_of(entry) for path in _expanded(name)]
    if len(found) > _MAX_FILES:
        raise DataError(f"are more than {_MAX_FILES:,} files", file=shown(entry))
    if len(set(found)) < len(found):
        twice = next(path for path in found if found.count(path) > 1)
        raise DataError("stands twice among the files of a split, so its rows would count twice", file=twice)
    return found


def _expanded(name: str) -> list[Path]:
    if not is_pattern(name) or os.path.lexists(name):
        return [Path(name)]
    matches = [Path(path) for path in sorted(glob.iglob(name, recursive=True)) if os.path.isfile(path)]
    if not matches:
        hint = None if Path(name).parent.is_dir() else hint_for_absent(name)
        raise DataError("no file matches this pattern", file=name, hint=hint)
    return matches


def absent_files(task: str, source: DatasetSource, splits: Collection[str] | None = None) -> Iterator[DataError]:
    """An error for each file that is not there, with the key that names it.

    Args:
        task: the task's name.
        source: its ``dataset``.
        splits: those of which the files are looked for; None: all.
    """
    for split, entry in (source.files or {}).items():
        if splits is not None and split not in splits and source.split_column is None:
            continue
        key = f"{task}.dataset.files.{split}"
        try:
            files = files_of(entry)
        except DataError as error:
            yield DataError(f"{error.file}: {error.message}", key=key, hint=error.hint)
            continue
        for file in files:
            is_read = splits is None or kind_of_file(file, source) in KINDS  # Reading tells of an unknown kind.
            if is_read and not file.is_file():
                yield DataError(f"{file}: there is no such file", key=key, hint=hint_for_absent(file))


def require_files(task: str, source: DatasetSource, splits: Collection[str]) -> None:
    """Refuse a task of which a file of these splits, in any spelling of them, is not there.

    Raises:
        DataError: names the key and the file, and says why or which file is meant.
    """
    spelt = {named(source.files or {}, split) for split in splits}
    for error in absent_files(task, source, [split for split in spelt if split is not None]):
        raise error


def header_hint(source: DatasetSource, columns: Sequence[str]) -> str | None:
    """A hint for a file whose first line may be a row already; None for files that have no such line, or need none."""
    kinds = {kind_of_file(name, source) for name in source.file_names}
    if source.columns is not None or kinds.isdisjoint(("csv", "tsv")):
        return None
    shown = ", ".join(columns)
    return f"If the file has no header, name its columns in their order: dataset: {{columns: [{shown}, ...]}}"


def shown(entry: str | Sequence[str]) -> str:
    """The files of a split in messages."""
    return some_of(names_of(entry), _MAX_SHOWN)


def read_files(
    entry: str | Sequence[str], source: DatasetSource, wanted: Sequence[str] | None, parts: Collection[str] = ()
) -> pa.Table:
    """The rows of a split's files, one file after the other.

    Args:
        entry: a file, a pattern, or a list of them.
        source: says how the files are read.
        wanted: the columns that are needed.
        parts: the columns that texts are made of. In them an empty field of a file that has no null is a missing
            value, whatever the other files are.

    Raises:
        DataError: a file cannot be read, or lacks a column that another one has, or a column has values in two files
            that no type holds together.
    """
    files = files_of(entry)
    tables = [_with_nulls(read_source_file(file, source, wanted), file, source, parts) for file in files]
    if len(tables) == 1:
        return tables[0]
    _check_columns(tables, files, source, wanted or ())
    _check_types(tables, files)
    return joined(tables, shown(entry))


def _with_nulls(table: pa.Table, file: Path, source: DatasetSource, columns: Collection[str]) -> pa.Table:
    """The table with a missing value for each empty field of ``columns``, if its form has no other word for it."""
    if kind_of_file(file, source) not in WITHOUT_NULL:
        return table
    return empty_as_missing(table, [name for name in columns if name in table.column_names])


def has_no_null(entry: str | Sequence[str], source: DatasetSource) -> bool:
    """Whether all of these files are of forms that have only an empty field to say that a value is missing."""
    return all(kind_of_file(file, source) in WITHOUT_NULL for file in files_of(entry))


def _check_columns(
    tables: Sequence[pa.Table], files: Sequence[Path], source: DatasetSource, wanted: Sequence[str]
) -> None:
    """Refuse a file without a column that another file has. An object in JSON may lack a key, which is then null.

    Raises:
        DataError: names the column and the two files.
    """
    for name in wanted:
        has = [name in table.column_names for table in tables]
        having = next((file for file, is_there in zip(files, has, strict=True) if is_there), None)
        for table, file, is_there in zip(tables, files, has, strict=True):
            if having is not None and not is_there and kind_of_file(file, source) in _WITH_HEADER:
                message = f"lacks this column, which {having.name} has"
                raise DataError(message, file=file, key=name, hint=did_you_mean(name, table.column_names))


def _check_types(tables: Sequence[pa.Table], files: Sequence[Path]) -> None:
    """Refuse a column whose values have two types in two files that no type holds together.

    Raises:
        DataError: names the column and the two files.
    """
    first: dict[str, tuple[pa.DataType, Path]] = {}
    for table, file in zip(tables, files, strict=True):
        for field in table.schema:
            kind, before = first.get(field.name, (field.type, file))
            try:
                first[field.name] = (common_type(kind, field.type), before)
            except pa.ArrowException:
                message = f"is {field.type} in this file and {kind} in {before.name}"
                if not pa.types.is_nested(field.type) and not pa.types.is_nested(kind):
                    raise MixedColumn(message, file=file, key=field.name, hint=mixed_hint(field.name)) from None
                hint = "All files of a split need values of one kind in a column"
                raise DataError(message, file=file, key=field.name, hint=hint) from None
