"""Counts as text."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A count with its noun: ``1 row``, ``1,200 rows``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
