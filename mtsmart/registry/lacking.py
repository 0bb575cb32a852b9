"""What an entry lacks of what its kind must have."""

from __future__ import annotations

from collections.abc import Iterable


def lacking(entry: object, needs: Iterable[str]) -> list[str]:
    """The attributes that an entry does not have, and the abstract methods that it has not written.

    Args:
        entry: a class or a function.
        needs: the attributes that an entry of its kind must have.
    """
    missing = [attribute for attribute in needs if not hasattr(entry, attribute)]
    return list(dict.fromkeys([*missing, *sorted(getattr(entry, "__abstractmethods__", ()))]))
