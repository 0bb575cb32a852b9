"""A line of JSON for a stream, whatever the stream can show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtsmart.text.escaping import visible_json
from mtsmart.text.json_text import json_text


def json_line(row: Mapping[str, Any], encoding: str | None) -> str:
    """The JSON of a row for a stream of this encoding (None: UTF-8), without a line break.

    Characters that are not visible, because the stream may be a terminal, and letters that its encoding lacks become
    JSON's own escapes.
    """
    line = visible_json(json_text(row, ensure_ascii=False, default=str))
    try:
        line.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return visible_json(json_text(row, default=str))
    return line
