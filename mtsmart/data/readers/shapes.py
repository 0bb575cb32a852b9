"""Limits on the width and depth of rows, checked before columns are made of the rows.

Arrow gives every object of a column all the keys that any of them has. So a small file in which each row has a new key
would fill the memory. And the readers of types fail on values that are nested in hundreds of levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from mtsmart.errors import DataError

MAX_COLUMNS = 2_000
MAX_DEPTH = 30
MAX_NAME = 1_000  # characters of a column's name, which each part of some thousand rows has again
MAX_FIELDS = 2**22  # As columns, rows of objects may take this many fields,
MAX_SPARED = 30  # or this many times the fields that they have, if that is more.
_NESTED = frozenset((dict, list))


class _Objects:
    """The objects at one place of the rows: their number, and the objects under each of their keys."""

    __slots__ = ("count", "keys")

    def __init__(self) -> None:
        self.count = 0
        self.keys: dict[str, _Objects] = {}


class Shape:
    """The keys of the rows so far, at every depth.

    Args:
        file: what errors call the rows.
    """

    def __init__(self, file: str | Path) -> None:
        self._file = file
        self._rows = _Objects()
        self._keys = 0  # different keys, at all depths
        self._given = 0  # fields that the rows have
        self._fields = 0  # fields that the rows take as columns

    def add(self, record: Mapping[str, Any], line: int | None = None, row: int | None = None) -> None:
        """Take in one more row.

        Args:
            record: column -> value.
            line: the file's line that the row is on, from 1; or None.
            row: the row's number, from 1, where there is no line; or None.

        Raises:
            DataError: it is nested too deeply, or the rows have too many different keys for columns.
        """
        self._note(record, self._rows)
        if self._keys > MAX_COLUMNS:
            raise _too_many(None, self._place(line, row))
        if not _NESTED.isdisjoint(map(type, record.values())):
            self._descend_values(record, self._place(line, row))
        if self._fields > MAX_FIELDS and self._fields > MAX_SPARED * self._given:
            message = f"so far would take {self._fields:,} fields as columns, where {self._given:,} are given"
            hint = "Rows, and objects in them, should have much the same keys"
            raise DataError(message, hint=hint, **self._place(line, row))

    def _descend_values(self, record: Mapping[str, Any], place: dict[str, Any]) -> None:
        for column, value in record.items():
            if type(value) in _NESTED:
                self._descend(value, self._rows.keys[column], 1, {**place, "key": column})

    def _place(self, line: int | None, row: int | None) -> dict[str, Any]:
        return {"file": self._file if row is None else f"{self._file}, row {row}", "line": line}

    def _descend(self, value: Any, objects: _Objects, depth: int, place: dict[str, Any]) -> None:
        if depth > MAX_DEPTH:
            raise DataError(f"is nested more than {MAX_DEPTH} levels deep", **place)
        if type(value) is dict:
            self._note(value, objects)
            if self._keys > MAX_COLUMNS:
                raise _too_many(None, place)
            for key, item in value.items():
                if type(item) in _NESTED:
                    self._descend(item, objects.keys[key], depth + 1, place)
        elif not _NESTED.isdisjoint(map(type, value)):
            for item in value:
                if type(item) in _NESTED:
                    self._descend(item, objects, depth + 1, place)

    def _note(self, record: Mapping[str, Any], objects: _Objects) -> None:
        objects.count += 1
        self._given += len(record)
        self._fields += len(objects.keys)
        if record.keys() <= objects.keys.keys():
            return
        for key in record:
            if key not in objects.keys:
                objects.keys[key] = _Objects()
                self._keys += 1
                self._fields += objects.count


def check_names(names: Sequence[str], file: str | Path, line: int | None = None) -> None:
    """Refuse too many columns, and two columns of the same name.

    Raises:
        DataError: names ``file``, and the number of columns or the name.
    """
    if len(names) > MAX_COLUMNS:
        raise _too_many(len(names), {"file": file, "line": line})
    known = set[str]()
    for name in names:
        _check_name(name, file, line)
        if name in known:
            raise DataError("two columns have the same name", file=file, line=line, value=name)
        known.add(name)


def _check_name(name: str, file: str | Path, line: int | None = None) -> None:
    if len(name) > MAX_NAME:
        message = f"a column has a name of more than {MAX_NAME:,} characters"
        raise DataError(message, file=file, line=line, value=name[:MAX_NAME])


def check_types(schema: pa.Schema, file: str | Path) -> None:
    """Refuse columns whose types are nested too deeply or have too many parts.

    Raises:
        DataError: names ``file``, and the number of parts or the column.
    """
    check_names(schema.names, file)
    parts = len(schema)
    for field in schema:
        level = _within([field.type])
        depth = 1
        while level:
            for inner in level:
                _check_name(inner.name, file)
            parts += len(level)
            depth += 1
            if depth > MAX_DEPTH + 1:
                raise DataError(f"is nested more than {MAX_DEPTH} levels deep", file=file, key=field.name)
            level = _within([inner.type for inner in level])
    if parts > 2 * MAX_COLUMNS:  # A list and its items are two parts.
        raise _too_many(parts, {"file": file})


def _within(kinds: Sequence[pa.DataType]) -> list[pa.Field]:
    """The fields that these types consist of."""
    return [kind.field(number) for kind in kinds for number in range(kind.num_fields)]


def _too_many(count: int | None, place: dict[str, Any]) -> DataError:
    got: dict[str, Any] = {} if count is None else {"value": count}
    message = f"has more than {MAX_COLUMNS:,} columns"
    return DataError(message, hint="Keys of objects within a row count as columns", **got, **place)
