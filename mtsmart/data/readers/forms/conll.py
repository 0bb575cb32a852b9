"""CoNLL's columns: a word a line with what belongs to it, and a blank line after each sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from mtsmart.data.readers.columns import SizedRow, tables_of
from mtsmart.data.readers.forms.wanted import Wanted
from mtsmart.data.readers.lines import MAX_LINE, bounded_lines, not_utf8, open_text
from mtsmart.data.readers.packed import most_bytes
from mtsmart.errors import DataError
from mtsmart.tasks.dataset import BLANK

_DOCUMENT = "-DOCSTART-"
_BLANKS = " \t\r\n"
_FIELD = 10  # characters that a field counts besides its own, for the memory that it takes


def read_conll(
    file: Path, columns: list[str] | None = None, delimiter: str | None = None, wanted: Wanted = None
) -> Iterator[pa.Table]:
    """The sentences of a file, in tables of some thousand; each column is a list of texts, one a word.

    Lines that begin a document (``-DOCSTART-``) are left out, and so are comments (``#``) before a sentence, and a
    first line that has the names of the columns.

    Args:
        file: the file.
        columns: the names of its columns.
        delimiter: one character, or ``BLANK``; None: a tab if the first word's line has one, otherwise blanks.
        wanted: the columns to read.

    Raises:
        DataError: the columns have no names, the file is not UTF-8, or a line does not fit; the message names the line.
    """
    with open_text(file) as stream:
        yield from tables_of(_sentences(stream, file, columns, delimiter, wanted), file, most_bytes(file))


def _sentences(
    stream: TextIO, file: Path, columns: list[str] | None, delimiter: str | None, wanted: Wanted
) -> Iterator[SizedRow]:
    words: list[list[str]] = []
    size = 0
    for line, fields in _lines(stream, file, columns, delimiter):
        if columns is None and fields:
            example = ["words", *(f"column{n}" for n in range(2, len(fields))), "tags"][: len(fields)]
            hint = f"It has {len(fields)}; example: columns: [{', '.join(example)}]"
            raise DataError("is read with the names of its columns, and the task gives none", file=file, hint=hint)
        if fields:
            words.append(fields)
            size += _FIELD * len(fields) + sum(map(len, fields))
            if size > MAX_LINE:
                hint = "A blank line ends a sentence"
                raise DataError(
                    f"ends a sentence of more than {MAX_LINE:,} characters", file=file, line=line, hint=hint
                )
        elif words and columns is not None:
            yield _row(words, columns, wanted), size
            words = []
            size = 0
    if words and columns is not None:
        yield _row(words, columns, wanted), size


def _row(words: list[list[str]], columns: list[str], wanted: Wanted) -> dict[str, list[str] | None]:
    by_column = dict(zip(columns, zip(*words, strict=True), strict=True))
    return {name: list(values) if wanted is None or name in wanted else None for name, values in by_column.items()}


def _lines(
    stream: TextIO, file: Path, columns: list[str] | None, delimiter: str | None
) -> Iterator[tuple[int, list[str]]]:
    """The lines of words with their numbers; an empty list stands for a blank line."""
    inside = False  # a sentence
    seen = False  # a word; a line of the columns' names may stand before it
    try:
        for line, text in enumerate(bounded_lines(stream, file), 1):
            if not text.strip(_BLANKS):
                inside = False
                yield line, []
                continue
            delimiter = delimiter or ("\t" if "\t" in text.strip(_BLANKS) else None)
            fields = _fields(text, delimiter)
            if fields[0] == _DOCUMENT or (fields == columns and not seen):
                continue
            if columns is not None and len(fields) != len(columns):
                if text.startswith("#") and not inside:
                    continue
                raise _misfit(fields, columns, file, line)
            if not fields[0].strip(_BLANKS):
                raise DataError("begins with an empty field", file=file, line=line, value=text.rstrip("\r\n"))
            inside = True
            seen = True
            delimiter = delimiter or BLANK
            yield line, fields
    except UnicodeDecodeError:
        raise not_utf8(file) from None


def _fields(text: str, delimiter: str | None) -> list[str]:
    if delimiter is None or delimiter == BLANK:
        return [field for field in text.strip(_BLANKS).replace("\t", " ").split(" ") if field]
    return text.rstrip("\r\n").split(delimiter)


def _misfit(fields: list[str], columns: list[str], file: Path, line: int) -> DataError:
    message = f"has {len(fields)} fields where 'columns' names {len(columns)}"
    hint = f"Expected: {', '.join(columns)}"
    if len(fields) == 1 and len(columns) > 1:
        hint += "; 'delimiter' says what stands between them (a tab or blanks, if it is not given)"
    return DataError(message, file=file, line=line, value=fields, hint=hint)
