"""The settings that stand under a task's ``options``, so that one in another place gets a hint."""

from __future__ import annotations

from mtsmart.errors import alike

OPTION_NAMES: set[str] = set()
"""The names of the options of all task types that are imported."""


def hint_for_option(key: str) -> str | None:
    """Where an unknown key belongs that is an option of a task type; None for any other key."""
    option = alike(key, OPTION_NAMES)
    if option is None:
        return None
    return f"Task types have such a setting under 'options' of the task: options: {{{option}: ...}}"
