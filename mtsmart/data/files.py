"""Reading csv, tsv, jsonl and parquet files, with the row named in every error.

Text stays text: nothing is guessed to be a number, a date or a missing value (the row "NA" is the text "NA").
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeAlias

import pyarrow as pa

from mtsmart.data.parquet import read_parquet
from mtsmart.data.shapes import Shape, check_names
from mtsmart.errors import DataError, did_you_mean

_CHUNK = 10_000  # rows that become columns together, or fewer that come to
_MAX_CHUNK = 2**24  # characters: as Python's objects they take many times that
_FIELD = 10  # characters that a field of csv and tsv files counts besides its own
_MAX_FIELD = 10_000_000  # characters
_MAX_LINE = 16_000_000
_BLOCK = 2**20  # bytes

_Sized: TypeAlias = tuple[dict[str, Any], int]  # a row, and what it counts in characters


def read_table(path: str | Path, kind: str | None = None, columns: list[str] | None = None) -> pa.Table:
    """The rows of one data file.

    csv: comma, quoted as RFC 4180, with a header. tsv: tab, no quoting (as GLUE's files), with a header.
    jsonl: one object a line.

    Args:
        path: the file.
        kind: one of these and ``parquet``; None: as the file's ending says.
        columns: names of the columns of a csv or tsv file that has no header; a last name that ends in ``...`` is a
            list of all further fields.

    Raises:
        DataError: the file cannot be read or a row does not fit; the message names the line.
    """
    file = Path(path)
    suffix = f".{kind}" if kind else file.suffix.lower()
    if suffix not in _READERS:
        raise DataError("unknown kind of data file", file=file, value=suffix, hint=did_you_mean(suffix, _READERS))
    if not file.is_file():
        raise DataError("there is no such file", file=file)
    if columns is None:
        return _READERS[suffix](file)
    if suffix not in (".csv", ".tsv"):
        raise DataError("'columns' goes with csv and tsv files", file=file)
    comma = suffix == ".csv"
    return _delimited(file, "," if comma else "\t", csv.QUOTE_MINIMAL if comma else csv.QUOTE_NONE, columns)


def _delimited(file: Path, delimiter: str, quoting: Any, columns: list[str] | None = None) -> pa.Table:
    with _open(file) as stream:
        rows = _csv_rows(stream, file, delimiter, quoting)
        if columns is not None:
            check_names(columns, file)
            return _table(_named(rows, columns, file), file)
        header = next(rows, (1, []))[1]
        if not header:
            raise DataError("is empty", file=file, hint="A header line with the column names is expected")
        check_names(header, file, 1)
        return _table(_records(rows, header, file), file)


def _csv_rows(stream: TextIO, file: Path, delimiter: str, quoting: Any) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_MAX_FIELD)
    line, taken = 1, 0  # where the row begins; one with quoted line breaks ends further down

    def lines() -> Iterator[str]:
        nonlocal taken
        for text in _lines(stream, file):
            taken += len(text)
            if taken > _MAX_LINE:
                raise DataError(f"begins a row of more than {_MAX_LINE:,} characters", file=file, line=line)
            yield text

    reader = csv.reader(lines(), delimiter=delimiter, quoting=quoting, strict=True)
    width, blank = 0, list[int]()
    while True:
        line, taken = reader.line_num + 1, 0
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise DataError(f"cannot be read: {error}", file=file, line=line) from None
        except UnicodeDecodeError:
            raise _not_utf8(file) from None
        if row is None:
            return
        width = width or len(row)
        if not row:
            blank.append(line)
            continue
        if width == 1:  # then a blank line, but at the end, is a row whose field is empty
            yield from ((place, [""]) for place in blank)
        blank.clear()
        yield line, row


def _records(rows: Iterable[tuple[int, list[str]]], header: list[str], file: Path) -> Iterator[_Sized]:
    for line, row in rows:
        if len(row) != len(header):
            raise DataError(
                f"has {len(row)} fields where the header has {len(header)}", file=file, line=line, value=row
            )
        yield dict(zip(header, row, strict=True)), _size(row)


def _named(rows: Iterable[tuple[int, list[str]]], columns: list[str], file: Path) -> Iterator[_Sized]:
    """Rows of a file without a header; the last of ``columns`` may be open-ended."""
    open_end = columns[-1].endswith("...")
    names = [*columns[:-1], columns[-1].removesuffix("...")]
    for line, row in rows:
        if len(row) < len(names) or (len(row) > len(names) and not open_end):
            least = "at least " if open_end else ""
            raise DataError(
                f"has {len(row)} fields where 'columns' names {least}{len(names)}",
                file=file,
                line=line,
                value=row,
                hint=f"Expected: {', '.join(columns)}",
            )
        fields = [*row[: len(names) - 1], row[len(names) - 1 :]] if open_end else row
        yield dict(zip(names, fields, strict=True)), _size(row)


def _size(row: list[str]) -> int:
    return _FIELD * len(row) + sum(map(len, row))


def _jsonl(file: Path) -> pa.Table:
    with _open(file) as stream:
        return _table(_json_records(stream, file), file)


def _json_records(stream: TextIO, file: Path) -> Iterator[_Sized]:
    shape, line, decode = Shape(file), 0, json.JSONDecoder().raw_decode
    try:
        for line, padded in enumerate(_lines(stream, file), 1):
            text = padded.strip()
            if not text:
                continue
            record, end = decode(text)  # half the time of json.loads
            if end < len(text):
                raise json.JSONDecodeError("Extra data", text, end)
            if not isinstance(record, dict):
                raise DataError("must be a JSON object", file=file, line=line, value=record)
            shape.add(record, line)
            yield record, len(text)
            del record  # else two long lines are in memory as Python's objects
    except UnicodeDecodeError:
        raise _not_utf8(file) from None
    except json.JSONDecodeError as error:
        raise DataError(f"is not valid JSON: {error.msg}", file=file, line=line) from None
    except RecursionError:
        raise DataError("is not valid JSON: nested too deeply", file=file, line=line) from None
    except ValueError:  # Python reads whole numbers of some thousand digits
        raise DataError("holds a number with too many digits", file=file, line=line) from None


def _lines(stream: TextIO, file: Path) -> Iterator[str]:
    """Its lines, none of which can fill the memory."""
    for number, line in enumerate(iter(partial(stream.readline, _MAX_LINE), ""), 1):
        if len(line) == _MAX_LINE:
            raise DataError(f"is a line of more than {_MAX_LINE:,} characters", file=file, line=number)
        yield line


def _open(file: Path) -> TextIO:
    try:
        return file.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=file) from None


def _not_utf8(file: Path) -> DataError:
    """The error for a file that cannot be decoded; the line comes from the bytes, since readers decode ahead."""
    line, decoder = 1, codecs.getincrementaldecoder("utf-8")()
    with file.open("rb") as stream:
        if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return DataError("is UTF-16, not UTF-8", file=file, hint="Save it as UTF-8")
        stream.seek(0)
        for block in iter(partial(stream.read, _BLOCK), b""):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:  # whose bytes may begin with the last few of the block before
                line += error.object.count(b"\n", 0, error.start)
                break
            line += block.count(b"\n")
    return DataError("is not UTF-8", file=file, line=line, hint="Save it as UTF-8")


def _chunks(records: Iterable[_Sized]) -> Iterator[list[dict[str, Any]]]:
    chunk, total = list[dict[str, Any]](), 0
    for record, size in records:
        if chunk and (len(chunk) == _CHUNK or total + size > _MAX_CHUNK):
            yield chunk
            chunk, total = [], 0
        chunk.append(record)
        total += size
        del record  # or it would outlive its chunk, until the next row is read
    if chunk:
        yield chunk


def _table(records: Iterator[_Sized], file: Path) -> pa.Table:
    """Records as an Arrow table, built in chunks; a value must fit with those of its column before it."""
    chunks: list[pa.Table] = []
    kinds: dict[str, pa.DataType] = {}
    done = 0
    for chunk in _chunks(records):
        columns = dict.fromkeys(name for record in chunk for name in record)
        arrays = {name: column([record.get(name) for record in chunk], name, file, done, kinds) for name in columns}
        try:
            chunks.append(pa.table(arrays))
        except UnicodeEncodeError:
            bad = next(name for name in columns if not is_text(name))
            raise DataError("is no name for a column", file=file, value=bad) from None
        done += len(chunk)
        chunk.clear()  # before the next is read
    if not chunks:
        raise DataError("has no rows", file=file)
    return pa.concat_tables(chunks, promote_options="permissive")


def column(
    values: list[Any], name: str, file: str | Path, done: int = 0, kinds: dict[str, Any] | None = None
) -> pa.Array:
    """Values as an Arrow array.

    Args:
        values: of consecutive rows.
        name, file: what errors call them.
        done: rows before these.
        kinds: name -> type of the rows before; brought up to date.

    Raises:
        DataError: names the first row whose value does not fit with those before it.
    """
    kinds = {} if kinds is None else kinds
    before = kinds.get(name, pa.null())
    try:
        array = pa.array(values)
        kinds[name] = _common(before, array.type)
    except _MISFITS:
        row = _first_misfit(values, before)
        known = next((type(value) for value in values[:row] if value is not None), None) or _python_type(before)
        other = known is not None and type(values[row]) is not known
        like = f"is no {known.__name__} like the rows before" if other and known else "cannot be stored in one column"
        message = f"row {done + row + 1} {like}" + ("" if other else " with the rows before")
        raise DataError(message, file=file, key=name, value=values[row]) from None
    return array


def is_text(value: str) -> bool:
    """Whether a string can be written as UTF-8: JSON may hold halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


_MISFITS = (pa.ArrowException, OverflowError, UnicodeEncodeError)


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The type that holds both.

    Raises:
        ArrowException: there is none.
    """
    schemas = [pa.schema([("x", kind)]) for kind in (one, other)]
    return pa.unify_schemas(schemas, promote_options="permissive").field("x").type


def _python_type(kind: pa.DataType) -> type | None:
    """What Python reads a type as; None for one that holds nothing."""
    known = {str: pa.types.is_string, bool: pa.types.is_boolean, int: pa.types.is_integer, float: pa.types.is_floating}
    others = {list: pa.types.is_list, dict: pa.types.is_struct}
    return next((python for python, holds in (known | others).items() if holds(kind)), None)


def _first_misfit(values: list[Any], before: pa.DataType) -> int:
    """The first value that fits not with those before it, of type ``before`` or among ``values``."""
    fit, misfit = 0, len(values)
    while misfit - fit > 1:
        middle = (fit + misfit) // 2
        try:
            _common(before, pa.array(values[:middle]).type)
            fit = middle
        except _MISFITS:
            misfit = middle
    return misfit - 1


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    ".csv": lambda file: _delimited(file, ",", csv.QUOTE_MINIMAL),
    ".tsv": lambda file: _delimited(file, "\t", csv.QUOTE_NONE),
    ".jsonl": _jsonl,
    ".parquet": read_parquet,
}
