"""CoNLL's columns: a word a line with what belongs to it, and a blank line after each sentence.

CoNLL-U is one of these forms. Its first column counts the words of a sentence; a line such as ``3-4`` stands for the
letters of two words, and one such as ``8.1`` for a word that nobody wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from mtsmart.data.readers.columns import SizedRow, tables_of
from mtsmart.data.readers.forms.wanted import Wanted
from mtsmart.data.readers.lines import BLANKS, MAX_LINE, bounded_lines, not_utf8, open_text, size_of
from mtsmart.data.readers.packed import most_bytes
from mtsmart.errors import DataError, warn
from mtsmart.tasks.dataset import BLANK
from mtsmart.text.counts import counted

DOCUMENT = "-DOCSTART-"
"""What a line that begins a document begins with."""
_LONG = 300  # words; hardly a sentence has as many
_NUMBERED = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
"""The columns of CoNLL-U."""
_FIRST_ID = re.compile(r"1|1-[0-9]+|0\.1")
_NO_WORD = re.compile(r"[0-9]+[-.][0-9]+")


def read_conll(
    file: Path, columns: list[str] | None = None, delimiter: str | None = None, wanted: Wanted = None
) -> Iterator[pa.Table]:
    """The sentences of a file, in tables of some thousand; each column is a list of texts, one a word.

    Lines that begin a document (``-DOCSTART-``) are left out, and so are comments (``#``) before a sentence, and a
    first line that has the names of the columns. Of CoNLL-U only the lines of words are read, which a warning tells.

    Args:
        file: the file.
        columns: the names of its columns.
        delimiter: one character, or ``BLANK``; None: a tab if the first line that is no comment has one, otherwise
            blanks.
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
    count = 0
    for line, fields in _lines(stream, file, columns, delimiter):
        if columns is None and fields:
            raise _without_names(fields, file)
        if fields:
            words.append(fields)
            size += size_of(fields)
            if size > MAX_LINE:
                hint = "A blank line ends a sentence"
                raise DataError(
                    f"ends a sentence of more than {MAX_LINE:,} characters", file=file, line=line, hint=hint
                )
        elif words and columns is not None:
            yield _row(words, columns, wanted), size
            words = []
            size = 0
            count += 1
    if words and columns is not None:
        if not count and len(words) > _LONG:
            text = f"no blank line ends a sentence, so its {len(words):,} words are read as one sentence"
            warn(f"{file}: {text}: write a blank line after each sentence")
        yield _row(words, columns, wanted), size


def _without_names(fields: list[str], file: Path) -> DataError:
    """The error for columns without names."""
    hint = f"It has {len(fields)}; example: columns: [{', '.join(example_columns(fields))}]"
    return DataError("is read with the names of its columns, and the task gives none", file=file, hint=hint)


def example_columns(fields: list[str]) -> list[str]:
    """Names for the columns of a file whose first line of a word has these fields."""
    if _is_first_id(fields):
        return list(_NUMBERED)
    return ["words", *(f"column{n}" for n in range(2, len(fields))), "tags"][: len(fields)]


def _row(words: list[list[str]], columns: list[str], wanted: Wanted) -> dict[str, list[str] | None]:
    by_column = dict(zip(columns, zip(*words, strict=True), strict=True))
    return {name: list(values) if wanted is None or name in wanted else None for name, values in by_column.items()}


def _lines(
    stream: TextIO, file: Path, columns: list[str] | None, delimiter: str | None
) -> Iterator[tuple[int, list[str]]]:
    """The lines of words with their numbers; an empty list stands for the end of a sentence."""
    inside = False  # a sentence
    seen = False  # a word; a line of the columns' names may stand before it
    told = False
    delimiter = delimiter or _delimiter(file)
    is_numbered = _is_numbered(file, columns, delimiter)
    try:
        for line, text in enumerate(bounded_lines(stream, file), 1):
            fields = _fields(text, delimiter) if text.strip(BLANKS) else []
            if not fields or fields[0] == DOCUMENT:
                inside = False
                yield line, []
                continue
            if (fields == columns and not seen) or _is_comment(text, inside, is_numbered, fields, columns):
                continue
            if columns is not None and len(fields) != len(columns):
                raise _misfit(fields, columns, file, line)
            if not fields[0].strip(BLANKS):
                raise DataError("begins with an empty field", file=file, line=line, value=text.rstrip("\r\n"))
            inside = True
            seen = True
            if columns is not None and is_numbered and _NO_WORD.fullmatch(fields[0]):
                told = told or _tell_left_out(fields[0], file, line)
                continue
            yield line, fields
    except UnicodeDecodeError:
        raise not_utf8(file) from None


def _is_comment(text: str, inside: bool, is_numbered: bool, fields: list[str], columns: list[str] | None) -> bool:
    """Whether a line is a comment. In a file without numbers a sentence may begin with the word ``#``."""
    if inside or not text.startswith("#"):
        return False
    return is_numbered or columns is None or len(fields) != len(columns)


def _tell_left_out(number: str, file: Path, line: int) -> bool:
    """Say that a line is of no word; True."""
    text = f"{number} is the number of no word, but of several words or of none that is written (CoNLL-U)"
    warn(f"{file}:{line}: {text}, so such lines are left out")
    return True


def _delimiter(file: Path) -> str:
    """What parts the fields of the first line that is no comment."""
    return "\t" if "\t" in _first_line(file).strip(BLANKS) else BLANK


def _is_numbered(file: Path, columns: list[str] | None, delimiter: str) -> bool:
    """Whether the first column counts the words of a sentence: it has ten columns, or the first is called id."""
    fields = _fields(_first_line(file, columns, delimiter), delimiter)
    is_named = columns is not None and columns[0].casefold() == _NUMBERED[0] and len(columns) == len(fields)
    return _is_first_id(fields) or (is_named and _FIRST_ID.fullmatch(fields[0]) is not None)


def _is_first_id(fields: list[str]) -> bool:
    return len(fields) == len(_NUMBERED) and _FIRST_ID.fullmatch(fields[0]) is not None


def _first_line(file: Path, columns: list[str] | None = None, delimiter: str = BLANK) -> str:
    """The first line that is no comment, is not blank, and has not the names of the columns; empty if there is none."""
    with open_text(file) as stream, suppress(UnicodeDecodeError, DataError):  # Reading the file tells of them.
        for text in bounded_lines(stream, file):
            is_other = text.startswith(("#", DOCUMENT)) or _fields(text, delimiter) == columns
            if text.strip(BLANKS) and not is_other:
                return text
    return ""


def _fields(text: str, delimiter: str | None) -> list[str]:
    if delimiter is None or delimiter == BLANK:
        return [field for field in text.strip(BLANKS).replace("\t", " ").split(" ") if field]
    return text.rstrip("\r\n").split(delimiter)


def _misfit(fields: list[str], columns: list[str], file: Path, line: int) -> DataError:
    message = f"has {counted(len(fields), 'field')} where 'columns' names {len(columns)}"
    hint = f"Expected: {', '.join(columns)}"
    if len(fields) == 1 and len(columns) > 1:
        hint += "; 'delimiter' says what stands between them (a tab or blanks, if it is not given)"
    return DataError(message, file=file, line=line, value=fields, hint=hint)
