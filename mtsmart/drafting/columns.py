"""What the columns of a data set hold."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from mtsmart.data.tables.missing import is_missing

_MOST_VALUES = 5_000  # different values of a column that are counted
_MOST_LENGTHS = 20_000  # texts whose words are counted
_STEP = 20  # Of the texts after them each 20th is, because a file may be sorted.
_MOST_NAMES = 500  # different texts that may still be names of labels
_OFTEN = 5  # times that a label's name occurs at least, on average, if it is as long as a sentence
_ID = re.compile(r"(?i:(.*[_-])?(id|idx|index|uuid|guid|key)|[a-z]id|unnamed.*)|.*[a-z](Id|ID)|")
_ID_OF_LABELS = re.compile(r"(label|class|category|intent|topic|target).?(id|idx|index)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Kind(Enum):
    """What the values of a column are."""

    EMPTY = "nothing"
    TEXT = "texts"
    NUMBER = "numbers"
    TRUTH = "true and false"
    TEXTS = "lists of texts"
    NUMBERS = "lists of numbers"
    OBJECT = "objects"
    MIXED = "values of several kinds"


_NESTED = (Kind.TEXTS, Kind.NUMBERS, Kind.OBJECT)


@dataclass
class Column:
    """What a column holds.

    Attributes:
        name: its name.
        rows: how many rows there are.
        missing: rows without a value.
        kinds: how many values are of which kind.
        values: value -> how often it occurs, of single values; what comes after the 5,000th value is not counted.
        is_cut: whether there are more different values.
        words: the number of words of each text.
        items: item -> how often it occurs, of lists.
        lengths: the number of items of each list.
        keys: of objects, the names of their parts.
        blank: objects that hold an empty ``text``, as answers of questions without any.
        written: of lists and objects, the texts in which they stand -> how often.
    """

    name: str
    rows: int = 0
    missing: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    values: Counter[Any] = field(default_factory=Counter)
    is_cut: bool = False
    words: list[int] = field(default_factory=list)
    items: Counter[Any] = field(default_factory=Counter)
    lengths: list[int] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    blank: int = 0
    written: Counter[str] = field(default_factory=Counter)

    @property
    def kind(self) -> Kind:
        """What all values are; texts among numbers make texts."""
        found = set(self.kinds)
        if not found:
            return Kind.EMPTY
        if found <= {Kind.TEXT, Kind.NUMBER, Kind.TRUTH} and len(found) > 1:
            return Kind.TEXT
        return found.pop() if len(found) == 1 else Kind.MIXED

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def is_id(self) -> bool:
        """Whether it numbers or names the rows: its name says so, or its numbers count the rows."""
        if _ID_OF_LABELS.fullmatch(self.name) and self.is_repeated:
            return False
        is_named = bool(_ID.fullmatch(self.name))
        if self.kind is Kind.NUMBER:
            return is_named or (self.is_whole and self.present > 10 and self._counts_rows)
        return is_named and (self.is_cut or len(self.values) >= 0.9 * self.present)

    @property
    def _counts_rows(self) -> bool:
        numbers = [float(value) for value in self.values]
        return len(numbers) == self.present and max(numbers) - min(numbers) + 1 == len(numbers)

    @property
    def is_whole(self) -> bool:
        """Whether all values are whole numbers."""
        return self.kind is Kind.NUMBER and all(float(value).is_integer() for value in self.values)

    @property
    def mean_words(self) -> float:
        """Words of a text, on average."""
        return sum(self.words) / len(self.words) if self.words else 0.0

    @property
    def is_prose(self) -> bool:
        """Whether it holds texts that are read, not names of something."""
        if self.kind is not Kind.TEXT or self.is_id:
            return False
        return self.mean_words >= 2.5 or (self.is_varied and self.mean_words > 1.05)

    @property
    def rows_each(self) -> float:
        """How many rows have the same value, on average."""
        return self.values.total() / len(self.values) if self.values else 0.0

    @property
    def is_varied(self) -> bool:
        """Whether most values occur once."""
        return self.is_cut or len(self.values) > 0.5 * max(self.present, 1)

    @property
    def is_repeated(self) -> bool:
        """Whether it has few different values, each of which occurs often, as names of labels do."""
        few = not self.is_cut and 1 < len(self.values) <= _MOST_NAMES
        return few and len(self.values) * _OFTEN <= self.present

    @property
    def names(self) -> list[str]:
        """The values as texts: numbers by size, texts by the alphabet, but no before yes and false before true."""
        if self.kind is Kind.NUMBER:
            return [shown_number(value) for value in sorted(self.values, key=float)]
        texts = {shown_number(value) for value in self.values}
        return sorted(texts, key=lambda text: (text.casefold() in _FIRST_NOT, text.casefold(), text))


_FIRST_NOT = {"yes", "true", "positive", "pos"}  # Names that come after their opposite.


def shown_number(value: Any) -> str:
    """A value as its label is written: 1.0 is 1."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def look_at(rows: Iterable[Mapping[str, Any]]) -> dict[str, Column]:
    """The columns of some rows: all values are looked at, and the words of many texts are counted.

    Args:
        rows: column -> value; a row may lack columns.
    """
    columns: dict[str, Column] = {}
    count = 0
    for row in rows:
        count += 1
        for name, value in row.items():
            _add(columns.setdefault(str(name), Column(str(name))), value)
    for column in columns.values():
        column.missing += count - column.rows
        column.rows = count
        _settle(column)
    return columns


