"""What is said of a word that is none of a setting's choices."""

from __future__ import annotations

from collections.abc import Sequence

from mtsmart.config.regularizers import DEFAULT, OFF
from mtsmart.errors import did_you_mean

_ON = {"on", "yes", "true", "enabled"}
_NOT_ON = {"no", "none", "false", "disabled"}


def hint_for_choice(value: object, choices: Sequence[str]) -> str:
    """Which of the choices is meant. Where they are the presets of a method, also for the words on and none.

    Args:
        value: what the user wrote.
        choices: the words that the setting takes; of a method's presets the first one stands for all of it.
    """
    if OFF not in choices:
        return did_you_mean(value, choices)
    presets = [choice for choice in choices if choice not in (DEFAULT, OFF)]
    word = str(value).casefold()
    if word in _NOT_ON:
        return f"Write '{OFF}'"
    if word in _ON and presets:
        return f"Write the name of a preset, such as '{presets[0]}'"
    return did_you_mean(value, [*presets, OFF])  # The default may be off, which nobody who names a preset wants.
