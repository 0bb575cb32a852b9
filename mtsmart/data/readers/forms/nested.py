"""Rows within the objects of a JSON file: the items of a list in them, and the questions of SQuAD's articles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

from mtsmart.data.readers.lines import FIELD
from mtsmart.data.readers.shapes import MAX_DEPTH
from mtsmart.errors import DataError, did_you_mean

Expand: TypeAlias = Callable[[dict[str, Any]], Iterator[dict[str, Any]]]
"""The rows that one object of a file stands for."""

SQUAD_FIELD = "data"
ITEM = "number of the item in its object"
"""A column that rows of an exploded object have where it is read: it counts them from 0."""


def exploding(path: str) -> Expand:
    """One row for each item of the list at ``path``; lists on the way to it are exploded too.

    A row is the object with the item in the place of the list, so ``a.b`` names a key of the item of list ``a``.
    """
    return partial(_exploded, parts=path.split("."), path=path)


def _exploded(value: Any, parts: list[str], path: str) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _exploded(item, parts, path)
    elif not parts:
        if not isinstance(value, dict | str | int | float | bool):
            raise DataError("is null where 'explode' names a list", key=path, value=value)
        yield value
    elif not isinstance(value, dict) or parts[0] not in value:
        known = value if isinstance(value, dict) else {}
        raise DataError(f"has no '{parts[0]}', which 'explode' names", key=path, hint=did_you_mean(parts[0], known))
    else:
        if len(parts) == 1 and not isinstance(value[parts[0]], list):
            raise DataError("is no list, and 'explode' makes a row of each item", key=path, value=value[parts[0]])
        for item in _exploded(value[parts[0]], parts[1:], path):
            yield {**value, parts[0]: item}


def squad_rows(article: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The questions of an article, each with id, title, context, question and answers (text and answer_start).

    A question without the key ``answers`` has none that are known; one that is impossible has an empty list of them.

    Raises:
        DataError: the article is not of SQuAD's form.
    """
    for paragraph in _listed(article, "paragraphs"):
        for question in _listed(paragraph, "qas"):
            if not isinstance(question, dict) or "question" not in question or "context" not in paragraph:
                raise DataError("has a question without its text or context", value=question)
            yield {
                "id": question.get("id"),
                "title": article.get("title"),
                "context": paragraph["context"],
                "question": question["question"],
                "answers": _answers(question),
            }


def _answers(question: dict[str, Any]) -> dict[str, list[Any]] | None:
    if "answers" not in question:
        return {"text": [], "answer_start": []} if question.get("is_impossible") is True else None
    answers = _listed(question, "answers")
    if question.get("is_impossible") is True and answers:
        raise DataError("has answers to a question that 'is_impossible'", value=question.get("question"))
    for answer in answers:
        if not isinstance(answer, dict) or not {"text", "answer_start"} <= answer.keys():
            raise DataError("has an answer without text and answer_start", value=answer)
    return {key: [answer[key] for answer in answers] for key in ("text", "answer_start")}


def _listed(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, list):
        hint = "Each item of 'data' has paragraphs, each paragraph has context and qas"
        raise DataError(f"has no list '{key}', as SQuAD's files have", hint=hint)
    return found


def size_of(value: Any, depth: int = 0) -> int:
    """The characters of a value's texts, with some for each value.

    Raises:
        DataError: it is nested too deeply.
    """
    if depth > MAX_DEPTH + 1:
        raise DataError(f"is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, str):
        return FIELD + len(value)
    if isinstance(value, dict):
        return FIELD + sum(len(key) + size_of(part, depth + 1) for key, part in value.items())
    if isinstance(value, list):
        return FIELD + sum(size_of(part, depth + 1) for part in value)
    return FIELD
