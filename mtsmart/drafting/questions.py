"""What a draft is not sure of: a question with its possible answers, of which the first is the likeliest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mtsmart.errors import ConfigError


@dataclass(frozen=True)
class Answer:
    """A possible answer.

    Attributes:
        value: what the draft goes on with.
        text: what the user reads.
    """

    value: Any
    text: str


@dataclass(frozen=True)
class Question:
    """Something that the data does not tell.

    Attributes:
        text: one sentence that asks.
        answers: at least two; the first is taken where nobody answers.
        flag: the flag of the command line that answers beforehand.
    """

    text: str
    answers: Sequence[Answer]
    flag: str


Ask: TypeAlias = Callable[[Question], Answer]
"""Answers a question: a prompt, or a function that takes the first answer and tells it."""


def choose(ask: Ask, question: Question) -> Any:
    """The value of the answer. A question with one possible answer is not asked.

    Raises:
        ConfigError: there is no possible answer.
    """
    if not question.answers:
        raise ConfigError(f"{question.text} The data has nothing that fits", hint=f"Say it with {question.flag}")
    if len(question.answers) == 1:
        return question.answers[0].value
    return ask(question).value
