"""Draws a plot for each table: a point for each seed, the mean with its interval, and a line at the baseline's mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mtsmart.metrics.statistics import bootstrap_interval
from mtsmart.reporting.report.drawing import plain_matplotlib
from mtsmart.storage.durable import replacing
from mtsmart.sweeps.tables import Comparison
from mtsmart.text.escaping import cut

_SETTINGS: Any = {"svg.hashsalt": "mtsmart", "svg.fonttype": "none", "font.size": 9}
_LONGEST = 40  # the largest number of characters in a label


def draw(comparison: Comparison, file: Path, scratch: Path | None = None) -> None:
    """Write the plot of a table as SVG, with matplotlib. The same figures give the same bytes."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with plain_matplotlib(_SETTINGS):
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
        axes.set_yticks(range(len(comparison.rows)), [cut(row.arm, _LONGEST) for row in comparison.rows])
        axes.invert_yaxis()
        scored = cut(f"{comparison.metric} of {comparison.task}", _LONGEST)
        axes.set_xlabel(f"{scored}, times 100; bars: the mean's 95 % interval")
        for text in (*axes.get_yticklabels(), axes.xaxis.label):
            text.set_parse_math(False)  # Matplotlib would read the dollar signs of a name as formulas.
        with replacing(file, scratch) as aside:
            figure.savefig(aside, format="svg", metadata={"Date": None})
