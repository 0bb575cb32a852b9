"""Text from files in the tables and lines of rich."""

from __future__ import annotations

import math

from rich.text import Text

from mtsmart.text.escaping import one_line


def score_text(value: float | None) -> str:
    """A score with four decimals. One that its split does not define is NaN, or None in JSON."""
    return "undefined" if value is None or math.isnan(value) else f"{value:.4f}"


def shown(text: str, style: str = "") -> Text:
    """A text that rich prints letter by letter: nothing in it is a control code, and nothing is rich's markup.

    Args:
        text: the text.
        style: its style in the words of rich.
    """
    return Text(one_line(text), style)
