"""Gold labels as data files hold them: names or numbers, one alone or several in one text."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

_MAX_DIGITS = 18  # of a label's number; Python refuses to read numbers of some thousand digits
_LARGEST = 1e15  # of numbers to learn: the squares of errors and of their gradients must fit into float32


class LabelNames:
    """The labels of a task, found by name, or by number if no label's name is a number.

    Args:
        names: the label names in order; empty if labels are numbers only.

    Attributes:
        numbered: whether a number stands for a label too.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.numbered = not any(name.lstrip("-").isdigit() for name in self.names)
        self._index = {name: index for index, name in enumerate(self.names)}

    def find(self, value: Any, count: int | None = None) -> int | None:
        """The index of a label; None if there is no such label.

        Args:
            value: a name, a whole number, or its text.
            count: how many numbers stand for labels; None: as many as there are names.
        """
        name = str(value)
        if name in self._index:
            return self._index[name]
        if not (self.numbered and name.isascii() and name.isdigit() and len(name) <= _MAX_DIGITS):
            return None
        limit = len(self.names) if count is None else count
        return int(name) if int(name) < limit else None


def number_of(value: Any) -> float | None:
    """A number that can be learned, also from text.

    Returns:
        None for a value that is not a number, not finite, or too large for float32.
    """
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) <= _LARGEST else None


def size_hint(value: Any) -> str | None:
    """A hint for a number that is only too large; None for anything else."""
    try:
        number = float(value)
    except OverflowError:
        number = 2 * _LARGEST
    except (TypeError, ValueError):
        return None
    return f"The largest that can be learned is {_LARGEST:g}" if _LARGEST < abs(number) < math.inf else None


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
    return [name for part in text.split(separator) if (name := part.strip())]


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
