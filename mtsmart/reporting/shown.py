"""How texts from files, and the defaults of settings, look in tables and lines."""

from __future__ import annotations

from pydantic.fields import FieldInfo
from rich.text import Text

from mtsmart.errors import in_yaml
from mtsmart.text.escaping import one_line


def shown(text: str, style: str = "") -> Text:
    """A text that rich prints letter by letter: nothing in it is a control code, and nothing is rich's markup.

    Args:
        text: the text.
        style: its style in the words of rich.
    """
    return Text(one_line(text), style)


def default_of(field: FieldInfo) -> str:
    """What holds where a setting is left out, in the words of YAML."""
    if field.is_required():
        return "required"
    return f"default {in_yaml(field.get_default(call_default_factory=True))}"
