"""One page of what every method gives, from the ledger of experiments/methods.

    python -m benchmarks.methods

Writes experiments/methods/README.md and methods.svg. Differences are paired by seed, and the p values of the whole page
are corrected together (Holm).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.speed.timing import table
from mtsmart.config.loader import load_experiment
from mtsmart.metrics.statistics import Difference, significant
from mtsmart.quiet import quiet_libraries
from mtsmart.sweeps.folder import LEDGER
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.plan import Plan, make_plan
from mtsmart.sweeps.tables import Comparison, Row, compare

FOLDER = Path(__file__).resolve().parents[1] / "experiments" / "methods"
PLOT = "methods.svg"
SEEDS = 5  # fewer say nothing
SCALE = 100  # scores are shown times this
SHOWN = 0.05  # points: less than this is written as 0.0
LEFT = -10.0  # points: what lies further left is drawn at the edge, so that the rest can be told apart
RIGHT = 7.0
COLOURS = {1: "tab:green", 0: "tab:gray", -1: "tab:red"}  # significantly better than plain, neither, worse

Cell = tuple[str, str]
"""An arm and the title of a comparison."""


def main() -> None:
    """Read the ledger, write the page and the plot."""
    quiet_libraries()
    os.chdir(FOLDER.parents[1])
    plan = make_plan(load_experiment(FOLDER / "methods.yaml"), [], FOLDER)
    ledger = Ledger(FOLDER / LEDGER)
    found = [comparison for comparison in compare(plan, ledger) if comparison.baseline is not None]
    better, worse = verdicts(found)
    draw(found, better, worse, FOLDER / PLOT)
    (FOLDER / "README.md").write_text("\n".join(page(plan, ledger, found, better, worse)), encoding="utf-8")


def page(plan: Plan, ledger: Ledger, found: list[Comparison], better: set[Cell], worse: set[Cell]) -> list[str]:
    """The page's lines."""
    arms = list(dict.fromkeys(row.arm for comparison in found for row in comparison.rows))
    rows = [[arm, *(_cell(comparison, arm, better | worse) for comparison in found)] for arm in arms]
    done = [ledger[job.key] for job in plan.jobs if job.key in ledger]
    machines = Counter(run.machine for run in done)
    told = ", ".join(f"{count} on {name}" for name, count in machines.most_common())
    return [
        "# Methods on the same batches",
        "",
        f"![Differences to plain training]({PLOT})",
        "",
        "Each panel is a task, each line a method: the difference to plain training in points, paired by seed, with a "
        "95 % interval. Green and red differences are significant after Holm's correction over the whole page; of the "
        "grey ones, five seeds show no difference. What lies off the scale is drawn at its edge.",
        "",
        _sentence("**Better than plain**", better),
        _sentence("**Worse than plain**", worse),
        _sentence("Better in its own interval, but not after the correction", hints(found, better, 1)),
        _sentence("Worse in its own interval, but not after the correction", hints(found, worse, -1)),
        "Of all others, five seeds show no difference. Strengths are the published ones, except where the name says "
        "otherwise: on this small encoder some published strengths keep a task from being learnt. They were chosen for "
        "encoders that are five to fifteen times as large, and nothing was tuned here. What each method costs is in "
        "[benchmarks/RESULTS.md](../../benchmarks/RESULTS.md).",
        "",
        "The first row is the mean score of plain training, times 100, with its standard error. The others are "
        "differences to it.",
        "",
        *table(["", *(f"{comparison.title}, {comparison.metric}" for comparison in found)], rows),
        f"Written by `python -m benchmarks.methods` from runs.jsonl: {len(done)} of {len(plan.jobs)} runs, {told}. "
        "[methods.yaml](methods.yaml) says what each arm sets. The encoder is all-MiniLM-L6-v2, whose makers tuned it "
        "on sentence pairs, among them SNLI's.",
        "",
    ]


def hints(found: list[Comparison], told: set[Cell], sign: int) -> set[Cell]:
    """The differences of one sign whose own interval leaves out 0, and that are not significant on the whole page."""
    return {
        (row.arm, comparison.title)
        for comparison in found
        for row in comparison.rows
        if (row.arm, comparison.title) not in told and row.difference is not None and _side(row.difference) == sign
        if SCALE * abs(row.difference.mean) >= SHOWN
    }


