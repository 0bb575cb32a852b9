"""Files of JSON objects: one a line, or a list of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from mtsmart.data.readers.columns import SizedRow, tables_of
from mtsmart.data.readers.lines import MAX_LINE, bounded_lines, not_utf8, open_text
from mtsmart.data.readers.shapes import Shape
from mtsmart.errors import DataError

_BLANKS = " \t\r\n"
_BLOCK = 2**20  # characters


def read_jsonl(file: Path) -> Iterator[pa.Table]:
    """All rows of a file, in tables of some thousand rows; a key that a row lacks is None there.

    Blank lines are left out.

    Raises:
        DataError: a line is no JSON object, or does not fit with those before it; the message names the line.
    """
    with open_text(file) as stream:
        yield from tables_of(_records(stream, file), file)


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
        yield from tables_of(_items(stream, file), file)


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
    """The objects of one JSON list. No more text is in memory than that of a few of them."""
    shape = Shape(file)
    decode = json.JSONDecoder().raw_decode
    text = ""
    row = 0
    is_open = False  # whether the list's bracket was read
    try:
        for block in iter(partial(stream.read, _BLOCK), ""):
            text = (text + block).lstrip(_BLANKS if is_open else _BLANKS + "[")
            is_open = True
            while text and text[0] != "]":
                try:
                    record, end = decode(text)
                except json.JSONDecodeError as error:
                    if len(text) > MAX_LINE or error.pos < len(text) - _BLOCK:
                        raise
                    break  # The rest of the object stands in the next block.
                if not isinstance(record, dict):
                    raise DataError("must be a JSON object", file=f"{file}, row {row + 1}", value=record)
                row += 1
                shape.add(record, row=row)
                yield record, end
                text = text[end:].lstrip(_BLANKS + ",")
        if text.rstrip(_BLANKS) != "]":
            raise DataError("is not valid JSON", file=f"{file}, row {row + 1}")
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except (ValueError, RecursionError):
        raise DataError("is not valid JSON, or is too large", file=f"{file}, row {row + 1}") from None
