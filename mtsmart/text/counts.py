"""Counts as text."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, noun: str) -> str:
    """A count with its noun: ``1 row``, ``1,200 rows``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def part_of(count: int, total: int, noun: str, more: str = "") -> str:
    """Some of several things: ``1 of 3 rows``, ``2 of 3 rows``; ``1 row`` where there is no other.

    Args:
        count: how many of them.
        total: how many there are.
        noun: one of them.
        more: what follows the noun, such as `` of the split``.
    """
    return f"1 {noun}{more}" if total == 1 else f"{count:,} of {total:,} {noun}s{more}"


def some_of(names: Sequence[str], most: int, others: str = "") -> str:
    """The first of some names, and how many more there are: ``a, b and 3 more``.

    Args:
        names: all of them.
        most: how many are named.
        others: what the rest are, such as ``labels``.
    """
    rest = len(names) - most
    more = f" and {rest} more {others}".rstrip() if rest > 0 else ""
    return ", ".join(names[:most]) + more


def first_of(count: int, number: int) -> str:
    """Which row comes first of some: ``it is row 2``, or ``the first is row 2``.

    Args:
        count: how many rows there are.
        number: of the first one, from 1.
    """
    return f"{'it' if count == 1 else 'the first'} is row {number}"
