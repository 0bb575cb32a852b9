"""Gold labels as data files hold them: names or numbers, one alone or several in one text."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum, auto
from typing import Any, NamedTuple, TypeVar

from mtsmart.data.tables.missing import is_missing
from mtsmart.text.numbers import as_float

T = TypeVar("T")

_MAX_DIGITS = 40  # of a label's number; Python refuses to read numbers of some thousand digits
_TOO_MANY = 10**18  # labels
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_ANY_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?%?")
_TRUTH_WORDS = {"false": False, "no": False, "true": True, "yes": True}
_BLANKS = re.compile("[^\\S\u00a0\u2007\u202f]+")  # no-break spaces belong to the word around them
TRUTHS = (False, True)
LARGEST = 1e15  # of numbers to learn: the squares of errors and of their gradients must fit into float32


class Kind(Enum):
    """What a value of a label column is to a task.

    Attributes:
        NAME: a label's name, in a spelling of equal meaning.
        NUMBER: a whole number from 0 up, which may stand for a label's place.
        TRUTH: true or false, which no label is called.
        UNKNOWN: anything else.
    """

    NAME = auto()
    NUMBER = auto()
    TRUTH = auto()
    UNKNOWN = auto()


class Meaning(NamedTuple):
    """A value's kind, and a NAME's index, a NUMBER as it is written, or 0 or 1 for a TRUTH."""

    kind: Kind
    place: int


_UNKNOWN = Meaning(Kind.UNKNOWN, -1)


class LabelNames:
    """The labels of a task, found by name, or by number if no label's name is a number.

    Spellings of equal meaning name the same label: ``1``, ``1.0`` and ``"1"``; ``true``, ``"True"`` and a label called
    ``yes``; text in either normal form of Unicode, in other case, or with other blanks. A spelling that fits two labels
    names neither of them.

    Args:
        names: the label names in order; empty if labels are numbers only.
        first: the number that stands for the first label.

    Attributes:
        numbered: whether a number stands for a label too.
    """

    def __init__(self, names: Sequence[str], first: int = 0) -> None:
        self.names = list(names)
        self.first = first
        self.numbered = not any(map(is_number, self.names))
        self._index = {name: index for index, name in enumerate(self.names)}
        self._by_number = _unique(map(exact_number, self.names))
        self._of_two = {exact_number(name) for name in self.names} - {None, *self._by_number}
        self._by_fold = _unique(map(_folded, self.names))
        self._by_truth = _unique(map(truth_of, self.names))

    @property
    def truths(self) -> Mapping[bool, int]:
        """The indices of the labels that are called true and false, or yes and no; empty unless both are there."""
        return self._by_truth if len(self._by_truth) == len(TRUTHS) else {}

    def meaning(self, value: Any) -> Meaning:
        """What a value is to the task. A value that is not known stays UNKNOWN, whatever it is like."""
        if is_missing(value) or isinstance(value, list | dict):
            return _UNKNOWN
        number = exact_number(value)
        if number in self._of_two and not isinstance(value, str):
            return _UNKNOWN  # The number 1.1 may stand for '1.1' or '1.10'; a text is one of them.
        place = self._index.get(str(value))
        if place is not None:
            return Meaning(Kind.NAME, place)
        if number is not None:
            return self._of_number(number)
        place = self._by_fold.get(_folded(str(value)))
        if place is not None:
            return Meaning(Kind.NAME, place)
        return self._of_truth(value)

    def _of_number(self, number: Decimal) -> Meaning:
        place = self._by_number.get(number)
        if place is not None:
            return Meaning(Kind.NAME, place)
        whole = whole_number(number)
        if self.numbered and whole is not None and whole >= 0:
            return Meaning(Kind.NUMBER, whole)
        return _UNKNOWN

    def _of_truth(self, value: Any) -> Meaning:
        truth = truth_of(value)
        if truth is None:
            return _UNKNOWN
        if truth in self.truths:
            return Meaning(Kind.NAME, self.truths[truth])
        place = self._by_number.get(Decimal(truth))
        if place is not None:
            return Meaning(Kind.NAME, place)
        is_said = isinstance(value, bool) or _folded(str(value)) in ("true", "false")
        return Meaning(Kind.TRUTH, int(truth)) if is_said else _UNKNOWN

    def find(self, value: Any, count: int | None = None) -> int | None:
        """The index of a label; None if there is no such label.

        Args:
            value: a name, a whole number, its text, or for two labels true or false.
            count: how many numbers stand for labels; None: as many as there are names.
        """
        kind, place = self.meaning(value)
        if kind is Kind.NUMBER:
            place -= self.first
            limit = len(self.names) if count is None else count
            return place if 0 <= place < limit else None
        if kind is Kind.TRUTH:
            return place if count is None and len(self.names) == len(TRUTHS) else None
        return place if kind is Kind.NAME else None


def equal_names(names: Iterable[str]) -> tuple[str, str] | None:
    """Two names that mean the same, so that a row may mean either: 1 and 1.0, true and True, both normal forms.

    Names that differ in the case of their letters alone are two labels, unless they say true or false. Names with
    decimals may be codes such as 1.1 and 1.10: a text names one of them, and a number neither.
    """
    seen: dict[Decimal | str, str] = {}
    for name in names:
        number = exact_number(name)
        meaning = _said(name) if number is None or number != int(number) else number
        if meaning in seen:
            return seen[meaning], name
        seen[meaning] = name
    return None


def mean_the_same(names: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two lists have the same labels in the same order, in whatever spelling: 1 and 01, 1.1 and 1.10.

    Codes such as 1.1 and 1.10 in one list are two labels, so there their spelling counts.
    """
    ours = [_value_of(name) for name in names]
    is_clear = len(set(ours)) == len(ours)
    return list(names) == list(others) or (is_clear and ours == [_value_of(name) for name in others])


