"""How much of the encoder's work a question is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mtsmart.serving.engine import Question, ServedTask

_CHARACTERS = 3
"""Of a token. Most texts have more; in Chinese or Japanese a token may be one character."""


def size_of(question: Question, tasks: Mapping[str, ServedTask]) -> int:
    """How many inputs a question counts as, where a long one counts as several.

    A task that splits long inputs reads as many sequences as their characters fill, about: ``max_length`` tokens each.
    So an input counts once for each. Other tasks cut their inputs, and each of these counts once.

    Args:
        question: what is asked.
        tasks: name -> task.
    """
    lengths = [tasks[name].max_length for name in question.tasks if tasks[name].splits]
    if not lengths:
        return len(question)
    characters = _CHARACTERS * min(lengths)
    inputs = question.texts or [list(row.values()) for row in question.rows]
    return sum(1 + sum(map(len, texts_in(values))) // characters for values in inputs)


def texts_in(value: Any) -> Iterator[str]:
    """The texts in a value of a field. It is not deep: the depth of a body is checked."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_in(part)
