"""A plot for each table: a point for each seed, the mean with its interval, and the baseline's mean as a line."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from mtsmart.durable import replacing
from mtsmart.metrics.statistics import bootstrap_interval
from mtsmart.sweeps.tables import Comparison

_SETTINGS: Any = {"svg.hashsalt": "mtsmart", "svg.fonttype": "none", "font.size": 9}
_LONGEST = 40  # letters of a label


def plots_hint() -> str:
    """How to get plots."""
    return "plots need matplotlib, so they are left out: pip install 'mtsmart[plots]'"


def draw(comparison: Comparison, file: Path) -> bool:
    """Write a table's plot as SVG, the same bytes for the same figures; False where matplotlib is not installed."""
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        return False
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(7, 0.8 + 0.32 * len(comparison.rows)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        for place, row in enumerate(comparison.rows):
            values = [100 * value for value in row.scores.values()]
            low, high = bootstrap_interval(values)
            if low is not None and high is not None:
                axes.plot([low, high], [place, place], color="0.6", linewidth=5, solid_capstyle="butt", zorder=1)
            axes.plot(values, [place] * len(values), "o", color="tab:blue", markersize=4, alpha=0.6, zorder=2)
            axes.plot([100 * row.summary.mean], [place], "|", color="black", markersize=12, zorder=3)
            if row.arm == comparison.baseline:
                axes.axvline(100 * row.summary.mean, color="0.3", linewidth=0.8, linestyle="--", zorder=0)
        axes.set_yticks(range(len(comparison.rows)), [_short(row.arm) for row in comparison.rows])
        axes.invert_yaxis()
        scored = _short(f"{comparison.metric} of {comparison.task}")
        axes.set_xlabel(f"{scored}, times 100; bars: the mean's 95 % interval")
        for text in (*axes.get_yticklabels(), axes.xaxis.label):
            text.set_parse_math(False)  # a name may hold dollars
        with replacing(file) as aside, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of letters that its font lacks; the SVG names them as text
            figure.savefig(aside, format="svg", metadata={"Date": None})
    return True


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
