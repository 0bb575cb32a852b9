"""What a client asks, read from the body of its request and checked against the tasks and the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from mtsmart.errors import did_you_mean, nearest, shorten
from mtsmart.serving.engine import Question, ServedTask
from mtsmart.serving.limits import Limits
from mtsmart.serving.requests.json_body import json_object
from mtsmart.serving.requests.refusals import Refusal
from mtsmart.serving.sizes import texts_in
from mtsmart.text.counts import counted

KEYS = ("tasks", "texts", "rows")
"""What a body may hold: the names of tasks (all, if they are not named), and either texts or rows."""


def read_question(body: bytes, tasks: Mapping[str, ServedTask], limits: Limits) -> Question:
    """The question in a body.

    Raises:
        Refusal: it is no question that these tasks can be asked.
    """
    data = json_object(body)
    for key in data:
        if key not in KEYS:
            raise _bad("there is no such key", field=key, hint=did_you_mean(key, KEYS))
    if "texts" in data and "rows" in data:
        raise _bad("the body has both 'texts' and 'rows'", hint="Leave one of the two out")
    if "texts" not in data and "rows" not in data:
        raise _bad("the body needs either 'texts' or 'rows'", hint='For example {"texts": ["a text"]}')
    asked = [tasks[name] for name in _names(data, tasks)]
    names = tuple(task.name for task in asked)
    if "texts" in data:
        return Question(names, texts=_texts(data["texts"], asked, limits))
    return Question(names, rows=_rows(data["rows"], asked, limits))


def _names(data: Mapping[str, Any], tasks: Mapping[str, ServedTask]) -> list[str]:
    """The tasks that are asked, in the order of the server, so that the same question is always the same."""
    if "tasks" not in data:
        return list(tasks)
    given = data["tasks"]
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not names:
        raise _bad("should be the name of a task, or a list of names", field="tasks", shown=shorten(given))
    for name in names:
        if not isinstance(name, str):
            raise _bad("should be the name of a task", field="tasks", shown=shorten(name))
        if name not in tasks:
            hint = did_you_mean(name, tasks)
            raise _bad("there is no task of this name", field="tasks", shown=shorten(name), hint=hint)
    return [name for name in tasks if name in names]


def _texts(given: Any, tasks: Sequence[ServedTask], limits: Limits) -> list[list[str]]:
    """One text or two for each input."""
    for task in tasks:
        if not task.texts:
            example = "{" + ", ".join(f'"{field}": ...' for field in task.fields) + "}"
            message = f"the task '{task.name}' reads more than texts"
            raise _bad(message, field="texts", hint=f'Give rows, or name other tasks: {{"rows": [{example}]}}')
    inputs = [given] if isinstance(given, str) else given
    _check_count(inputs, "texts", 'a text, or a list: ["one", "another"], or of pairs: [["one", "another"]]', limits)
    return [_input(value, number, tasks, limits) for number, value in enumerate(inputs, 1)]


def _input(value: Any, number: int, tasks: Sequence[ServedTask], limits: Limits) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        hint = 'An input without a text can be asked as a row, where a field may be null: {"rows": [...]}'
        message = "should be a text, or for tasks that read a pair a list of two texts"
        raise _bad(message, row=number, field="texts", shown=shorten(value), hint=hint)
    for task in tasks:
        if len(texts) != task.texts:
            given = counted(len(texts), "text")
            message = f"has {given}, and the task '{task.name}' reads {task.texts}"
            hint = _hint_for_count(len(texts), task)
            raise _bad(message, row=number, field="texts", shown=shorten(value), hint=hint)
    for text in texts:
        _check_text(text, number, "texts", limits)
    return texts


def _hint_for_count(count: int, task: ServedTask) -> str:
    if task.texts == 2 and count == 1:
        return 'A pair is a list of two texts: [["one", "another"]]. "tasks" names the tasks that are asked'
    return '"tasks" names the tasks that are asked'


def _rows(given: Any, tasks: Sequence[ServedTask], limits: Limits) -> list[dict[str, Any]]:
    """The fields of each row that the tasks read."""
    rows = [given] if isinstance(given, dict) else given
    _check_count(rows, "rows", 'a list of objects: [{"field": "value"}]', limits)
    return [_row(row, number, tasks, limits) for number, row in enumerate(rows, 1)]


def _row(row: Any, number: int, tasks: Sequence[ServedTask], limits: Limits) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise _bad('should be an object: {"field": "value"}', row=number, shown=shorten(row))
    kept = {}
    for task in tasks:
        for field, keys in task.fields.items():
            found = {key: row[key] for key in keys if key in row}
            if not found:
                message = f"the row lacks a field that the task '{task.name}' reads"
                raise _bad(message, row=number, field=field, hint=_hint_for_field(field, row))
            kept.update(found)
    for key, value in kept.items():
        for text in texts_in(value):
            _check_text(text, number, key, limits)
    return kept


def _hint_for_field(field: str, row: Mapping[str, Any]) -> str | None:
    """The field of the row that may be meant."""
    close = nearest(field, row)
    return None if close is None else f"The row has '{close}'. If that is meant, call it '{field}'"


def _check_count(inputs: Any, key: str, right: str, limits: Limits) -> None:
    if not isinstance(inputs, list):
        raise _bad(f"should be {right}", field=key, shown=shorten(inputs))
    if not inputs:
        raise _bad("is empty", field=key, hint="Give at least one")
    if len(inputs) > limits.rows:
        message = f"holds {len(inputs)} inputs, and a request may have {limits.rows}"
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, field=key, hint="Send several requests")


def _check_text(text: str, number: int, field: str, limits: Limits) -> None:
    if len(text) > limits.text:
        message = f"has {len(text)} characters, and a text may have {limits.text}"
        raise _bad(message, row=number, field=field, shown=shorten(text))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = f"holds half of a surrogate pair, which is no character, at character {error.start + 1}"
        raise _bad(message, row=number, field=field) from None


def _bad(message: str, **parts: Any) -> Refusal:
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, message, **parts)
