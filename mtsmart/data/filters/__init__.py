"""What a template may do with a text: ``{sentence | mark start end}``.

A filter is a function of the text and the values of two other columns of the row. It raises ValueError for values that
do not fit the text.
"""

from collections.abc import Callable
from typing import Any

from mtsmart.data.filters.marks import mark, mark_words

FILTERS: dict[str, Callable[[str, Any, Any], str]] = {"mark": mark, "mark_words": mark_words}

__all__ = ["FILTERS"]
