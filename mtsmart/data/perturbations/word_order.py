"""Words that change places with their neighbours: a share of the pairs of adjacent words."""

from __future__ import annotations

import re
from itertools import pairwise
from random import Random

from mtsmart.data.perturbations.base import PERTURBATIONS, Perturbation, drawn

_BLANKS = re.compile(r"(\s+)")


def _reordered(text: str, share: float, random: Random) -> str:
    """No word moves more than one place, and what stands between the words stays where it is.

    So the share of the changed pairs is below 0.5, however large ``share`` is. Equal neighbours are no pair.
    """
    pieces = _BLANKS.split(text)
    places = [place for place, piece in enumerate(pieces) if piece and not piece.isspace()]
    pairs = [pair for pair in pairwise(places) if pieces[pair[0]] != pieces[pair[1]]]
    wanted = len(drawn(pairs, share, random))
    moved = set[int]()
    for first, second in random.sample(pairs, len(pairs)):
        if len(moved) < 2 * wanted and moved.isdisjoint((first, second)):
            pieces[first], pieces[second] = pieces[second], pieces[first]
            moved |= {first, second}
    return "".join(pieces)


PERTURBATIONS.register("word_order")(Perturbation(_reordered, share=0.15))
