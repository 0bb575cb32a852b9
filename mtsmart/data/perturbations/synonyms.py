"""Words that are replaced by others of the same meaning, from a list of our own (``synonyms.txt``)."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from random import Random

from mtsmart.data.perturbations.base import PERTURBATIONS, Perturbation, drawn

# Parts of words with hyphens, apostrophes or digits are no words.
_WORD = re.compile(r"(?<![\w'\u2019-])[A-Za-z]+(?![\w'\u2019-])")
_ARTICLE = re.compile(r"(?:^|\W)(?:a|an)\s+$", re.IGNORECASE)
_LONGEST_ARTICLE = 12  # characters before a word in which an article is looked for


@lru_cache(maxsize=1)
def synonyms() -> dict[str, str]:
    """Word -> the word that replaces it, both in lower case."""
    text = files("mtsmart.data.perturbations").joinpath("synonyms.txt").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return dict(lines)


def _replacement(found: re.Match[str]) -> str | None:
    """The word for a place of a text, in its case; None where there is none, or an article before it would not fit."""
    word = found[0]
    other = synonyms().get(word.lower())
    if other is None or not (word.islower() or word.istitle() or word.isupper()):
        return None
    before = found.string[max(0, found.start() - _LONGEST_ARTICLE) : found.start()]
    if _ARTICLE.search(before) and (word[0].lower() in "aeiou") != (other[0] in "aeiou"):
        return None
    if word.islower():
        return other
    return other.capitalize() if word.istitle() else other.upper()


def _with_synonyms(text: str, share: float, random: Random) -> str:
    known = [(found, other) for found in _WORD.finditer(text) if (other := _replacement(found)) is not None]
    for found, other in sorted(drawn(known, share, random), key=lambda each: each[0].start(), reverse=True):
        text = text[: found.start()] + other + text[found.end() :]
    return text


PERTURBATIONS.register("synonyms")(Perturbation(_with_synonyms, share=1.0))
