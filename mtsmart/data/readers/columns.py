"""From rows of Python's objects to columns of Arrow, with the first row that does not fit named in the error."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from mtsmart.data.readers.packed import ROW, too_large
from mtsmart.errors import DataError

CHUNK = 10_000  # rows that become columns together, or fewer that come to
MAX_CHUNK = 2**24  # characters, because Python's objects take many times as many bytes
SizedRow: TypeAlias = tuple[dict[str, Any], int]
"""A row, and its size in characters."""

_SCALARS = (str, bool, int, float)
_FEW = 64  # values from which the bytes of one are known
_MISFITS = (pa.ArrowException, OverflowError, UnicodeEncodeError)


def tables_of(rows: Iterable[SizedRow], file: str | Path, limit: int | None = None) -> Iterator[pa.Table]:
    """Rows as Arrow tables of some thousand rows; a value must fit with those of its column before it.

    Args:
        rows: the rows.
        file: what errors call them.
        limit: how many bytes they may take; None: any number.

    Raises:
        DataError: there are no rows, they take too many bytes, or a value does not fit; the message names the column
            and the row.
    """
    kinds: dict[str, pa.DataType] = {}
    done = 0
    total = 0.0  # bytes of values, besides those that a row without values takes
    for chunk in _chunks(rows):
        # A table without columns has no rows, so rows without a key get the columns before or after them.
        names = dict.fromkeys(chain.from_iterable(chunk)) or dict.fromkeys(kinds)
        if names and done and not kinds:
            yield _table({name: pa.nulls(done) for name in names}, file)
        arrays = {name: column([row.get(name) for row in chunk], name, file, done, kinds) for name in names}
        table = _table(arrays, file)
        done += len(chunk)
        chunk.clear()  # The next chunk is read before this name is given to it.
        own = {field.name: field.type for field in table.schema}
        total += table.nbytes - table.num_rows * _empty_row(own)
        if limit is not None and total + done * (ROW + _empty_row(kinds)) > limit:
            raise too_large(limit, file)
        yield table
    if not done:
        raise DataError("has no rows", file=file)


def joined(tables: Iterable[pa.Table], file: str | Path) -> pa.Table:
    """Tables as one, whose columns have types that hold the values of all tables.

    Raises:
        DataError: a value fits no such type; the message names the column and the row.
    """
    parts = list(tables)
    try:
        return pa.concat_tables(parts, promote_options="permissive")
    except pa.ArrowException:
        raise _misfit_between(parts, file) from None


def _misfit_between(parts: list[pa.Table], file: str | Path) -> DataError:
    """The error for the first value that the common type of its column cannot hold."""
    message = "cannot be stored in one column with the other rows"
    done = 0
    kinds = pa.unify_schemas([part.schema for part in parts], promote_options="permissive")
    for part in parts:
        for name in part.column_names:
            column = part.column(name)
            if not _fits(column, kinds.field(name).type):
                counts = range(1, len(column) + 1)
                row = bisect_left(counts, True, key=lambda n: not _fits(column[:n], kinds.field(name).type))
                return DataError(f"row {done + row + 1} {message}", file=file, key=name, value=column[row].as_py())
        done += part.num_rows
    return DataError(f"has rows of which one {message}", file=file)


def _fits(column: pa.ChunkedArray, kind: pa.DataType) -> bool:
    try:
        column.cast(kind)
    except pa.ArrowException:
        return False
    return True


def _table(arrays: dict[str, pa.Array], file: str | Path) -> pa.Table:
    try:
        return pa.table(arrays)
    except UnicodeEncodeError:
        bad = next(name for name in arrays if not is_text(name))
        raise DataError("is no name for a column", file=file, value=bad) from None


def _empty_row(kinds: dict[str, pa.DataType]) -> float:
    """Bytes of a row without values: a column that begins or changes its type far down takes them in all rows."""
    total: int = sum(pa.nulls(_FEW, kind).nbytes for kind in kinds.values())
    return total / _FEW


def _chunks(rows: Iterable[SizedRow]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    total = 0
    for row, size in rows:
        if chunk and (len(chunk) == CHUNK or total + size > MAX_CHUNK):
            yield chunk
            chunk = []
            total = 0
        chunk.append(row)
        total += size
        del row  # Otherwise it would outlive its chunk, until the next row is read.
    if chunk:
        yield chunk


def column(
    values: list[Any], name: str, file: str | Path, done: int = 0, kinds: dict[str, Any] | None = None
) -> pa.Array:
    """Values as an Arrow array.

    Args:
        values: of consecutive rows.
        name: the column's name, for errors.
        file: what errors call the data.
        done: rows before these.
        kinds: name -> type of the rows before; the type of these rows is added to it.

    Raises:
        DataError: a value does not fit with those before it; the message names the first such row.
    """
    kinds = {} if kinds is None else kinds
    before = kinds.get(name, pa.null())
    try:
        array = pa.array(values)
        kinds[name] = common_type(before, array.type)
    except _MISFITS:
        raise _misfit(values, name, file, done, before) from None
    return array


def _misfit(values: list[Any], name: str, file: str | Path, done: int, before: pa.DataType) -> DataError:
    """The error for the first value that does not fit with those before it, which are of type ``before``."""
    row = _first_misfit(values, before)
    hint = None
    known = next((type(value) for value in values[:row] if value is not None), None) or _python_type(before)
    if not is_text(json.dumps(values[row], ensure_ascii=False, default=str)):
        message = f"row {done + row + 1} holds half of a surrogate pair, which is no text"
    elif known is not None and type(values[row]) is not known:
        message = f"row {done + row + 1} is no {known.__name__} like the rows before"
        is_scalar = known in _SCALARS and type(values[row]) in _SCALARS
        hint = "Write all values of a column in one way, for example as texts" if is_scalar else None
    else:
        with_others = "one column with the rows before" if done + row else "a column"
        message = f"row {done + row + 1} cannot be stored in {with_others}"
    return DataError(message, file=file, key=name, value=values[row], hint=hint)


def is_text(value: str) -> bool:
    """Whether a string can be written as UTF-8: JSON may hold halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The type that holds both.

    Raises:
        ArrowException: there is no such type.
    """
    schemas = [pa.schema([("x", kind)]) for kind in (one, other)]
    return pa.unify_schemas(schemas, promote_options="permissive").field("x").type


def _python_type(kind: pa.DataType) -> type | None:
    """The Python type that a value of ``kind`` becomes; None where there is no such type."""
    known = {str: pa.types.is_string, bool: pa.types.is_boolean, int: pa.types.is_integer, float: pa.types.is_floating}
    others = {list: pa.types.is_list, dict: pa.types.is_struct}
    return next((python for python, holds in (known | others).items() if holds(kind)), None)


def _first_misfit(values: list[Any], before: pa.DataType) -> int:
    """Where the first value stands that does not fit with those before it, by halving."""
    fit = 0
    misfit = len(values)
    while misfit - fit > 1:
        middle = (fit + misfit) // 2
        try:
            common_type(before, pa.array(values[:middle]).type)
            fit = middle
        except _MISFITS:
            misfit = middle
    return misfit - 1
