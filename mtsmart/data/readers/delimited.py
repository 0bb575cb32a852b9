"""Files of fields between commas (csv) or tabs (tsv)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TextIO

import pyarrow as pa

from mtsmart.data.readers import lines
from mtsmart.data.readers.columns import SizedRow, tables_of
from mtsmart.data.readers.forms import hints
from mtsmart.data.readers.forms.second_names import distinct_names
from mtsmart.data.readers.forms.wanted import Wanted, check_wanted_names, first_row
from mtsmart.data.readers.packed import most_bytes
from mtsmart.errors import DataError, warn
from mtsmart.tasks.dataset import BLANK
from mtsmart.text.counts import counted

_MAX_FIELD = 10_000_000  # characters
_GAP = re.compile(r"[ \t]+")

_Line = tuple[int, list[str]]  # the line that a row begins on, and its fields


@dataclass(frozen=True)
class Dialect:
    """How fields are separated, and whether quotes hold them together.

    Attributes:
        delimiter: one character, or ``BLANK``.
        quoting: one of csv's QUOTE constants.
        escape: the character before a quote that is text; None: such a quote is doubled.
    """

    delimiter: str
    quoting: Literal[0, 1, 2, 3]
    escape: str | None = None


COMMA = Dialect(",", csv.QUOTE_MINIMAL)
TAB = Dialect("\t", csv.QUOTE_NONE)


def read_delimited(
    file: Path, dialect: Dialect, columns: list[str] | None = None, wanted: Wanted = None
) -> Iterator[pa.Table]:
    """All rows of a file, in tables of some thousand rows.

    Args:
        file: the file.
        dialect: of its lines.
        columns: the names of the columns, where the file has no header; a last name that ends in ``...`` takes all
            further fields as a list.
        wanted: the columns to read; of others only the names are kept. None: all.

    Raises:
        DataError: the file is empty or not UTF-8, or a row does not fit; the message names the line.
    """
    with lines.open_text(file) as stream:
        rows = _rows(stream, file, dialect, columns)
        if columns is not None:
            check_wanted_names(columns, wanted, file)
            named = _rows_by_name(rows, columns, file, dialect, wanted)
        else:
            line, header = next(rows, (1, []))
            if not header:
                raise DataError("is empty", file=file, hint="A header line with the column names is expected")
            check_wanted_names(header, wanted, file, 1)
            if wanted is not None:
                hints.check_header(header, dialect.delimiter, wanted, file, line)
            named = _rows_by_header(rows, header, file, dialect, wanted)
        yield from tables_of(named, file, most_bytes(file))


def whole_rows(file: Path, dialect: Dialect, columns: list[str] | None = None) -> Iterator[SizedRow]:
    """All rows with all their fields. Of columns with the same name all but the first have a ``SecondName``.

    Args:
        file, dialect, columns: as for :func:`read_delimited`.

    Raises:
        DataError: as :func:`read_delimited`.
    """
    with lines.open_text(file) as stream:
        rows = _rows(stream, file, dialect, columns)
        if columns is not None:
            yield from _rows_by_name(rows, columns, file, dialect, None)
        else:
            header = next(rows, (1, []))[1]
            yield from _rows_by_header(rows, distinct_names(header), file, dialect, None)


class _Lines:
    """The lines of a file for csv's reader, which joins those of quoted line breaks to one row.

    Attributes:
        row_start: the line that the present row begins on, from 1; errors name it.
    """

    def __init__(self, stream: TextIO, file: Path, is_plain: bool) -> None:
        self._stream = stream
        self._file = file
        self._is_plain = is_plain
        self._taken = 0  # characters of the present row
        self.row_start = 1

    def begin_row(self, line: int) -> None:
        """The next line is the first of a row."""
        self.row_start = line
        self._taken = 0

    def __iter__(self) -> Iterator[str]:
        watching = self._is_plain
        for text in iter(partial(self._stream.readline, lines.MAX_LINE), ""):
            self._taken += len(text)
            if self._taken >= lines.MAX_LINE:
                raise self._too_long(len(text))
            if watching and '"' in text and '""' in text and hints.is_quoted(text.rstrip("\r\n").split("\t")):
                warn(hints.quoted_warning(self._file, self.row_start))
                watching = False
            yield text

    def _too_long(self, last: int) -> DataError:
        """The error for a row whose last line has ``last`` characters."""
        if last == self._taken:
            return lines.too_long(self._file, self.row_start)
        message = f"begins a row of more than {lines.MAX_LINE:,} characters"
        return DataError(message, file=self._file, line=self.row_start)


def _rows(stream: TextIO, file: Path, dialect: Dialect, columns: list[str] | None) -> Iterator[_Line]:
    source = _Lines(stream, file, dialect.quoting == csv.QUOTE_NONE)
    # Before the first fields of a file a blank line is no row, unless its only column is known.
    width = 1 if columns is not None and len(columns) == 1 and not columns[0].endswith("...") else 0
    blank = 0  # lines without a field, or with empty ones alone, right before the present row
    before: list[str] = []
    told = False
    for line, row in _fields_of(source, file, dialect, columns):
        if not row:
            blank += 1
            continue
        if len(row) > 1 and not any(row):
            blank += 1
            width = width or len(row)
            yield line, row
            continue
        # In a file of one column, a blank line is a row whose field is empty, unless it stands at the end.
        if width == 1:
            yield from ((line, [""]) for line in range(line - blank, line))
        elif blank and before and not told and _is_word(before) and _is_word(row):
            warn(hints.words_warning(file, line - blank), hints.WordsWarning)
            told = True
        blank = 0
        width = width or len(row)
        before = row
        yield line, row


def _is_word(row: list[str]) -> bool:
    return len(row) > 1 and not any(" " in field or not field for field in row)


def _fields_of(source: _Lines, file: Path, dialect: Dialect, columns: list[str] | None) -> Iterator[_Line]:
    """Each row's first line and its fields; a blank line has no fields."""
    if dialect.delimiter == BLANK:
        yield from _between_blanks(source, file, columns)
        return
    csv.field_size_limit(_MAX_FIELD)
    form: dict[str, Any] = {"quoting": dialect.quoting, "escapechar": dialect.escape, "strict": True}
    reader = csv.reader(iter(source), delimiter=dialect.delimiter, **form)
    while True:
        source.begin_row(reader.line_num + 1)
        try:
            row = next(reader, None)
        except csv.Error as error:
            hint = None if dialect.escape else hints.escape_hint(file, source.row_start)
            raise DataError(f"cannot be read: {error}", file=file, line=source.row_start, hint=hint) from None
        except UnicodeDecodeError:
            raise lines.not_utf8(file) from None
        if row is None:
            return
        yield source.row_start, row


