"""Columns whose text stands for something else: lists, numbers, JSON, answers within a text."""

from __future__ import annotations

import ast
import itertools
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from mtsmart.data.readers import columns
from mtsmart.data.readers.forms.hints import quotes_hint
from mtsmart.data.readers.forms.written_numbers import DECIMAL_COMMA, DECIMAL_POINT, Writing
from mtsmart.data.readers.shapes import Shape
from mtsmart.errors import DataError, shorten
from mtsmart.tasks.dataset import FieldForm
from mtsmart.text.numbers import as_float

ANSWER_SEPARATOR = ":::"
_UNDERSCORE = re.compile(r"[0-9]_[0-9]")
_MAX_LITERAL = 100_000  # characters: Python's own reader takes hundreds of bytes for each


def parse_fields(table: pa.Table, forms: Mapping[str, FieldForm], file: str | Path) -> pa.Table:
    """Replace columns by what their text stands for. A column that the table lacks is no error here.

    Args:
        table: rows as they were read.
        forms: column -> form, as in a task's ``dataset.parse``.
        file: what errors call the data.

    Raises:
        DataError: a field is not of its form; the row and column are named.
    """
    return FieldParser(file).parse(table, forms)


class FieldParser:
    """Parses the fields of rows that come in parts. Errors count the rows from the first part on.

    Args:
        file: what errors call the data.
    """

    def __init__(self, file: str | Path) -> None:
        self._file = file
        self._done = 0  # rows of the parts before
        self._shapes: dict[str, Shape] = {}
        self._kinds: dict[str, columns.Known] = {}

    def parse(self, table: pa.Table, forms: Mapping[str, FieldForm]) -> pa.Table:
        """The next rows, as :func:`parse_fields` gives them; their values must fit with those of the parts before.

        Raises:
            DataError: as :func:`parse_fields`.
        """
        rows = table.num_rows
        for column, form in forms.items():
            if column not in table.column_names or not rows:
                continue
            if form == "text" and pa.types.is_string(table.schema.field(column).type):
                continue  # An empty text stays a text.
            parsed = self._parsed_column(table.column(column), _PARSERS[form], column)
            table = table.set_column(table.column_names.index(column), column, parsed)
        self._done += rows
        return table

    def _parsed_column(self, fields: pa.ChunkedArray, parse: Callable[[Any], Any], column: str) -> pa.ChunkedArray:
        """What the fields stand for. Only those of a part are in memory as Python's objects, which take more bytes."""
        shape = self._shapes.setdefault(column, Shape(self._file))
        parts: list[pa.Table] = []
        done = self._done
        for part in itertools.chain.from_iterable(map(_parts, fields.chunks)):
            values: list[Any] = []
            for row, field in enumerate(part.to_pylist(), done):
                values.append(_parsed(parse, field, row, column, self._file))
                shape.add({column: values[-1]}, row=row + 1)
            parts.append(pa.table({column: columns.column(values, column, self._file, done, self._kinds)}))
            done += len(part)
            values.clear()  # The next part becomes objects before this name is given to its list.
        return columns.joined(parts, self._file).column(0)


def _parts(fields: pa.Array) -> Iterator[pa.Array]:
    """The fields in halves of halves, until a part is small or has one field."""
    if len(fields) <= 1 or (len(fields) <= columns.CHUNK and fields.nbytes <= columns.MAX_CHUNK):
        yield fields
        return
    middle = len(fields) // 2
    yield from _parts(fields.slice(0, middle))
    yield from _parts(fields.slice(middle))


def _parsed(parse: Callable[[Any], Any], field: Any, row: int, column: str, file: str | Path) -> Any:
    if field is None or field == "":
        return None
    try:
        return parse(field)
    except _UNREADABLE as error:
        hint = quotes_hint(field) or (error.args[1] if isinstance(error, _FieldError) else None)
        reason = error.args[0] if isinstance(error, _FieldError) else "cannot be read"
        raise DataError(reason, file=f"{file}, row {row + 1}", key=column, value=field, hint=hint) from None


_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, SyntaxError, OverflowError, RecursionError, MemoryError)


class _FieldError(ValueError):
    """``args`` are the message and a hint."""


def _json(field: str) -> Any:
    try:
        return json.loads(field)
    except ValueError:
        raise _FieldError("is not valid JSON", None) from None


