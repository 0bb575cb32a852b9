"""The size of the tree in which a Unigram model searches its pieces, counted before the tree is built.

The tree has a node for each different beginning of a piece, in bytes. The pieces stand in tokenizer.json, or in a file
of SentencePiece (``*.model``, ``*.spm``), which has the form of a protocol buffer: fields with a number, of which the
first is repeated for each piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from mtsmart.models.checks.merges import check_merges

_MOST_NODES = 6_000_000  # each takes 350 bytes; a vocabulary of 900,000 pieces has some 5 million
_LONGEST = 1_000  # bytes of a piece in a file of SentencePiece
_PIECE = 10  # the key of field 1 of the file, and of field 1 of a piece, both with a length
# Kinds of fields in a protocol buffer.
_VARINT = 0
_EIGHT_BYTES = 1
_WITH_LENGTH = 2
_BORDERS = (3, 4)  # where a group of fields begins and ends
_FOUR_BYTES = 5


def check_pieces(vocab: Any) -> None:
    """Refuse a vocabulary whose tree would fill the memory. Only Unigram has a list of pieces.

    Args:
        vocab: a list of lists, each of which begins with a piece. Nothing else is looked at.

    Raises:
        ValueError: says how many nodes the tree has.
    """
    if isinstance(vocab, list):
        _check_nodes([pair[0].encode(errors="replace") for pair in vocab if isinstance(pair, list) and _is_piece(pair)])


def check_sentencepiece(file: Path, is_needed: bool) -> None:
    """Refuse a file of SentencePiece whose tree, or whose merges, would fill the memory.

    A file of another form is not looked at.

    Args:
        file: the file.
        is_needed: whether the folder has no tokenizer.json, which is read first. To look at each piece takes some
            seconds, and where the file is small and may not be needed, it is left out.

    Raises:
        ValueError: says how many nodes the tree has, how much the merges may take, or how long a piece is.
    """
    if not is_needed and file.stat().st_size <= _MOST_NODES:
        return
    try:
        pieces = list(_pieces(file.read_bytes()))
    except (IndexError, ValueError):
        return  # The library that reads it refuses it as well.
    longest = max(map(len, pieces), default=0)
    if longest > _LONGEST:
        raise ValueError(f"{file.name} has a piece of {longest:,} bytes, where {_LONGEST:,} are the most")
    _check_nodes(pieces)
    check_merges({piece.decode(errors="replace") for piece in pieces})


def _check_nodes(pieces: list[bytes]) -> None:
    nodes = sum(map(len, pieces))
    if nodes > _MOST_NODES:
        pieces.sort()
        nodes -= sum(_shared(*pair) for pair in pairwise(pieces))
    if nodes > _MOST_NODES:
        raise ValueError(f"its tokenizer's pieces begin in {nodes:,} ways, where {_MOST_NODES:,} are the most")


def _shared(first: bytes, second: bytes) -> int:
    """The length of the beginning that both have."""
    places = enumerate(zip(first, second, strict=False))
    return next((place for place, (one, other) in places if one != other), min(len(first), len(second)))


def _is_piece(pair: list[Any]) -> bool:
    return bool(pair) and isinstance(pair[0], str)


def _pieces(content: bytes) -> Iterator[bytes]:
    """The pieces in a file of SentencePiece.

    Raises:
        IndexError: it is cut off.
        ValueError: it is no protocol buffer.
    """
    for start, end in _fields(content, 0, len(content)):
        yield from (content[first:last] for first, last in _fields(content, start, end))


def _fields(content: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the values of a message's first field begin and end. Other fields are skipped.

    Raises:
        IndexError: the message is cut off.
        ValueError: it is no message.
    """
    place = start
    while place < end:
        key, place = _number(content, place)
        key &= 2**32 - 1  # Readers of protocol buffers cut it off there.
        kind = key & 7
        if kind == _WITH_LENGTH:
            length, place = _number(content, place)
            if place + length > end:
                raise IndexError(length)
            if key == _PIECE:
                yield place, place + length
            place += length
        elif kind == _VARINT:
            _, place = _number(content, place)
        elif kind in (_FOUR_BYTES, _EIGHT_BYTES):
            place += 4 if kind == _FOUR_BYTES else 8
        elif kind not in _BORDERS:
            raise ValueError(kind)


def _number(content: bytes, place: int) -> tuple[int, int]:
    """The number that begins at ``place``, seven bits a byte, and the place after it.

    Raises:
        IndexError: the content ends inside it.
        ValueError: it is longer than any number of a protocol buffer.
    """
    value = content[place]
    if value < 128:
        return value, place + 1
    value &= 127
    for more in range(1, 10):
        byte = content[place + more]
        value |= (byte & 127) << 7 * more
        if byte < 128:
            return value, place + more + 1
    raise ValueError(place)
