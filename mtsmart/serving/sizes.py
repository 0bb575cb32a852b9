"""How much of the encoder's work a question is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mtsmart.serving.engine import Parts, Question, ServedTask

_PIECE = re.compile(r"[A-Za-z0-9]+|\S")
_LETTERS = 3  # of a token; most words have more, and invented ones fewer
_SPECIAL = 3  # tokens that frame a text
_ONE_SEQUENCE = ("texts", "groups")
_LISTS = "candidates"
_PAIR = 2


def parts_of(reading: Mapping[str, Any]) -> Parts | None:
    """How a task makes several sequences of an input; None if it makes one.

    Args:
        reading: what :meth:`mtsmart.task_types.interface.explains_outputs.Portable.how_read` says.
    """
    if reading["kind"] in _ONE_SEQUENCE:
        return None
    if reading["kind"] == _LISTS:
        return Parts(None)
    room = reading["max_length"] - _SPECIAL
    if len(reading["text"]) == _PAIR:
        room -= room // 2  # The other text may fill half of each sequence.
    overlap = reading.get("overlap", reading.get("stride"))
    shared = room // 4 if overlap is None else overlap
    return Parts(max(room - shared, 1))


def size_of(question: Question, tasks: Mapping[str, ServedTask]) -> int:
    """How many inputs a question counts as, where one that becomes several token sequences counts as several.

    An input counts once for each of its sequences, about, in the task that makes most of it.

    Args:
        question: what is asked.
        tasks: name -> task.
    """
    splitting = [tasks[name] for name in question.tasks if tasks[name].parts is not None]
    if not splitting:
        return len(question)
    inputs = question.texts or [list(row.values()) for row in question.rows]
    return sum(_most_sequences([_tokens(text) for text in texts_in(values)], splitting) for values in inputs)


def _most_sequences(tokens: Sequence[int], tasks: Iterable[ServedTask]) -> int:
    return max(_sequences(tokens, task.max_length, task.parts) for task in tasks if task.parts is not None)


def _sequences(tokens: Sequence[int], max_length: int, parts: Parts) -> int:
    """How many sequences an input is whose texts have these numbers of tokens."""
    if parts.new_tokens is None:
        return max(len(tokens), 1)
    beyond = max(sum(tokens) + _SPECIAL - max_length, 0)
    return 1 + math.ceil(beyond / parts.new_tokens)


def _tokens(text: str) -> int:
    """How many tokens a text has, about: some letters each, or one other character, as in Chinese."""
    return sum(math.ceil(len(piece) / _LETTERS) for piece in _PIECE.findall(text))


def texts_in(value: Any) -> Iterator[str]:
    """The texts in a value of a field. It is not deep: the depth of a body is checked."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_in(part)
