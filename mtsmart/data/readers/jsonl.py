"""Files of one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from mtsmart.data.readers.columns import SizedRow, table_of
from mtsmart.data.readers.lines import bounded_lines, not_utf8, open_text
from mtsmart.data.readers.shapes import Shape
from mtsmart.errors import DataError


def read_jsonl(file: Path) -> pa.Table:
    """All rows of a file; a key that a row lacks is None there. Blank lines are left out.

    Raises:
        DataError: a line is no JSON object, or does not fit with those before it; the message names the line.
    """
    with open_text(file) as stream:
        return table_of(_records(stream, file), file)


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
