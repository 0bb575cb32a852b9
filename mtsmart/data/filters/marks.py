"""A part of a text between asterisks, so that the model sees which part the task is about."""

from __future__ import annotations

import re
from typing import Any

from mtsmart.text.counts import counted

_MARK = "*"
_WORD = re.compile(r"\S+")


def mark(text: str, start: Any, end: Any) -> str:
    """The text with the characters [start, end) between asterisks.

    Raises:
        ValueError: they are no part of the text.
    """
    first, last = _whole(start), _whole(end)
    if not 0 <= first < last <= len(text):
        raise ValueError(f"has no characters {first} to {last}")
    return f"{text[:first]}{_MARK}{text[first:last]}{_MARK}{text[last:]}"


def mark_words(text: str, number: Any, words: Any) -> str:
    """The text with ``words`` between asterisks, the first of which is its word ``number``.

    Args:
        text: its words are what blanks part.
        number: of a word, from 0.
        words: one or several. Where the text has others there, as many of its words are marked.

    Raises:
        ValueError: the text has no such words.
    """
    first = _whole(number)
    places = list(_WORD.finditer(text))
    wanted = str(words).strip()
    count = len(wanted.split())
    if count == 0 or not 0 <= first <= len(places) - count:
        raise ValueError(f"has {counted(len(places), 'word')}, and none at place {first} to mark as '{wanted}'")
    start = places[first].start()
    is_there = text.startswith(wanted, start)
    end = start + len(wanted) if is_there else places[first + count - 1].end()
    return mark(text, start, end)


def _whole(value: Any) -> int:
    """A whole number, which a csv file holds as a text.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]+", str(value)):
        raise ValueError(f"cannot be marked at {value!r}, which is no whole number")
    return int(value)
