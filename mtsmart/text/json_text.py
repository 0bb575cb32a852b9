"""JSON that any reader takes: a number that is not finite, which JSON has no word for, is written as null."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any


def json_text(
    data: Any, *, indent: int | None = None, ensure_ascii: bool = True, default: Callable[[Any], Any] | None = None
) -> str:
    """The JSON of a value, in which NaN and infinite numbers are null.

    Args:
        data: the value.
        indent, ensure_ascii, default: as for ``json.dumps``.
    """
    try:
        return json.dumps(data, indent=indent, ensure_ascii=ensure_ascii, default=default, allow_nan=False)
    except ValueError:  # Most values are finite, so only the others are copied.
        finite = with_nulls(data)
        return json.dumps(finite, indent=indent, ensure_ascii=ensure_ascii, default=default, allow_nan=False)


def with_nulls(data: Any) -> Any:
    """A copy of lists and mappings, with None for each number that is not finite."""
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if isinstance(data, Mapping):
        return {with_nulls(key): with_nulls(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [with_nulls(value) for value in data]
    return data
