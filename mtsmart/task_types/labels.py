"""Gold labels as data files hold them: names or numbers, alone or in a text that holds several."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

_MAX_DIGITS = 18  # of a label's number; Python refuses to read some thousand
_LARGEST = 1e15  # of numbers to learn: squares of errors and of their gradients must fit into float32


class LabelNames:
    """The labels of a task, found by name, or by number where no label's name is a number.

    Args:
        names: label names in order; none where labels are numbers only.

    Attributes:
        numbered: whether numbers stand for labels too.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self._index = {name: index for index, name in enumerate(self.names)}
        self.numbered = not any(name.lstrip("-").isdigit() for name in self.names)

    def find(self, value: Any, count: int | None = None) -> int | None:
        """The index of a label, None if it is none.

        Args:
            value: a name, a whole number, or its text.
            count: how many numbers there are; None: as many as names.
        """
        name = str(value)
        if name in self._index:
            return self._index[name]
        is_number = self.numbered and name.isascii() and name.isdigit() and len(name) <= _MAX_DIGITS
        return int(name) if is_number and int(name) < (len(self.names) if count is None else count) else None


def number_of(value: Any) -> float | None:
    """A number that can be learned, also from text; None for what is none, not finite or too large for float32."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) <= _LARGEST else None


def size_hint(value: Any) -> str | None:
    """A hint for a number that is only too large, None for anything else."""
    try:
        number = float(value)
    except OverflowError:
        number = 2 * _LARGEST
    except (TypeError, ValueError):
        return None
    return f"The largest that can be learned is {_LARGEST:g}" if _LARGEST < abs(number) < math.inf else None


def listed(value: Any) -> list[Any] | None:
    """A list, also from its JSON text (csv and tsv files hold text only); None if it is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, list) else None


def items_of(text: str, separator: str | None = None) -> list[Any] | None:
    """The names that a text holds: those of a JSON list, else what the separator parts.

    Args:
        text: as csv and tsv files hold it.
        separator: None: blanks.

    Returns:
        None for what looks like a list of texts but is no JSON: parting it would give nonsense.
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
    """The text in which ``items_of`` finds these names again: parted by ``separator``, as JSON where that fails."""
    text = separator.join(names)
    return text if items_of(text, separator) == list(names) else json.dumps(list(names), ensure_ascii=False)


def list_hint(column: str) -> str:
    """How a column whose text is a list is read as one."""
    return f"Lists in text: dataset: {{parse: {{{column}: list}}}}"


def as_list(value: Any) -> Any:
    """A text as a list of one; for options that take one column or several."""
    return [value] if isinstance(value, str) else value
