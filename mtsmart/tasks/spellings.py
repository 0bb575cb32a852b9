"""Spellings of a split's name, which data files and task files may write in different letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def named(splits: Mapping[str, Any], base: str) -> str | None:
    """The split called ``base``, or the only one whose name is another spelling of it; None: there is none."""
    if base in splits:
        return base
    same = [name for name in splits if _folded(name) == _folded(base)]
    return same[0] if len(same) == 1 else None


def spelt_alike(names: Iterable[str | None]) -> dict[str, list[int]]:
    """Name of a split in its first spelling -> the places at which it stands, in any spelling.

    Spellings differ in the case of letters, or in blanks around them. What is nothing but blanks is no name.
    """
    places: dict[str, list[int]] = {}
    spellings: dict[str, str] = {}
    for place, name in enumerate(names):
        if name and name.strip():
            first = spellings.setdefault(_folded(name), name.strip())
            places.setdefault(first, []).append(place)
    return places


def _folded(name: str) -> str:
    """The same for all spellings of a split's name."""
    return name.strip().casefold()
