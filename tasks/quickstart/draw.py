"""Seeded drawing that keeps some material for the validation split."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")
Row = dict[str, str | float]

HOLD_OUT_EVERY = 5
HELD_OUT_SHARE = 0.3


class Draw:
    """Draws for one split of one task.

    Every fifth entry of a table or list of frames is held out: training never
    sees it, and validation takes a good part of its draws from the held-out entries.
    Only ``random.random`` is used, whose values are the same in every version of
    Python for a given seed.
    """

    def __init__(self, seed: str, *, held_out: bool) -> None:
        self._random = random.Random(seed)
        self._held_out = held_out

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random.random() < probability

    def any(self, items: Sequence[Item]) -> Item:
        """Any of the items, in either split."""
        return items[int(self._random.random() * len(items))]

    def item(self, items: Sequence[Item]) -> Item:
        """One of the items that this split may use."""
        kept = [item for place, item in enumerate(items) if place % HOLD_OUT_EVERY != HOLD_OUT_EVERY - 1]
        held = items[HOLD_OUT_EVERY - 1 :: HOLD_OUT_EVERY]
        return self.any(held if held and self._held_out and self.chance(HELD_OUT_SHARE) else kept)

    def weighted(self, weights: dict[Item, float]) -> Item:
        """A key, with a probability in proportion to its weight."""
        point = self._random.random() * sum(weights.values())
        for key, weight in weights.items():
            point -= weight
            if point < 0:
                return key
        return key

    def two(self, items: Sequence[Item]) -> tuple[Item, Item]:
        """Two different items."""
        first = int(self._random.random() * len(items))
        second = (first + 1 + int(self._random.random() * (len(items) - 1))) % len(items)
        return items[first], items[second]

    def other(self, items: Sequence[Item], item: Item) -> Item:
        """Any of the items but this one."""
        return self.any([candidate for candidate in items if candidate != item])

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in random order."""
        keys = [(self._random.random(), place) for place in range(len(items))]
        return [items[place] for _, place in sorted(keys)]
