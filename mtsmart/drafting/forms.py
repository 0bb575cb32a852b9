"""The form of a data file, as its first lines show it: the delimiter, the header, JSON's nesting, CoNLL's columns."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from mtsmart.data.readers.forms.conll import DOCUMENT, example_columns
from mtsmart.data.readers.forms.hints import OTHERS, ending_hint
from mtsmart.data.readers.lines import bounded_lines, not_utf8, open_text
from mtsmart.data.readers.packed import kind_of
from mtsmart.errors import DataError
from mtsmart.text.numbers import as_float

_LINES = 300
_START = 100_000  # characters of a JSON file
_DELIMITERS = {",": ",", ";": ";", "\t": "tab", "|": "|"}
_OWN = {".csv": ",", ".tsv": "\t"}
_WHOLE_JSON = 64 * 2**20  # bytes
_LONGEST_NAME = 60  # characters of a column's name
_MOST_DEPTH = 3  # objects within objects, in which rows are looked for
_ABOVE = 10  # lines among which the header is looked for
_FASTTEXT = "__label__"
NO_HEADER = "the first line is no header, so the columns have no names"
"""Why a draft names the columns of a csv or tsv file."""
# fmt: off
_USUAL_NAMES = frozenset([
    "answer", "body", "category", "class", "context", "hypothesis", "id", "label", "labels", "premise", "question",
    "sentence", "sentence1", "sentence2", "score", "tag", "tags", "target", "text", "title", "tokens", "words",
])
# fmt: on


@dataclass(frozen=True)
class Form:
    """How a file is written.

    Attributes:
        settings: keys of ``dataset`` that its ending does not say.
        notes: key -> why it is there.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def form_of(file: Path) -> Form:
    """The form of a file.

    Raises:
        DataError: it cannot be read, or nothing is known of its form.
    """
    kind = kind_of(file)
    if kind in OTHERS:
        raise DataError("unknown kind of data file", file=file, value=kind, hint=ending_hint(kind))
    if kind == ".parquet":
        return Form()
    if kind in (".json", ".jsonl"):
        return _form_of_json(file)
    lines = _first_lines(file)
    if not any(line.strip() for line in lines):
        raise DataError("is empty", file=file)
    if kind == ".conll" or (kind not in _OWN and _are_words(lines)):
        return _form_of_words(lines)
    if kind in _OWN:
        return _form_of_fields(file, lines, _OWN[kind])
    return _form_of_text(file, lines)


def _first_lines(file: Path) -> list[str]:
    try:
        with open_text(file) as stream:
            return [line.rstrip("\r\n") for line in islice(bounded_lines(stream, file), _LINES)]
    except UnicodeDecodeError:
        raise not_utf8(file) from None


def _form_of_json(file: Path) -> Form:
    lines = [line for line in _first_lines(file) if line.strip()]
    start = "\n".join(lines)[:_START].lstrip()
    if '"paragraphs"' in start and '"qas"' in start:
        return Form({"format": "squad"}, {"format": "the nested form of SQuAD: articles, paragraphs, questions"})
    has_a_row_a_line = len(lines) > 1 and isinstance(_parsed(lines[0]), dict)
    if not start.startswith("{") or has_a_row_a_line or file.stat().st_size > _WHOLE_JSON:
        return Form()
    with open_text(file) as stream:
        whole = _parsed(stream.read())
    lists = dict(_lists_of_rows(whole)) if isinstance(whole, dict) else {}
    if not lists:
        return Form()
    longest = max(lists, key=lambda path: lists[path])
    return Form({"field": longest}, {"field": "where the rows stand in the file"})


def _lists_of_rows(whole: dict[str, Any], before: str = "", depth: int = 0) -> Iterator[tuple[str, int]]:
    """Where lists of rows stand in an object, such as ``data.items``, and how long each is."""
    for key, value in whole.items():
        if _is_rows(value):
            yield f"{before}{key}", len(value)
        elif isinstance(value, dict) and depth < _MOST_DEPTH:
            yield from _lists_of_rows(value, f"{before}{key}.", depth + 1)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value[:_LINES])


def _are_words(lines: Sequence[str]) -> bool:
    """Whether each line is a word with its tags, and blank lines part sentences."""
    filled = [line.split() for line in lines if line.strip() and not line.startswith(("#", DOCUMENT))]
    widths = {len(fields) for fields in filled}
    has_gaps = any(not line.strip() for line in lines[:-1])
    return has_gaps and len(widths) == 1 and min(widths) >= 2


def _form_of_words(lines: Sequence[str]) -> Form:
    filled = [line for line in lines if line.strip() and not line.startswith(("#", DOCUMENT))]
    if not filled:
        return Form({"format": "conll"})
    fields = filled[0].split("\t") if "\t" in filled[0] else filled[0].split()
    names = example_columns(fields)
    return Form(
        {"format": "conll", "columns": names},
        {"format": "a word a line, a blank line after each sentence", "columns": "the file has no names"},
    )


