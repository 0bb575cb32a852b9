"""The JSON of a request's body, read strictly: what could be understood in two ways is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NoReturn

from mtsmart.errors import shorten
from mtsmart.serving.requests.refusals import Refusal

_DEEPEST = 8  # lists and mappings within each other; rows need four


def json_object(body: bytes) -> dict[str, Any]:
    """The mapping that a body holds.

    Raises:
        Refusal: the body is not UTF-8 or not JSON, holds a key twice, a number that is not finite, half of a surrogate
            pair or too many levels, or is no mapping.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(f"the body is not UTF-8: byte {error.start + 1} does not fit") from None
    data = _parsed(text)
    if not isinstance(data, dict):
        raise _bad("the body should be a JSON object", shown=shorten(data), hint='For example {"texts": ["a text"]}')
    return data


def _parsed(text: str) -> Any:
    if not text.strip():
        raise _bad("the body is empty", hint='Send a JSON object, for example {"texts": ["a text"]}')
    try:
        data = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _bad(f"the body is not JSON: {error.msg} at {place}") from None
    except ValueError:
        raise _bad("the body holds a whole number of thousands of digits, which cannot be read") from None
    except RecursionError:
        raise _too_deep() from None
    _check_depth(data)
    return data


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _bad("a key stands twice in one JSON object", shown=shorten(twice))
    return found


def _no_number(word: str) -> NoReturn:
    raise _bad("the body holds a number that JSON does not have", shown=word, hint="A missing value is null")


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _bad("the body holds a number that is too large", shown=shorten(digits))
    return value


def _check_depth(data: Any) -> None:
    """Refuse deep nesting, without recursion: what comes later may walk through the data with it."""
    level = [data]
    for _ in range(_DEEPEST + 1):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return
    raise _too_deep()


def _parts(whole: Any) -> list[Any]:
    """The lists and mappings that stand directly in a value."""
    inner = whole.values() if isinstance(whole, dict) else whole if isinstance(whole, list) else ()
    return [part for part in inner if isinstance(part, dict | list)]


def _too_deep() -> Refusal:
    return _bad(f"the body has more than {_DEEPEST} levels of lists and objects within each other")


def _bad(message: str, **parts: Any) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, message, **parts)
