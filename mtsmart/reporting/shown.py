"""Text from files in the tables and lines of rich."""

from __future__ import annotations

from rich.text import Text

from mtsmart.text.escaping import one_line


def shown(text: str, style: str = "") -> Text:
    """A text that rich prints letter by letter: nothing in it is a control code, and nothing is rich's markup.

    Args:
        text: the text.
        style: its style in the words of rich.
    """
    return Text(one_line(text), style)
