"""The merges that transformers makes of a vocabulary without any: one for each way to split a piece into two others."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

import numpy as np

_BYTES_OF_MERGE = 300  # lists and texts of Python, without the characters
_BYTES_OF_CHARACTER = 4  # the most that Python takes
_MOST_BYTES = 2 * 2**30
_Length = TypeVar("_Length", int, np.ndarray)


def check_merges(pieces: Collection[str]) -> None:
    """Refuse a vocabulary whose merges would fill the memory. Those of its own may turn out unreadable.

    Args:
        pieces: a set of texts, or a dictionary with texts as keys.

    Raises:
        ValueError: says how much they may take.
    """
    # Honest vocabularies are so small that not even all splits together would take too much, and are done here.
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    if (lengths * _cost(lengths)).sum() <= _MOST_BYTES:
        return
    size = 0
    for piece in pieces:
        size += _splits(piece, pieces) * _cost(len(piece))
        if size > _MOST_BYTES:
            most = _MOST_BYTES / 2**20
            raise ValueError(f"the merges of its tokenizer's pieces would take more than {most:,.0f} MB")


def _cost(length: _Length) -> _Length:
    """Bytes of one merge of a piece of this length; a number, or an array of them."""
    return _BYTES_OF_MERGE + _BYTES_OF_CHARACTER * length


def _splits(piece: str, pieces: Collection[str]) -> int:
    return sum(piece[:place] in pieces and piece[place:] in pieces for place in range(1, len(piece)))