def _side(difference: Difference) -> int:
    """On which side of 0 the whole interval lies; 0 if it holds 0."""
    if difference.low is None or difference.high is None:
        return 0
    return int(difference.low > 0) - int(difference.high < 0)


def verdicts(found: list[Comparison]) -> tuple[set[Cell], set[Cell]]:
    """The significant differences of the whole page: those above 0 and those below."""
    cells: list[Cell] = []
    differences: list[Difference] = []
    planned = 0
    for comparison in found:
        for row in comparison.rows:
            planned += row.arm != comparison.baseline
            if row.difference is not None and row.is_finished:
                cells.append((row.arm, comparison.title))
                differences.append(row.difference)
    told = [cell for cell, verdict in zip(cells, significant(differences, planned), strict=True) if verdict]
    means = {cell: difference.mean for cell, difference in zip(cells, differences, strict=True)}
    better = {cell for cell in told if means[cell] > 0}
    return better, set(told) - better


def draw(found: list[Comparison], better: set[Cell], worse: set[Cell], file: Path) -> None:
    """The differences of all arms, one panel a task; a line is the interval."""
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "mtsmart"
    from matplotlib import pyplot

    size = (2.6 * len(found) + 1.4, 7)
    figure, axes = pyplot.subplots(1, len(found), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for axis, comparison in zip(axes[0], found, strict=True):
        for row in (row for row in comparison.rows if row.difference is not None):
            cell = (row.arm, comparison.title)
            _draw_difference(axis, row, COLOURS[int(cell in better) - int(cell in worse)])
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_xlim(LEFT - 0.5, RIGHT + 0.5)
        axis.grid(axis="y", color="0.92")
        axis.set_title(f"{comparison.title}\n{comparison.metric}", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.set_xlabel("points to plain", fontsize=8)
    axes[0][0].invert_yaxis()
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def _draw_difference(axis: Any, row: Row, colour: str) -> None:
    """A dot and its interval; at the edge an arrow and the number."""
    assert row.difference is not None
    mean = SCALE * row.difference.mean
    if row.difference.low is not None and row.difference.high is not None:
        ends = [max(LEFT, SCALE * row.difference.low), min(RIGHT, SCALE * row.difference.high)]
        if ends[0] < ends[1]:
            axis.plot(ends, [row.arm, row.arm], color=colour, linewidth=1.5)
    if mean >= LEFT:
        axis.plot(mean, row.arm, "o", color=colour, markersize=4)
        return
    axis.plot(LEFT, row.arm, "<", color=colour, markersize=5)
    axis.annotate(f"{mean:.0f}", (LEFT, row.arm), (5, 3), textcoords="offset points", fontsize=7, color=colour)


def _cell(comparison: Comparison, arm: str, told: set[Cell]) -> str:
    row = next((row for row in comparison.rows if row.arm == arm), None)
    if row is None:
        return ""
    few = f" ({len(row.scores)} seeds)" if len(row.scores) < SEEDS else ""
    if row.difference is None:
        error = f" ± {SCALE * row.summary.error:.1f}" if row.summary.error is not None else ""
        return f"{SCALE * row.summary.mean:.1f}{error}{few}"
    text = f"{SCALE * row.difference.mean:+.1f}"
    if row.difference.low is not None and row.difference.high is not None:
        text += f" ({SCALE * row.difference.low:+.1f} to {SCALE * row.difference.high:+.1f})"
    return f"**{text}**{few}" if (arm, comparison.title) in told else f"{text}{few}"


def _sentence(start: str, cells: set[Cell]) -> str:
    by_arm: dict[str, list[str]] = {}
    for arm, title in sorted(cells):
        by_arm.setdefault(arm, []).append(title)
    return f"{start}: {_named(by_arm)}.\n"


def _named(by_arm: Mapping[str, list[str]]) -> str:
    return "; ".join(f"{arm} ({', '.join(titles)})" for arm, titles in by_arm.items()) or "none"


if __name__ == "__main__":
    main()
