"""Files of JSON objects: one a line, or a list of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from mtsmart.data.readers.columns import SizedRow, tables_of
from mtsmart.data.readers.lines import MAX_LINE, bounded_lines, not_utf8, open_text
from mtsmart.data.readers.packed import most_bytes
from mtsmart.data.readers.shapes import Shape
from mtsmart.errors import DataError

_BLANKS = " \t\r\n"
_BLOCK = 2**20  # characters
_BLANK = re.compile(rf"[{_BLANKS}]*")


def read_jsonl(file: Path) -> Iterator[pa.Table]:
    """All rows of a file, in tables of some thousand rows; a key that a row lacks is None there.

    Blank lines are left out.

    Raises:
        DataError: a line is no JSON object, or does not fit with those before it; the message names the line.
    """
    with open_text(file) as stream:
        yield from tables_of(_records(stream, file), file, most_bytes(file))


def read_json(file: Path) -> Iterator[pa.Table]:
    """As :func:`read_jsonl`; the file may also be one list of objects.

    Raises:
        DataError: it is neither, or a row does not fit; the message names the line or the row.
    """
    with open_text(file) as stream:
        try:
            start = stream.read(_BLOCK).lstrip(_BLANKS)
        except UnicodeDecodeError:
            raise not_utf8(file) from None
    if not start.startswith("["):
        yield from read_jsonl(file)
        return
    with open_text(file) as stream:
        yield from tables_of(_items(stream, file), file, most_bytes(file))


def _records(stream: TextIO, file: Path) -> Iterator[SizedRow]:
    shape = Shape(file)
    decode = json.JSONDecoder().raw_decode  # takes half the time of json.loads
    line = 0
    try:
        for line, padded in enumerate(bounded_lines(stream, file), 1):
            text = padded.strip()
            if not text:
                continue
            record, end = decode(text)
            if end < len(text):
                raise json.JSONDecodeError("Extra data", text, end)
            if not isinstance(record, dict):
                raise DataError("must be a JSON object", file=file, line=line, value=record)
            shape.add(record, line)
            yield record, len(text)
            del record  # Otherwise two long lines would be in memory as Python's objects.
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except json.JSONDecodeError as error:
        raise DataError(f"is not valid JSON: {error.msg}", file=file, line=line) from None
    except RecursionError:
        raise DataError("is not valid JSON: nested too deeply", file=file, line=line) from None
    except ValueError:  # Python refuses to read a whole number of some thousand digits.
        raise DataError("holds a number with too many digits", file=file, line=line) from None


def _items(stream: TextIO, file: Path) -> Iterator[SizedRow]:
    shape = Shape(file)
    row = 0
    try:
        for record, size in _objects(stream):
            if not isinstance(record, dict):
                raise DataError("must be a JSON object", file=f"{file}, row {row + 1}", value=record)
            row += 1
            shape.add(record, row=row)
            yield record, size
            del record  # Otherwise two long objects would be in memory.
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except EOFError:
        raise DataError("is not valid JSON", file=f"{file}, row {row + 1}") from None
    except (ValueError, RecursionError):
        raise DataError("is not valid JSON, or is too large", file=f"{file}, row {row + 1}") from None


def _objects(stream: TextIO) -> Iterator[tuple[Any, int]]:
    """The items of one JSON list, each with its size in characters. Only the text of a few is in memory.

    Raises:
        EOFError: the file ends within the list, or has more than the list.
        ValueError: an item is not valid JSON, or is too large, or no comma stands between two items.
    """
    rest = _Rest(stream)
    rest.take_sign()  # the bracket that begins the list
    sign = rest.next_sign()
    if sign == "]":
        rest.take_sign()
    while sign != "]":
        yield rest.take_item()
        sign = rest.take_sign()
        if sign not in ",]":
            raise ValueError
    rest.check_end()


class _Rest:
    """What a stream of JSON has not given yet. Only a few blocks of it are in memory.

    Args:
        stream: the text, from its beginning.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._place = 0

    def next_sign(self) -> str:
        """The next character that is no blank, which stays.

        Raises:
            EOFError: there is none.
        """
        while True:
            found = _BLANK.match(self._text, self._place)
            assert found is not None  # It may be empty.
            self._place = found.end()
            if self._place < len(self._text):
                return self._text[self._place]
            self._read()

    def take_sign(self) -> str:
        """The next character that is no blank.

        Raises:
            EOFError: there is none.
        """
        sign = self.next_sign()
        self._place += 1
        return sign

    def take_item(self) -> tuple[Any, int]:
        """The next value, and its size in characters.

        Raises:
            EOFError: the stream ends within it.
            ValueError: it is not valid JSON, or is too large.
        """
        self.next_sign()
        while True:
            try:
                item, end = self._decode(self._text, self._place)
            except json.JSONDecodeError as error:
                if len(self._text) - self._place > MAX_LINE or not _may_be_cut(error, self._text):
                    raise
                self._read()
            else:
                size = end - self._place
                self._place = end
                return item, size

    def check_end(self) -> None:
        """
        Raises:
            EOFError: something follows that is no blank.
        """
        text = self._text[self._place :]
        while text:
            if text.strip(_BLANKS):
                raise EOFError
            text = self._stream.read(_BLOCK)

    def _read(self) -> None:
        block = self._stream.read(_BLOCK)
        if not block:
            raise EOFError
        self._text = self._text[self._place :] + block  # The rest is copied once a block, not once an item.
        self._place = 0


def _may_be_cut(error: json.JSONDecodeError, text: str) -> bool:
    """Whether an item may be in error because the text ends within it. The error of a string is at its start."""
    return error.pos >= len(text) - _BLOCK or error.msg.startswith("Unterminated string")