def _settle(column: Column) -> None:
    """Make of the values what all of them together are: a number among texts is a text, and so is a lone ``[1]``."""
    nested = sum(column.kinds[kind] for kind in _NESTED)
    if 0 < nested == sum(column.written.values()) < column.kinds[Kind.TEXT]:
        for kind in _NESTED:
            del column.kinds[kind]
        column.kinds[Kind.TEXT] += nested
        column.values.update(column.written)
        column.words += [len(text.split()) for text in column.written.elements()]
        column.items.clear()
        column.lengths.clear()
        column.keys.clear()
    if column.kind is Kind.NUMBER:
        column.values = _counted_as(_number, column.values)
    elif column.kind is Kind.TEXT:
        column.values = _counted_as(shown_number, column.values)


def _counted_as(changed: Callable[[Any], Any], values: Counter[Any]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for value, count in values.items():
        found[changed(value)] += count
    return found


def _add(column: Column, value: Any) -> None:
    column.rows += 1
    if is_missing(value) or value == "":
        column.missing += 1
        return
    if isinstance(value, str) and value[:1] in "[{":
        text = value
        value = _from_json(text)
        if value is not text:
            _count(column, column.written, [text])
    kind = _kind(value)
    column.kinds[kind] += 1
    if kind in (Kind.TEXTS, Kind.NUMBERS):
        column.lengths.append(len(value))
        _count(column, column.items, value)
    elif kind is Kind.OBJECT:
        _add_object(column, value)
    else:
        _count(column, column.values, [value])
        if isinstance(value, str) and (len(column.words) < _MOST_LENGTHS or column.rows % _STEP == 0):
            column.words.append(len(value.split()))


def _add_object(column: Column, value: Any) -> None:
    if isinstance(value, dict):
        column.keys |= {str(key) for key in value}
        column.blank += "text" in value and not value["text"]


def _count(column: Column, counts: Counter[Any], values: Iterable[Any]) -> None:
    for value in values:
        if value in counts or len(counts) < _MOST_VALUES:
            counts[value] += 1
        else:
            column.is_cut = True


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _kind(value: Any) -> Kind:
    if isinstance(value, bool):
        return Kind.TRUTH
    if isinstance(value, int | float):
        return Kind.NUMBER
    if isinstance(value, str):
        return Kind.NUMBER if _NUMBER.fullmatch(value.strip()) else _truth_or_text(value)
    if isinstance(value, list):
        return _kind_of_items(value)
    return Kind.OBJECT


def _truth_or_text(value: str) -> Kind:
    return Kind.TRUTH if value.casefold() in ("true", "false") else Kind.TEXT


def _kind_of_items(items: list[Any]) -> Kind:
    if all(isinstance(item, str) for item in items):
        return Kind.TEXTS
    if all(isinstance(item, int | float) for item in items):
        return Kind.NUMBERS
    return Kind.OBJECT


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    number = float(text)
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else number
