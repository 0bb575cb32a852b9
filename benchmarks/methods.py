"""One page of what every method gives, from the ledger of experiments/methods.

    python -m benchmarks.methods

Writes experiments/methods/README.md and methods.svg. Differences are paired by seed, and the p values of the whole page
are corrected together (Holm).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

from benchmarks.speed.timing import table
from mtsmart.config.loader import load_experiment
from mtsmart.metrics.statistics import Difference, significant
from mtsmart.quiet import quiet_libraries
from mtsmart.sweeps.folder import LEDGER
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.plan import Plan, make_plan
from mtsmart.sweeps.tables import Comparison, compare

FOLDER = Path(__file__).resolve().parents[1] / "experiments" / "methods"
PLOT = "methods.svg"
SEEDS = 5  # fewer say nothing
SCALE = 100  # scores are shown times this

Cell = tuple[str, str]
"""An arm and the title of a comparison."""


def main() -> None:
    """Read the ledger, write the page and the plot."""
    quiet_libraries()
    os.chdir(FOLDER.parents[1])
    plan = make_plan(load_experiment(FOLDER / "methods.yaml"), [], FOLDER)
    found = compare(plan, Ledger(FOLDER / LEDGER))
    draw(found, FOLDER / PLOT)
    (FOLDER / "README.md").write_text("\n".join(page(plan, found)), encoding="utf-8")


def page(plan: Plan, found: list[Comparison]) -> list[str]:
    """The page's lines."""
    better, worse = verdicts(found)
    arms = list(dict.fromkeys(row.arm for comparison in found for row in comparison.rows))
    rows = [[arm, *(_cell(comparison, arm, better | worse) for comparison in found), _cost(found, arm)] for arm in arms]
    runs = sum(len(row.scores) for comparison in found for row in comparison.rows)
    planned = sum(len(jobs) for each in plan.tables for jobs in each.arms.values())
    return [
        "# Every method on the same batches",
        "",
        f"Written by `python -m benchmarks.methods` from runs.jsonl: {runs} of {planned} runs are done. The first row "
        "is the mean score of plain training, times 100, with its standard error. The others are differences to it, "
        f"paired by seed, with a 95 % interval; an arm with fewer than {SEEDS} seeds says how many. A difference "
        "in **bold** is significant after Holm's correction over the whole page. The last column is the median cost of "
        "an update, in times of a plain one. Strengths are the published ones; nothing was tuned for these tasks.",
        "",
        *table(["", *(f"{comparison.title}, {comparison.metric}" for comparison in found), "cost"], rows),
        _sentence("Better than plain", better),
        _sentence("Worse than plain", worse),
        "All other differences are not significant: there the methods did nothing that five seeds show.",
        "",
        f"![Differences to plain training]({PLOT})",
        "",
    ]


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


def draw(found: list[Comparison], file: Path) -> None:
    """The differences of all arms, one panel a task; a line is the interval."""
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "mtsmart"
    from matplotlib import pyplot

    size = (3 * len(found), 6)
    figure, axes = pyplot.subplots(1, len(found), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for axis, comparison in zip(axes[0], found, strict=True):
        rows = [row for row in comparison.rows if row.difference is not None]
        for row in rows:
            assert row.difference is not None
            axis.plot(SCALE * row.difference.mean, row.arm, "o", color="tab:blue", markersize=4)
            if row.difference.low is not None and row.difference.high is not None:
                ends = [SCALE * row.difference.low, SCALE * row.difference.high]
                axis.plot(ends, [row.arm, row.arm], color="tab:blue", linewidth=1.5)
        axis.axvline(0, color="grey", linewidth=0.8)
        axis.set_title(f"{comparison.title}\n{comparison.metric}", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.set_xlabel("points to plain", fontsize=8)
    axes[0][0].invert_yaxis()
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


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


def _cost(found: list[Comparison], arm: str) -> str:
    costs = sorted(row.cost for each in found for row in each.rows if row.arm == arm and row.cost is not None)
    return f"{costs[len(costs) // 2]:.1f}" if costs else ""


def _sentence(start: str, cells: set[Cell]) -> str:
    by_arm: dict[str, list[str]] = {}
    for arm, title in sorted(cells):
        by_arm.setdefault(arm, []).append(title)
    return f"{start}: {_named(by_arm)}.\n"


def _named(by_arm: Mapping[str, list[str]]) -> str:
    return "; ".join(f"{arm} ({', '.join(titles)})" for arm, titles in by_arm.items()) or "none"


if __name__ == "__main__":
    main()