def _between_blanks(source: _Lines, file: Path, columns: list[str] | None) -> Iterator[_Line]:
    """Rows whose last field is the rest of the line; the header, or an open last column, takes each word by itself."""
    is_open = columns is not None and columns[-1].endswith("...")
    cuts = 0 if columns is None or is_open else len(columns) - 1
    one = columns is not None and len(columns) == 1 and not is_open
    try:
        for line, text in enumerate(source, 1):
            source.begin_row(line + 1)
            bare = text.strip(lines.BLANKS)
            row = [bare] if one else _GAP.split(bare, cuts)
            yield line, row if bare else []
            if columns is None and bare and not cuts:
                cuts = len(row) - 1
                one = not cuts
    except UnicodeDecodeError:
        raise lines.not_utf8(file) from None


def _rows_by_header(
    rows: Iterable[_Line], header: list[str], file: Path, dialect: Dialect, wanted: Wanted
) -> Iterator[SizedRow]:
    places = [(name, place) for place, name in enumerate(header) if wanted is None or name in wanted]
    is_narrow = len(places) < len(header)
    is_first = True
    for line, row in rows:
        if len(row) != len(header):
            message = f"has {counted(len(row), 'field')} where the header has {len(header)}"
            hint = hints.hint_for_row(row, dialect.delimiter, len(header))
            hint = hint or hints.hint_for_header(header, dialect.delimiter)
            raise DataError(message, file=file, line=line, value=row, hint=hint)
        if not is_narrow:
            yield dict(zip(header, row, strict=True)), lines.size_of(row)
        elif is_first:
            yield first_row(dict(zip(header, row, strict=True)), wanted or {}), lines.size_of(row)
            is_first = False
        else:
            yield {name: row[place] for name, place in places}, lines.size_of(row)


def _rows_by_name(
    rows: Iterable[_Line], columns: list[str], file: Path, dialect: Dialect, wanted: Wanted
) -> Iterator[SizedRow]:
    """Rows of a file without a header; the last of ``columns`` may take all further fields."""
    is_open = columns[-1].endswith("...")
    names = [*columns[:-1], columns[-1].removesuffix("...")]
    is_narrow = wanted is not None and not wanted.keys() >= {*names}
    is_first = True
    for line, row in rows:
        if len(row) < len(names) or (len(row) > len(names) and not is_open):
            least = "at least " if is_open else ""
            hint = hints.hint_for_row(row, dialect.delimiter, len(names)) or f"Expected: {', '.join(columns)}"
            raise DataError(
                f"has {counted(len(row), 'field')} where 'columns' names {least}{len(names)}",
                file=file,
                line=line,
                value=row,
                hint=hint,
            )
        fields = [*row[: len(names) - 1], row[len(names) - 1 :]] if is_open else row
        record: dict[str, Any] = dict(zip(names, fields, strict=True))
        if is_narrow and wanted is not None:
            record = (
                first_row(record, wanted) if is_first else {name: record[name] for name in wanted if name in record}
            )
            is_first = False
        yield record, lines.size_of(row)
