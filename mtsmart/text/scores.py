"""Scores as text."""

from __future__ import annotations

import math


def score_text(value: float | None, digits: int = 4) -> str:
    """A score with so many decimals. One that its split does not define is NaN, or None in JSON."""
    return "undefined" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def score_cell(value: float | None) -> str:
    """A score in a table of runs, as :func:`score_text`; a dash where a run has none (yet)."""
    return "-" if value is None else score_text(value)
