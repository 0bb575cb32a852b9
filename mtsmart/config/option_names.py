"""The settings that stand under a task's ``options``, so that one in another place gets a hint."""

from __future__ import annotations

from collections.abc import Iterable

from mtsmart.errors import nearest

OPTION_NAMES: set[str] = set()
"""The names of the options of all task types that are imported."""


def hint_for_option(key: str, known: Iterable[str]) -> str | None:
    """Where an unknown key belongs; None unless it is more like an option of a task type than like a known key."""
    here = set(known)
    near = nearest(key, OPTION_NAMES | here)
    if near is None or near in here or here <= OPTION_NAMES:  # The last: these are the options of a task.
        return None
    return f"Task types have such a setting under 'options' of the task: options: {{{near}: ...}}"
