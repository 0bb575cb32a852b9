"""Answers questions of several clients together.

A thread of its own asks the engine. While it is at work, questions wait; then it takes the oldest one, and all others
that need the same passes through the encoder, up to a number of inputs, whichever heads they ask. Nobody waits for a
batch to fill up.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any

from mtsmart.errors import MtsmartError
from mtsmart.serving.engine import Answers, Engine, Question, ServedTask
from mtsmart.serving.limits import Limits
from mtsmart.serving.requests.refusals import Refusal, refusal_of
from mtsmart.serving.sizes import size_of

_LONGEST_WAIT = 30  # seconds that a refused client is told to wait at most
_KEPT = 0.8  # how much of the earlier speed stays in the mean with a new one


class _Waiting:
    """A question whose answer somebody waits for."""

    def __init__(self, question: Question, tasks: Mapping[str, ServedTask]) -> None:
        self.question = question
        self.form = _form(question, tasks)
        self.size = size_of(question, tasks)
        self.future: Future[Answers] = Future()


class Batches:
    """Takes questions, and answers them in batches.

    Args:
        engine: answers.
        limits: how many inputs may wait, and how many go into a batch.
        observe: called with the number of inputs of each batch.
    """

    def __init__(self, engine: Engine, limits: Limits, observe: Callable[[int], None]) -> None:
        self._engine = engine
        self._limits = limits
        self._observe = observe
        self._queue: deque[_Waiting] = deque()
        self._inputs = 0  # of all questions that wait or are being answered; long ones count several times
        self._speed = 0.0  # inputs a second; 0 before the first batch
        self._changed = threading.Condition()
        self._is_open = True
        self._thread = threading.Thread(target=self._work, name="mtsmart-batches", daemon=True)
        self._thread.start()

    @property
    def inputs(self) -> int:
        """How many inputs wait for their answers."""
        return self._inputs

    @property
    def is_alive(self) -> bool:
        """Whether questions are answered."""
        return self._thread.is_alive()

    def ask(self, question: Question) -> Future[Answers]:
        """Take a question.

        Returns:
            what gets the answers, or the Refusal of a question that the engine cannot read.

        Raises:
            Refusal: it is more work than a request may have, or too many inputs wait.
        """
        waiting = _Waiting(question, self._engine.tasks)
        if waiting.size > self._limits.rows:
            raise self._too_much(waiting)
        with self._changed:
            if self._inputs + waiting.size > self._limits.waiting:
                raise self._busy()
            self._queue.append(waiting)
            self._inputs += waiting.size
            self._changed.notify()
        return waiting.future

    def close(self) -> None:
        """Answer what has been taken, and end the thread."""
        with self._changed:
            self._is_open = False
            self._changed.notify()
        self._thread.join()

    def _busy(self) -> Refusal:
        seconds = self._inputs / self._speed if self._speed else 1.0
        wait = min(max(math.ceil(seconds), 1), _LONGEST_WAIT)
        message = f"the server is busy: {self._inputs} inputs wait for their answers"
        hint = f"Try again in {wait} s"
        return Refusal(HTTPStatus.TOO_MANY_REQUESTS, message, hint=hint, headers={"Retry-After": str(wait)})

    def _too_much(self, waiting: _Waiting) -> Refusal:
        question = waiting.question
        splitting = next(name for name in question.tasks if self._engine.tasks[name].parts is not None)
        message = (
            f"is too much together: the task '{splitting}' reads a long text in parts, and each candidate by itself, "
            f"and each of them counts as an input. They are about {waiting.size}, "
            f"and a request may have {self._limits.rows}"
        )
        field = "texts" if question.texts else "rows"
        hint = "Send several requests" if len(question) > 1 else "Send a shorter text, or fewer candidates"
        return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, field=field, hint=hint)

    def _work(self) -> None:
        while batch := self._next():
            started = time.perf_counter()
            wanted = [one for one in batch if self._is_wanted(one)]
            if wanted:
                self._answer(wanted)
            size = sum(one.size for one in batch)
            speed = size / max(time.perf_counter() - started, 1e-6)
            with self._changed:
                self._speed = _KEPT * self._speed + (1 - _KEPT) * speed if self._speed else speed

    def _is_wanted(self, one: _Waiting) -> bool:
        """Whether a client still waits for the answer. One that has gone may have cancelled its question."""
        is_wanted = one.future.set_running_or_notify_cancel()
        if not is_wanted:
            self._leave(one)
        return is_wanted

    def _leave(self, one: _Waiting) -> None:
        """Count a question as one that waits no longer. It is called before the client gets to know its answer."""
        with self._changed:
            self._inputs -= one.size

    def _next(self) -> list[_Waiting]:
        """The questions of the next batch, as soon as there is one; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or not self._is_open)
            if not self._queue:
                return []
            first = self._queue.popleft()
            return [first, *self._fitting(first)]

    def _fitting(self, first: _Waiting) -> list[_Waiting]:
        """Take the questions that can be answered together with the first one."""
        size = first.size
        taken = []
        left: deque[_Waiting] = deque()
        for other in self._queue:
            fits = other.form == first.form and size + other.size <= self._limits.batch
            if fits:
                taken.append(other)
                size += other.size
            else:
                left.append(other)
        self._queue = left
        return taken

    def _answer(self, batch: Sequence[_Waiting]) -> None:
        """Answer a batch. If the engine cannot read it, each question is asked alone, so that one hurts no other."""
        together = _joined([one.question for one in batch], self._engine.tasks)
        self._observe(len(together))
        try:
            answers = self._engine.answer(together)
        except BaseException as error:  # A panic of a library written in Rust is no Exception.
            if len(batch) == 1:
                self._leave(batch[0])
                batch[0].future.set_exception(refusal_of(error) if isinstance(error, MtsmartError) else error)
                return
            for one in batch:
                self._answer([one])
            return
        start = 0
        for one in batch:
            end = start + len(one.question)
            self._leave(one)
            one.future.set_result({name: answers[name][start:end] for name in one.question.tasks})
            start = end


def _joined(questions: Sequence[Question], tasks: Mapping[str, ServedTask]) -> Question:
    """All inputs, with all tasks that any of the questions asks. A head more costs little beside the encoder."""
    asked = {name for question in questions for name in question.tasks}
    rows = [row for question in questions for row in question.rows]
    texts = [texts for question in questions for texts in question.texts]
    return Question(tuple(name for name in tasks if name in asked), rows, texts)


def _form(question: Question, tasks: Mapping[str, ServedTask]) -> object:
    """What questions must have in common to be answered together: the passes, the fields, and the types of values.

    So a value of a wrong type disturbs only questions with such values.
    """
    asked = [tasks[name] for name in question.tasks]
    if any(task.needs_all_rows for task in asked):
        return object()  # equal to no other one
    if question.texts:
        return "texts", frozenset(task.pass_of_texts for task in asked)
    passes = frozenset(task.pass_of_rows for task in asked)
    kinds: dict[str, set[Any]] = {}
    for row in question.rows:
        for field, value in row.items():
            kinds.setdefault(field, set()).add(_kind(value))
    shared = frozenset((field, frozenset(found - {_kind(None)})) for field, found in kinds.items())
    return "rows", passes, shared


def _kind(value: Any) -> Any:
    """The type of a value; of a list, with the types of its items."""
    if isinstance(value, list):
        return list, frozenset(_kind(item) for item in value) - {_kind(None)}
    if isinstance(value, dict):
        return dict, tuple(sorted((key, repr(_kind(part))) for key, part in value.items()))
    return type(value)
