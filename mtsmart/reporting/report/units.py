"""Durations, memory and dates in the words of people."""

from __future__ import annotations

from datetime import datetime


def duration(seconds: float) -> str:
    """``48 s``, ``12 min 5 s`` or ``3 h 20 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def memory(size: int | None) -> str:
    """Bytes as MB or GB; a dash if they are not known."""
    if size is None:
        return "-"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def date_text(date: datetime) -> str:
    """The day and the minute."""
    return date.strftime("%Y-%m-%d %H:%M")
