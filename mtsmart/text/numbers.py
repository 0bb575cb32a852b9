"""Numbers in texts of data."""

from __future__ import annotations

from typing import Any


def as_float(value: Any) -> float:
    """A number, or a text that is one. Whether it must be finite is left to the caller.

    Python also reads ``1_000``, which in data is a code or a slip, so it is no number here.

    Raises:
        ValueError, TypeError: it is no number.
        OverflowError: it is a whole number that no float holds.
    """
    if isinstance(value, str) and "_" in value:
        raise ValueError(f"{value!r} has an underscore")
    return float(value)
