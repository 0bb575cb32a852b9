"""What counts as a missing value, in a table and as an object of Python."""

from __future__ import annotations

import math
from typing import Any


def is_missing(value: Any) -> bool:
    """Whether there is no value: None, or NaN, which other libraries put where one is missing."""
    return value is None or (isinstance(value, float) and math.isnan(value))
