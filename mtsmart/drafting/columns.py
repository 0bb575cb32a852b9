"""What the columns of a data set hold."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from mtsmart.data.readers.forms.written_numbers import DECIMAL_COMMA, DECIMAL_POINT, Writing
from mtsmart.data.tables.missing import is_missing
from mtsmart.tasks.dataset import FieldForm

_MOST_VALUES = 5_000  # different values of a column that are counted
_MOST_LENGTHS = 20_000  # texts whose words are counted
_STEP = 20  # Of the texts after them each 20th is, because a file may be sorted.
_MOST_NAMES = 500  # different texts that may still be names of labels
_OFTEN = 5  # times that a label's name occurs at least, on average, if it is as long as a sentence
_ID = re.compile(r"(?i:(.*[_-])?(id|idx|index|uuid|guid|key)|[a-z]id|unnamed.*)|.*[a-z](Id|ID)|")
_ID_OF_LABELS = re.compile(r"(label|class|category|intent|topic|target).?(id|idx|index)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MOST_DEPTH = 4  # objects within objects, whose parts are columns too
_MOST_COLUMNS = 500  # with those parts; a mapping of words to counts has a key for each word
_WRITINGS: dict[FieldForm, Writing] = {"decimal_point": DECIMAL_POINT, "decimal_comma": DECIMAL_COMMA}


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
        name: its name; of a part of objects, the objects' names before its own: ``meta.label``.
        own: the last of these names; empty if the column is no part.
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
        written: of lists, objects and numbers of a form, the texts in which they stand -> how often.
        form: how its numbers are written, if not as numbers alone: with a decimal comma, or with signs.
    """

    name: str
    own: str = ""
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
    form: FieldForm | None = None

    @property
    def word(self) -> str:
        """Its own name in small letters: ``label`` of ``meta.label``."""
        return (self.own or self.name).casefold()

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
        own = self.own or self.name
        if _ID_OF_LABELS.fullmatch(own) and self.is_repeated:
            return False
        is_named = is_name_of_ids(own)
        if self.kind is Kind.NUMBER:
            is_plain = self.form is None  # Nobody numbers rows with 1 %, 2 %.
            return is_named or (is_plain and self.is_whole and self.present > 10 and self._counts_rows)
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


def is_name_of_ids(name: str) -> bool:
    """Whether a column of this name numbers or names something."""
    return bool(_ID.fullmatch(name))


def look_at(rows: Iterable[Mapping[str, Any]], forms: bool = False) -> dict[str, Column]:
    """The columns of some rows: all values are looked at, and the words of many texts are counted.

    Single values within objects are columns too, with the objects' names before theirs: ``meta.label``.

    Args:
        rows: column -> value; a row may lack columns.
        forms: whether texts that people write for numbers, such as ``3,5`` or ``85 %``, are numbers.
    """
    columns: dict[str, Column] = {}
    count = 0
    for row in rows:
        count += 1
        for name, own, value in _with_parts(row, row):
            if name in columns or not own or len(columns) < _MOST_COLUMNS:
                _add(columns.setdefault(name, Column(name, own)), value)
    for column in columns.values():
        column.missing += count - column.rows
        column.rows = count
        _settle(column)
        if forms and column.kind is Kind.TEXT:
            _read_numbers(column)
    return columns


def _with_parts(
    values: Mapping[str, Any], row: Mapping[str, Any], before: str = "", depth: int = 0
) -> Iterator[tuple[str, str, Any]]:
    """The values of a row, and the single values within its objects, unless a column of the row has their name.

    Each comes with its column's name, and with its own name if it is a part.
    """
    for key, value in values.items():
        name = f"{before}{key}"
        is_part = depth > 0
        if is_part and (name in row or isinstance(value, list)):
            continue
        if not is_part or not isinstance(value, dict):
            yield name, str(key) if is_part else "", value
        if isinstance(value, dict) and depth < _MOST_DEPTH:
            yield from _with_parts(value, row, f"{name}.", depth + 1)


def value_of(row: Mapping[str, Any], name: str) -> Any:
    """The value of a column that ``look_at`` has found, in the row or in its objects; None if they lack it."""
    if name in row:
        return row[name]
    before, _, key = name.rpartition(".")
    whole = value_of(row, before) if before else None
    return whole.get(key) if isinstance(whole, Mapping) else None


def _read_numbers(column: Column) -> None:
    """Make numbers of texts that people write for numbers, if all of them are written in one way."""
    for form, writing in _WRITINGS.items():
        numbers = {value: writing.number(value) for value in column.values}
        if None in numbers.values():
            continue
        column.form = form
        column.written = column.values
        column.values = _counted_as(numbers.__getitem__, column.values)
        column.kinds = Counter({Kind.NUMBER: column.present})
        column.words.clear()
        return


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
