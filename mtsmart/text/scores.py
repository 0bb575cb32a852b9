"""Scores as text."""

from __future__ import annotations

import math


def score_text(value: float | None) -> str:
    """A score with four decimals. One that its split does not define is NaN, or None in JSON."""
    return "undefined" if value is None or math.isnan(value) else f"{value:.4f}"