def _list(field: Any) -> list[Any]:
    """A list; as text either JSON or what Python prints for a list of literals."""
    if isinstance(field, list):
        return field
    try:
        value = json.loads(field)
    except ValueError:
        value = _literal(field)
    if not isinstance(value, list):
        beyond = isinstance(field, str) and len(field) > _MAX_LITERAL
        only = f"One of more than {_MAX_LITERAL:,} characters must be JSON. " if beyond else ""
        raise _FieldError("is not a list", only + 'Example: ["a", "b"]')
    return value


def _literal(field: str) -> Any:
    """The literal that Python prints like this; None for anything else, and for a text that is too long to try."""
    if len(field) > _MAX_LITERAL:
        return None
    try:
        tree = ast.parse(field.lstrip(" \t"), mode="eval")
        return None if _has_underscores(tree, field.lstrip(" \t")) else ast.literal_eval(tree)
    except (ValueError, SyntaxError):
        return None


def _has_underscores(tree: ast.Expression, text: str) -> bool:
    """Whether a number is written ``1_000``, which Python reads and never prints."""
    if _UNDERSCORE.search(text) is None:
        return False
    lines = text.encode().splitlines()  # Python counts places in bytes.
    numbers = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and not isinstance(node.value, str))
    return any(b"_" in lines[node.lineno - 1][node.col_offset : node.end_col_offset] for node in numbers)


def _names(field: str) -> list[str]:
    """Names that commas separate."""
    return [name.strip() for name in field.split(",")]


def _numbers(field: Any) -> list[float]:
    """A list of numbers; the brackets may be left out."""
    bare = isinstance(field, str) and not field.lstrip().startswith("[")
    return [_number(item) for item in (_names(field) if bare else _list(field))]


def _number(item: Any) -> float:
    try:
        number = as_float(item)
    except (TypeError, ValueError, OverflowError):  # OverflowError: a whole number that no float holds
        number = math.nan
    if not math.isfinite(number):
        raise _FieldError(f"{shorten(item)} is no number", "Example: 1,0,0")
    return number


def _text(field: Any) -> Any:
    """A text, or that of a number or a truth value; None for NaN."""
    if isinstance(field, list | dict):
        raise _FieldError("is no text, number or truth value", None)
    return columns.as_text(field)


def _written(writing: Writing) -> Callable[[Any], float]:
    def number(field: Any) -> float:
        if isinstance(field, int | float) and not isinstance(field, bool):
            return float(field)
        found = writing.number(field)
        if found is None or not math.isfinite(found):
            raise _FieldError("is no number of this form", f"Example: {writing.example}")
        return found

    return number


def _first(field: Any) -> Any:
    return (_list(field) or [None])[0]


def _answer(field: str) -> dict[str, list[Any]]:
    """``start:::end:::impossible:::text`` as ``{text: [...], answer_start: [...]}``; empty lists where impossible."""
    start, _end, impossible, text = _four(field)
    if impossible == "1" or int(start) < 0:
        return _answers_of([])
    return _answers_of([{"text": text, "answer_start": int(start)}])


def _four(field: str) -> list[str]:
    parts = field.split(ANSWER_SEPARATOR, 3)
    if len(parts) != 4 or not all(part.lstrip("-").isdigit() for part in parts[:3]):
        raise _FieldError("is no answer", "Expected: start:::end:::impossible:::text, the first three being numbers")
    return parts


def _answers(field: Any) -> dict[str, list[Any]]:
    """A list of mappings with ``text`` and ``answer_start``."""
    items = _list(field)
    if not all(isinstance(item, dict) and {"text", "answer_start"} <= set(item) for item in items):
        raise _FieldError("is no list of answers", "Each needs text and answer_start")
    return _answers_of(items)


def _answers_of(items: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {"text": [item["text"] for item in items], "answer_start": [item["answer_start"] for item in items]}


_PARSERS: dict[FieldForm, Callable[[Any], Any]] = {
    "text": _text,
    "decimal_point": _written(DECIMAL_POINT),
    "decimal_comma": _written(DECIMAL_COMMA),
    "json": _json,
    "list": _list,
    "numbers": _numbers,
    "names": _names,
    "first": _first,
    "answer": _answer,
    "answers": _answers,
}
