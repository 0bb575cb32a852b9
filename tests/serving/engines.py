"""Engines that need no model: their answers say what they were asked."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from mtsmart.errors import DataError
from mtsmart.serving.engine import Answer, Answers, Question, ServedTask


def task(
    name: str, fields: tuple[str, ...] = ("text",), needs_all_rows: bool = False, number: int | None = None
) -> ServedTask:
    """A task that reads these fields, in the pass of this number; by default in one with all that read as many."""
    keys = {key: [key] for key in fields}
    count = len(fields)
    own = count if number is None else number
    return ServedTask(name, "classification", keys, count, ("a", "b"), 32, None, False, needs_all_rows, own, own)


@dataclass
class EchoEngine:
    """Answers each input with the input itself, when it is allowed to.

    Attributes:
        tasks: what it serves.
        may_answer: it waits for this.
        is_asked: set when a question has come.
        asked: the questions that it got.
    """

    tasks: Mapping[str, ServedTask] = field(default_factory=lambda: {"echo": task("echo")})
    may_answer: threading.Event = field(default_factory=threading.Event)
    is_asked: threading.Event = field(default_factory=threading.Event)
    asked: list[Question] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.may_answer.set()

    def answer(self, question: Question) -> Answers:
        """Each input, under ``prediction``. The text ``bad`` cannot be read, and ``bug`` is an error of the engine.

        An input that holds the text ``long`` is cut.
        """
        self.asked.append(question)
        self.is_asked.set()
        assert self.may_answer.wait(30)
        inputs = question.texts or [list(row.values()) for row in question.rows]
        for number, values in enumerate(inputs, 1):
            if "bad" in values:
                raise DataError("is bad", file=f"row {number}", key="text", value="bad")
            if "bug" in values:
                raise ValueError("a secret text")
        given = [echoed(*values) if "long" not in values else Answer({"prediction": values}, True) for values in inputs]
        return dict.fromkeys(question.tasks, given)


def echoed(*values: str) -> Answer:
    """What the engine says to these values."""
    return Answer({"prediction": list(values)})
