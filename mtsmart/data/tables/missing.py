"""What counts as a missing value, in a table and as an object of Python."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def is_missing(value: Any) -> bool:
    """Whether there is no value: None, or NaN, which other libraries put where one is missing."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def missing_in(values: pa.Array | pa.ChunkedArray) -> Any:
    """Which values of a column are missing, as Arrow's truth values; see :func:`is_missing`."""
    return pc.is_null(values, nan_is_null=True)
