"""Refusals: a status of HTTP, and a JSON body that says what is wrong, where, and what is right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from mtsmart.errors import DataError, MtsmartError
from mtsmart.text.escaping import one_line

_ROW = re.compile(r"row (\d+)\b")


class Refusal(Exception):
    """A request that gets no answer.

    Args:
        status: the status of HTTP.
        message: what is wrong, without the place.
        row: the input, counted from 1.
        field: the field of the row, or the key of the body.
        shown: the wrong value as the client should see it, shortened.
        hint: what the client can do instead.
        headers: further headers of the response.
    """

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        *,
        row: int | None = None,
        field: str | None = None,
        shown: str | None = None,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.row = row
        self.field = field
        self.shown = shown
        self.hint = hint
        self.headers = dict(headers or {})

    def to_json(self) -> dict[str, Any]:
        """The body. Parts that are not known are left out."""
        parts = {"row": self.row, "field": self.field, "value": self.shown, "hint": self.hint}
        known = {name: _visible(part) for name, part in parts.items() if part is not None}
        return {"error": {"message": _visible(self.message), **known}}


def refusal_of(error: MtsmartError) -> Refusal:
    """The refusal of a question that the engine cannot read. Hints about rows tell how to write a file, so they go."""
    place = "" if error.file is None else str(error.file)
    found = _ROW.search(place)
    is_place_known = found is not None or not place
    return Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        error.message if is_place_known else f"{place}: {error.message}",
        row=int(found[1]) if found else None,
        field=error.key or error.argument,
        shown=error.shown_value,
        hint=None if isinstance(error, DataError) else error.hint,
    )


def _visible(part: object) -> object:
    return one_line(part) if isinstance(part, str) else part
