"""Slips of the keyboard: one in each of a share of the words of at least four letters."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from mtsmart.data.perturbations.base import PERTURBATIONS, Perturbation, drawn

_WORD = re.compile(r"[^\W\d_]{4,}")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    """Letter -> the letters of the keys that touch its key; each row of keys stands half a key further right."""
    places = {letter: (number, place) for number, row in enumerate(_ROWS) for place, letter in enumerate(row)}
    steps = {(0, -1), (0, 1), (-1, 0), (-1, 1), (1, -1), (1, 0)}
    return {
        letter: "".join(other for other, (row, place) in places.items() if (row - at[0], place - at[1]) in steps)
        for letter, at in places.items()
    }


_NEIGHBOURS = _neighbours()


def _swapped(word: str, random: Random) -> str | None:
    """Two adjacent inner letters change places; None where all of them are equal."""
    places = [place for place in range(1, len(word) - 2) if word[place] != word[place + 1]]
    if not places:
        return None
    place = random.choice(places)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _dropped(word: str, random: Random) -> str:
    place = random.randrange(len(word))
    return word[:place] + word[place + 1 :]


def _doubled(word: str, random: Random) -> str:
    place = random.randrange(len(word))
    return word[: place + 1] + word[place:]


def _mistyped(word: str, random: Random) -> str | None:
    """A letter becomes that of a key beside it; None for a word without letters that the keyboard has."""
    places = [place for place, letter in enumerate(word) if letter.lower() in _NEIGHBOURS]
    if not places:
        return None
    place = random.choice(places)
    other = random.choice(_NEIGHBOURS[word[place].lower()])
    return word[:place] + (other.upper() if word[place].isupper() else other) + word[place + 1 :]


_SLIPS: tuple[Callable[[str, Random], str | None], ...] = (_swapped, _dropped, _doubled, _mistyped)


def _slip(word: str, random: Random) -> str:
    """The word with one slip, of a kind that is possible in it."""
    slips = random.sample(_SLIPS, len(_SLIPS))
    return next(changed for slip in slips if (changed := slip(word, random)) is not None)


def _with_typos(text: str, share: float, random: Random) -> str:
    words = list(_WORD.finditer(text))
    for word in sorted(drawn(words, share, random), key=lambda found: found.start(), reverse=True):
        text = text[: word.start()] + _slip(word[0], random) + text[word.end() :]
    return text


PERTURBATIONS.register("typos")(Perturbation(_with_typos, share=0.15))
