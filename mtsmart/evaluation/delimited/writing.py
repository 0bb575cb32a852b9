"""Rows as csv and tsv: what a spreadsheet would compute is protected, and what was changed for that is told."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TextIO

from mtsmart.data.readers import SecondName
from mtsmart.evaluation.delimited.rules import FieldRules
from mtsmart.log import log_notice
from mtsmart.task_types.shared.labels import joined
from mtsmart.text.counts import counted
from mtsmart.text.escaping import spreadsheet_field
from mtsmart.text.json_text import json_text

_HEADER = "the header"
_MOST_COLUMNS = 5  # that a notice names


@dataclass
class _Changes:
    """How many fields of each column were written otherwise than they are."""

    protected: Counter[str] = field(default_factory=Counter)
    flattened: Counter[str] = field(default_factory=Counter)

    def tell(self, file: str) -> None:
        """Say once what was changed, and how to keep it."""
        if self.protected:
            text = f"an apostrophe stands before {_fields(self.protected)}, which a spreadsheet would compute"
            log_notice(f"{file}: {text}. `--exact` or a .jsonl file keeps them as they are")
        if self.flattened:
            text = f"tabs and line breaks became blanks in {_fields(self.flattened)}, because tsv cannot hold them"
            log_notice(f"{file}: {text}. A .jsonl or .csv file keeps them")


def _fields(counts: Counter[str]) -> str:
    """How many fields there are, and of which columns."""
    shown = [f"{name}: {count:,}" for name, count in counts.most_common(_MOST_COLUMNS)]
    more = len(counts) - len(shown)
    names = ", ".join([*shown, *([f"{more:,} more columns"] if more else [])])
    return f"{counted(counts.total(), 'field')} ({names})"


def write_delimited(
    rows: Iterable[dict[str, Any]], stream: TextIO, delimiter: str, rules: FieldRules, file: str = "the file"
) -> int:
    """Write rows as csv or tsv, and tell at the end which fields were changed.

    Args:
        rows: all have the same keys.
        stream: is open without translation of line ends.
        delimiter: a comma or a tab.
        rules: which texts are written as they are.
        file: what the notice calls the file.

    Returns:
        the number of rows.
    """
    changes = _Changes()
    write = _csv_writer(stream) if delimiter == "," else partial(_write_tsv, stream, changes)
    columns: list[str] = []
    count = 0
    for count, row in enumerate(rows, 1):
        if count == 1:
            columns = [name.given if isinstance(name, SecondName) else name for name in row]
            write([(_HEADER, _protected(name, _HEADER, rules, changes)) for name in columns])
        pairs = zip(columns, row.values(), strict=True)
        write([(name, _field(value, name, rules, changes)) for name, value in pairs])
    changes.tell(file)
    return count


_Write = Callable[[list[tuple[str, Any]]], object]
"""Writes a line of fields, each with the name of its column."""


def _csv_writer(stream: TextIO) -> _Write:
    """Writes the fields of a line. Python leaves a carriage return without quotes, and readers begin a row after it."""
    plain = csv.writer(stream, lineterminator="\n")
    quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(named: list[tuple[str, Any]]) -> None:
        fields = [value for _, value in named]
        has_return = any("\r" in value for value in fields if isinstance(value, str))
        (quoted if has_return else plain).writerow(fields)

    return write


def _write_tsv(stream: TextIO, changes: _Changes, named: list[tuple[str, Any]]) -> None:
    """Without quotes, as tsv is read. A tab or line break in a field becomes a space."""
    fields = []
    for name, value in named:
        text = "" if value is None else str(value)
        flat = re.sub(r"[\t\r\n]", " ", text)
        if flat != text:
            changes.flattened[name] += 1
        fields.append(flat)
    stream.write("\t".join(fields) + "\n")


def _field(value: Any, column: str, rules: FieldRules, changes: _Changes) -> Any:
    """A field. Lists of words or numbers have spaces between them; other lists and mappings are JSON.

    Numbers and lists of numbers stay as they are.
    """
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return _protected(joined(value, " "), column, rules, changes)
    if isinstance(value, list) and all(isinstance(item, int | float) for item in value):
        return " ".join(map(str, value))
    if isinstance(value, list | dict):
        return json_text(value, ensure_ascii=False, default=str)
    return _protected(value, column, rules, changes) if isinstance(value, str) else value


def _protected(text: str, column: str, rules: FieldRules, changes: _Changes) -> str:
    """The text with an apostrophe in front if a spreadsheet would compute it, and no rule keeps it."""
    shown = spreadsheet_field(text)
    if shown == text or rules.keep(text):
        return text
    changes.protected[column] += 1
    return shown