def _form_of_fields(file: Path, lines: Sequence[str], own: str) -> Form:
    settings: dict[str, Any] = {}
    notes: dict[str, str] = {}
    filled = [line for line in lines if line.strip()]
    delimiter = _delimiter(filled, own)
    if delimiter != own:
        settings["delimiter"] = _DELIMITERS[delimiter]
        notes["delimiter"] = "what stands between the fields"
    if own == "\t" and delimiter == "\t" and _are_quoted(filled):
        settings |= {"format": "csv", "delimiter": "tab"}
        notes["format"] = "fields stand in quotes, which tsv takes as text"
    is_plain = delimiter == own == "\t"
    rows = [line.split("\t") for line in filled] if is_plain else list(csv.reader(filled, delimiter=delimiter))
    _check_first_line(file, rows)
    names = _missing_names(rows)
    if names is not None:
        settings["columns"] = names
        notes["columns"] = NO_HEADER
    return Form(settings, notes)


def _check_first_line(file: Path, rows: Sequence[Sequence[str]]) -> None:
    """Refuse a file with lines above its header, such as the title of a sheet, which leave most fields empty.

    Raises:
        DataError: shows the line that seems to be the header.
    """
    empty = sum(not part.strip() for part in rows[0])
    header = next((row for row in rows[:_ABOVE] if all(map(str.strip, row)) and len(row) == len(rows[0])), None)
    if header is not None and empty * 2 > len(rows[0]):
        hint = f"If '{','.join(header)}' is the header, delete what stands above it"
        raise DataError("most columns have no name", file=file, line=1, value=",".join(rows[0]), hint=hint)


def _delimiter(lines: Sequence[str], own: str) -> str:
    """The character that parts the header, if the format's own one does not."""
    header = lines[0]
    if own in header:
        return own
    counts = {other: header.count(other) for other in _DELIMITERS if other != own and other in header}
    fitting = [other for other, count in counts.items() if all(line.count(other) >= count for line in lines[:20])]
    return max(fitting, key=lambda other: counts[other], default=own)


def _are_quoted(lines: Sequence[str]) -> bool:
    rows = [line.split("\t") for line in lines[1:]]
    return bool(rows) and all(any(len(part) > 1 and part[0] == part[-1] == '"' for part in row) for row in rows)


def _missing_names(rows: Sequence[Sequence[str]]) -> list[str] | None:
    """Names for columns whose file has no header; None if the first line is one."""
    first = [part.strip().strip('"') for part in rows[0]]
    if len(rows) < 3 or not _is_data(first, rows[1:]):
        return None
    return names_for([[row[place] for row in rows if len(row) > place] for place in range(len(first))])


def _is_data(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a line looks like the rows after it: a field is repeated in its column, is long, or is a number of many.

    A name may be a number too, such as a year above counts, so a line with a usual name is a header all the same.
    """
    columns = [[row[place].strip().strip('"') for row in rows if len(row) > place] for place in range(len(first))]
    named = [(part, column) for part, column in zip(first, columns, strict=True) if part]
    if any(column.count(part) > 1 for part, column in named):
        return True
    if any(part.casefold() in _USUAL_NAMES for part in first):
        return False
    return any(len(part) > _LONGEST_NAME or _are_numbers([part, *column]) for part, column in named)


def _are_numbers(texts: Iterable[str]) -> bool:
    try:
        return all(math.isfinite(as_float(text)) for text in texts if text)
    except ValueError:
        return False


def names_for(columns: Sequence[Sequence[str]]) -> list[str]:
    """Names for columns without any: the longest texts are ``text``, the fewest values ``label``."""
    lengths = [sum(map(len, column)) / max(len(column), 1) for column in columns]
    longest = max(range(len(columns)), key=lambda place: lengths[place])
    others = [place for place in range(len(columns)) if place != longest]
    fewest = min(others, key=lambda place: len(set(columns[place])), default=None)
    names = {longest: "text", fewest: "label"}
    return [names.get(place, f"column{place + 1}") for place in range(len(columns))]


def _form_of_text(file: Path, lines: Sequence[str]) -> Form:
    """A file whose ending says nothing: fields, a label before each text, or a text a line."""
    filled = [line for line in lines if line.strip()]
    parted = [
        other for other in ("\t", ";", "|") if len({line.count(other) for line in filled}) == 1 and other in filled[0]
    ]
    if parted:
        form = _form_of_fields(file, filled, parted[0])
        delimiter = {} if parted[0] == "\t" else {"delimiter": _DELIMITERS[parted[0]]}
        kind = "tsv" if parted[0] == "\t" else "csv"
        return Form({"format": kind, **delimiter, **form.settings}, {"format": "as its lines look", **form.notes})
    if any(line.count(_FASTTEXT) > 1 for line in filled):
        message = "has lines with several labels before the text, as fastText writes them"
        hint = "Write a csv or jsonl file with a column for the text and one for the labels"
        raise DataError(message, file=file, hint=hint)
    firsts = Counter(line.split()[0] for line in filled)
    if len(filled) >= 8 and len(firsts) <= len(filled) / 3 and all(len(line.split()) > 1 for line in filled):
        return Form(
            {"format": "csv", "delimiter": "blank", "columns": ["label", "text"]},
            {"delimiter": "the first word of a line is its label, and the rest is the text"},
        )
    return Form({"format": "tsv", "columns": ["text"]}, {"format": "a text a line"})