def _value_of(name: str) -> Decimal | str:
    """The number that a label's name is, or else what it says as a text."""
    number = exact_number(name)
    return _said(name) if number is None else number


def _said(name: str) -> str:
    """What a label's name says as a text."""
    return _folded(name) if truth_of(name) is not None else unicodedata.normalize("NFC", " ".join(name.split()))


def is_number(name: str) -> bool:
    """Whether a label's name is a number in any spelling: 1, 01, 1.0, 0,5, 1e-3, 50%."""
    return _ANY_NUMBER.fullmatch(name.strip()) is not None or name.lstrip("-").isdigit()


def exact_number(value: Any) -> Decimal | None:
    """A number, or a text that is one, as it is written; None for anything else, also for booleans."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return number if number.is_finite() else None
    text = str(value).strip()
    if len(text) > _MAX_DIGITS or _NUMBER.fullmatch(text) is None:
        return None
    return Decimal(text)


def whole_number(value: Any) -> int | None:
    """A whole number, also one that is written 14.0 or as text; None for anything else, also for booleans."""
    number = exact_number(value)
    if number is None or abs(number) >= _TOO_MANY or number != int(number):
        return None
    return int(number)


def truth_of(value: Any) -> bool | None:
    """Whether a value says true or false, or yes or no; None if it says neither."""
    return value if isinstance(value, bool) else _TRUTH_WORDS.get(_folded(str(value)))


def bit_of(value: Any) -> int | None:
    """0 or 1 for a value that says so, or says false or true; None for anything else."""
    number = exact_number(value)
    if number is not None:
        return int(number) if number in (0, 1) else None
    truth = None if isinstance(value, list | dict) else truth_of(value)
    return None if truth is None else int(truth)


def _folded(text: str) -> str:
    """A text without what does not make another label: normal form, case, outer blanks, kinds of blanks."""
    composed = unicodedata.normalize("NFC", text).casefold()
    return unicodedata.normalize("NFC", " ".join(composed.split()))


def _unique(keys: Iterable[T | None]) -> dict[T, int]:
    """Key -> its place; without keys that occur twice, and without None."""
    found = list(keys)
    counts = Counter(found)
    return {key: place for place, key in enumerate(found) if key is not None and counts[key] == 1}


def number_of(value: Any) -> float | None:
    """A number that can be learned, also from text.

    Returns:
        None for a value that is not a number, not finite, or too large for float32.
    """
    try:
        number = math.nan if isinstance(value, bool) else as_float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) <= LARGEST else None


def size_hint(value: Any) -> str | None:
    """A hint for a number that is only too large; None for anything else."""
    try:
        number = as_float(value)
    except OverflowError:
        number = 2 * LARGEST
    except (TypeError, ValueError):
        return None
    return f"The largest that can be learned is {LARGEST:g}" if LARGEST < abs(number) < math.inf else None


def listed(value: Any) -> list[Any] | None:
    """A list, also from its JSON text, because csv and tsv files hold only text; None if the value is not a list."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, list) else None


def items_of(text: str, separator: str | None = None) -> list[Any] | None:
    """The names in a text: the items of a JSON list, or else what stands between the separators.

    Args:
        text: as csv and tsv files hold it.
        separator: None: blanks.

    Returns:
        None for a text that looks like a list of texts but is not JSON: its pieces would make no sense.
    """
    bare = text.strip()
    if bare.startswith("["):
        found = listed(bare)
        if found is not None and all(isinstance(item, str | int) for item in found):
            return found
        if bare.startswith(('["', "['")):
            return None
    if bare.startswith('"["'):  # a list that was quoted in a tsv file
        return None
    parts = words_of(text) if separator is None else text.split(separator)
    return [name for part in parts if (name := part.strip())]


def words_of(text: str) -> list[str]:
    """What stands between the blanks of a text. No-break spaces are no blanks."""
    return [word for part in _BLANKS.split(text) if (word := part.strip())]


def joined(names: Sequence[str], separator: str) -> str:
    """The text in which ``items_of`` finds these names again: with separators between, or as JSON if those fail."""
    text = separator.join(names)
    return text if items_of(text, separator) == list(names) else json.dumps(list(names), ensure_ascii=False)


def list_hint(column: str) -> str:
    """How to say that a column's text is a list."""
    return f"Lists in text: dataset: {{parse: {{{column}: list}}}}"


def as_list(value: Any) -> Any:
    """A text as a list of one, for options that take one column or several."""
    return [value] if isinstance(value, str) else value
