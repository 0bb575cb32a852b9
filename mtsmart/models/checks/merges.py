"""The merges that transformers makes of a vocabulary without any: one for each way to split a piece into two others."""

from __future__ import annotations

from collections.abc import Collection

_BYTES_OF_MERGE = 300  # lists and texts of Python, without the characters
_BYTES_OF_CHARACTER = 4  # the most that Python takes
_MOST_BYTES = 2 * 2**30


def check_merges(pieces: Collection[str]) -> None:
    """Refuse a vocabulary whose merges would fill the memory. Those of its own may turn out unreadable.

    Args:
        pieces: a set of texts, or a dictionary with texts as keys.

    Raises:
        ValueError: says how much they may take.
    """
    # Honest vocabularies are so small that not even all splits together would take too much, and are done here.
    if sum(len(piece) * _cost(piece) for piece in pieces) <= _MOST_BYTES:
        return
    size = 0
    for piece in pieces:
        size += _splits(piece, pieces) * _cost(piece)
        if size > _MOST_BYTES:
            most = _MOST_BYTES / 2**20
            raise ValueError(f"the merges of its tokenizer's pieces would take more than {most:,.0f} MB")


def _cost(piece: str) -> int:
    """Bytes of one merge of this piece."""
    return _BYTES_OF_MERGE + _BYTES_OF_CHARACTER * len(piece)


def _splits(piece: str, pieces: Collection[str]) -> int:
    return sum(piece[:place] in pieces and piece[place:] in pieces for place in range(1, len(piece)))
