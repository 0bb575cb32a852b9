"""Files of fields between commas (csv) or tabs (tsv)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

import pyarrow as pa

from mtsmart.data.readers import lines
from mtsmart.data.readers.columns import SizedRow, tables_of
from mtsmart.data.readers.packed import most_bytes
from mtsmart.data.readers.shapes import check_names
from mtsmart.errors import DataError

_MAX_FIELD = 10_000_000  # characters
_FIELD = 10  # characters that a field counts besides its own, for the memory that it takes

_Line = tuple[int, list[str]]  # the line that a row begins on, and its fields


@dataclass(frozen=True)
class Dialect:
    """How fields are separated, and whether quotes hold them together (one of csv's QUOTE constants)."""

    delimiter: str
    quoting: Literal[0, 1, 2, 3]


COMMA = Dialect(",", csv.QUOTE_MINIMAL)
TAB = Dialect("\t", csv.QUOTE_NONE)


def read_delimited(file: Path, dialect: Dialect, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """All rows of a file, in tables of some thousand rows.

    Args:
        file: the file.
        dialect: of its lines.
        columns: the names of the columns, where the file has no header; a last name that ends in ``...`` takes all
            further fields as a list.

    Raises:
        DataError: the file is empty or not UTF-8, or a row does not fit; the message names the line.
    """
    with lines.open_text(file) as stream:
        rows = _rows(stream, file, dialect, columns)
        if columns is not None:
            check_names(columns, file)
            yield from tables_of(_rows_by_name(rows, columns, file), file, most_bytes(file))
            return
        header = next(rows, (1, []))[1]
        if not header:
            raise DataError("is empty", file=file, hint="A header line with the column names is expected")
        check_names(header, file, 1)
        yield from tables_of(_rows_by_header(rows, header, file), file, most_bytes(file))


class _Lines:
    """The lines of a file for csv's reader, which joins those of quoted line breaks to one row.

    Attributes:
        row_start: the line that the present row begins on, from 1; errors name it.
    """

    def __init__(self, stream: TextIO, file: Path) -> None:
        self._lines = lines.bounded_lines(stream, file)
        self._file = file
        self._taken = 0  # characters of the present row
        self.row_start = 1

    def begin_row(self, line: int) -> None:
        """The next line is the first of a row."""
        self.row_start = line
        self._taken = 0

    def __iter__(self) -> Iterator[str]:
        for text in self._lines:
            self._taken += len(text)
            if self._taken > lines.MAX_LINE:
                message = f"begins a row of more than {lines.MAX_LINE:,} characters"
                raise DataError(message, file=self._file, line=self.row_start)
            yield text


def _rows(stream: TextIO, file: Path, dialect: Dialect, columns: list[str] | None) -> Iterator[_Line]:
    csv.field_size_limit(_MAX_FIELD)
    source = _Lines(stream, file)
    reader = csv.reader(iter(source), delimiter=dialect.delimiter, quoting=dialect.quoting, strict=True)
    # Before the first fields of a file a blank line is no row, unless its only column is known.
    width = 1 if columns is not None and len(columns) == 1 and not columns[0].endswith("...") else 0
    blank = 0  # lines without a field, right before the present row
    while True:
        source.begin_row(reader.line_num + 1)
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise DataError(f"cannot be read: {error}", file=file, line=source.row_start) from None
        except UnicodeDecodeError:
            raise lines.not_utf8(file) from None
        if row is None:
            return
        if not row:
            blank += 1
            continue
        # In a file of one column, a blank line is a row whose field is empty, unless it stands at the end.
        if width == 1:
            yield from ((line, [""]) for line in range(source.row_start - blank, source.row_start))
        blank = 0
        width = width or len(row)
        yield source.row_start, row


def _rows_by_header(rows: Iterable[_Line], header: list[str], file: Path) -> Iterator[SizedRow]:
    for line, row in rows:
        if len(row) != len(header):
            message = f"has {len(row)} fields where the header has {len(header)}"
            raise DataError(message, file=file, line=line, value=row)
        yield dict(zip(header, row, strict=True)), _size(row)


def _rows_by_name(rows: Iterable[_Line], columns: list[str], file: Path) -> Iterator[SizedRow]:
    """Rows of a file without a header; the last of ``columns`` may take all further fields."""
    is_open = columns[-1].endswith("...")
    names = [*columns[:-1], columns[-1].removesuffix("...")]
    for line, row in rows:
        if len(row) < len(names) or (len(row) > len(names) and not is_open):
            least = "at least " if is_open else ""
            raise DataError(
                f"has {len(row)} fields where 'columns' names {least}{len(names)}",
                file=file,
                line=line,
                value=row,
                hint=f"Expected: {', '.join(columns)}",
            )
        fields = [*row[: len(names) - 1], row[len(names) - 1 :]] if is_open else row
        yield dict(zip(names, fields, strict=True)), _size(row)


def _size(row: list[str]) -> int:
    return _FIELD * len(row) + sum(map(len, row))
