"""From rows of Python's objects to columns of Arrow, with the first row that does not fit named in the error."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa

from mtsmart.data.readers.packed import ROW, too_large
from mtsmart.data.tables.missing import is_missing
from mtsmart.errors import DataError, shorten
from mtsmart.tasks.dataset import INTO_DATASET
from mtsmart.text.escaping import is_text

CHUNK = 10_000  # rows that become columns together, or fewer that come to
MAX_CHUNK = 2**24  # characters, because Python's objects take many times as many bytes
SizedRow: TypeAlias = tuple[dict[str, Any], int]
"""A row, and its size in characters."""

_NAMES: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
}
_SCALARS = (str, bool, int, float)
_SHOWN = 100  # characters of a text that an error shows
_FEW = 64  # values from which the bytes of one are known
_MISFITS = (pa.ArrowException, OverflowError, UnicodeEncodeError)


class MixedColumn(DataError):
    """A column of which some values are texts and others numbers or truth values; ``key`` is its name."""


class Known(NamedTuple):
    """What is known of a column: the type of its values so far, and of the first of them what it is and its row."""

    kind: pa.DataType = pa.null()
    first: type | None = None
    shown: str = ""


def tables_of(
    rows: Iterable[SizedRow], file: str | Path, limit: int | None = None, texts: Collection[str] = ()
) -> Iterator[pa.Table]:
    """Rows as Arrow tables of some thousand rows; a value must fit with those of its column before it.

    Args:
        rows: the rows.
        file: what errors call them.
        limit: how many bytes they may take; None: any number.
        texts: columns whose numbers and truth values become texts.

    Raises:
        DataError: there are no rows, they take too many bytes, or a value does not fit; the message names the column
            and the row.
    """
    kinds: dict[str, Known] = {}
    done = 0
    total = 0.0  # bytes of values, besides those that a row without values takes
    for chunk in _chunks(rows):
        # A table without columns has no rows, so rows without a key get the columns before or after them.
        names = dict.fromkeys(chain.from_iterable(chunk)) or dict.fromkeys(kinds)
        if names and done and not kinds:
            yield _table({name: pa.nulls(done) for name in names}, file)
        arrays = {name: column(_values(chunk, name, texts), name, file, done, kinds) for name in names}
        table = _table(arrays, file)
        done += len(chunk)
        chunk.clear()  # The next chunk is read before this name is given to it.
        own = {field.name: field.type for field in table.schema}
        total += table.nbytes - table.num_rows * _empty_row(own)
        so_far = {name: known.kind for name, known in kinds.items()}
        if limit is not None and total + done * (ROW + _empty_row(so_far)) > limit:
            raise too_large(limit, file)
        yield table
    if not done:
        raise DataError("has no rows", file=file)


def _values(rows: list[dict[str, Any]], name: str, texts: Collection[str]) -> list[Any]:
    values = [row.get(name) for row in rows]
    return list(map(as_text, values)) if name in texts else values


def as_text(value: Any) -> Any:
    """The text of a number or a truth value, as JSON has it; None for NaN; anything else as it is."""
    if is_missing(value):
        return None
    return json.dumps(value) if isinstance(value, bool | int | float) else value


def joined(tables: Iterable[pa.Table], file: str | Path, done: int = 0) -> pa.Table:
    """Tables as one, whose columns have types that hold the values of all tables.

    Args:
        tables: at least one.
        file: what errors call them.
        done: rows before these, which errors count too.

    Raises:
        DataError: a value fits no such type; the message names the column and the row.
    """
    parts = list(tables)
    try:
        return pa.concat_tables(parts, promote_options="permissive")
    except pa.ArrowException:
        raise _misfit_between(parts, file, done) from None


def _misfit_between(parts: list[pa.Table], file: str | Path, done: int) -> DataError:
    """The error for the first value that the common type of its column cannot hold."""
    message = "cannot be stored in one column with the other rows"
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
    values: list[Any], name: str, file: str | Path, done: int = 0, kinds: dict[str, Known] | None = None
) -> pa.Array:
    """Values as an Arrow array.

    Args:
        values: of consecutive rows.
        name: the column's name, for errors.
        file: what errors call the data.
        done: rows before these.
        kinds: name -> what is known from the rows before; these rows are added to it.

    Raises:
        DataError: a value does not fit with those before it; the message names the first such row.
    """
    kinds = {} if kinds is None else kinds
    before = kinds.get(name, Known())
    try:
        array = pa.array(values)
        kind = common_type(before.kind, array.type)
    except _MISFITS:
        raise _misfit(values, name, file, done, before) from None
    if before.first is None and array.null_count < len(array):
        before = _with_first(before, values, done)
    kinds[name] = before._replace(kind=kind)
    return array


def _with_first(known: Known, values: list[Any], done: int) -> Known:
    """What is known, with the first of ``values`` that is there."""
    for row, value in enumerate(values, done + 1):
        if value is not None:
            # The value itself may be long, and would stay in memory.
            shown = shorten(value[:_SHOWN] if isinstance(value, str) else value) if type(value) in _SCALARS else ""
            what = _NAMES.get(type(value), type(value).__name__)
            return known._replace(first=type(value), shown=f"row {row} is {what}" + (f" ({shown})" if shown else ""))
    return known


def _misfit(values: list[Any], name: str, file: str | Path, done: int, before: Known) -> DataError:
    """The error for the first value that does not fit with those before it."""
    place = _first_misfit(values, before.kind)
    value = values[place]
    row = done + place + 1
    known = _with_first(before, values[:place], done) if before.first is None else before
    if not is_text(json.dumps(value, ensure_ascii=False, default=str)):
        message = f"row {row} holds half of a surrogate pair, which is no text"
        return DataError(message, file=file, key=name, value=value)
    if known.first is None or type(value) is known.first:
        message = f"row {row} cannot be stored in {'one column with the rows before' if row > 1 else 'a column'}"
        return DataError(message, file=file, key=name, value=value)
    message = f"row {row} is {_NAMES.get(type(value), type(value).__name__)}, and {known.shown}"
    if type(value) in _SCALARS and known.first in _SCALARS:
        return MixedColumn(message, file=file, key=name, value=value, hint=mixed_hint(name))
    return DataError(message, file=file, key=name, value=value)


def mixed_hint(column: str, otherwise: str = "Write all of them in one way") -> str:
    """What to write for a column of texts and numbers, or of numbers in the place of texts.

    Args:
        column: its name.
        otherwise: what helps without a setting.
    """
    said = f"'parse: {{{column}: text}}'"
    return f"{otherwise}; for data files {said} {INTO_DATASET} makes them texts"


def common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The type that holds both.

    Raises:
        ArrowException: there is no such type.
    """
    schemas = [pa.schema([("x", kind)]) for kind in (one, other)]
    return pa.unify_schemas(schemas, promote_options="permissive").field("x").type


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
