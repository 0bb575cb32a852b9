"""Compare heads, with and without a faster new layer, with what `head: auto` chooses.

    python -m benchmarks.heads FOLDER [--no-train]

Trains the missing runs of the sweeps in experiments/heads/, one at a time, into sweeps below FOLDER, and writes the
tables in docs/heads.md between their two marks. A run that is done is not trained again. Needs
MTSMART_HUB_DIR or the Hub.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import fmean

from benchmarks.speed.timing import machine, put_between, table
from mtsmart.config.loader import load_experiment
from mtsmart.metrics.statistics import summarize
from mtsmart.quiet import quiet_libraries
from mtsmart.sweeps.folder import LEDGER
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.plan import make_plan
from mtsmart.sweeps.sweep import sweep
from mtsmart.sweeps.tables import Comparison, Row, compare

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENTS = ROOT / "experiments" / "heads"
SWEEPS = (
    "choice_labels",
    "choice_few_labels",
    "choice_similarity",
    "factor_labels",
    "factor_similarity",
    "labels",
    "similarity",
    "grammar",
    "quickstart",
)
TARGET = ROOT / "docs" / "heads.md"
BEGIN = "<!-- heads: written by benchmarks/heads.py -->\n"
END = "<!-- heads: end -->\n"
AUTO = "auto"


def main() -> None:
    """Train what has not been trained, and write the tables."""
    quiet_libraries()
    folder = Path(sys.argv[1])
    for name in SWEEPS:
        if "--no-train" not in sys.argv:
            sweep(EXPERIMENTS / f"{name}.yaml", output_dir=folder / name, jobs=1, notify=print)
        write_page([comparison for each in SWEEPS for comparison in comparisons(each, folder / each)])


def comparisons(name: str, folder: Path) -> list[Comparison]:
    """The tables of one sweep, task by task; none where no run is done."""
    if not (folder / LEDGER).is_file():
        return []
    plan = make_plan(load_experiment(EXPERIMENTS / f"{name}.yaml"), [], folder)
    found = compare(plan, Ledger(folder / LEDGER))
    return [score(name, found), *found] if len(found) > 1 else found


def score(name: str, of_tasks: list[Comparison]) -> Comparison:
    """The table of the runs' scores: of each run, the mean of its tasks' main metrics."""
    rows = []
    for same_arm in zip(*(comparison.rows for comparison in of_tasks), strict=True):
        seeds = set.intersection(*(set(row.scores) for row in same_arm))
        scores = {seed: fmean(row.scores[seed] for row in same_arm) for seed in sorted(seeds)}
        rows.append(Row(same_arm[0].arm, scores, summarize(list(scores.values()))))
    return Comparison(f"heads_{name}: all tasks", "", "score", None, rows, of_tasks[0].scored)


def write_page(found: list[Comparison]) -> None:
    """Put the tables between their marks."""
    put_between(TARGET, BEGIN, END, "\n".join(page(found)))


def page(found: list[Comparison]) -> list[str]:
    """The tables, the verdicts on ``auto`` and how they were made."""
    lines = [line for comparison in found for line in _shown(comparison)]
    return [*lines, machine(), ""]


def _shown(comparison: Comparison) -> list[str]:
    rows = [[row.arm, str(row.summary.count), _score(row)] for row in comparison.rows]
    return [
        f"### {comparison.title}, {comparison.metric}",
        "",
        *table(["arm", "seeds", "mean (standard error)"], rows),
        *([verdict(comparison.rows), ""] if any(row.arm == AUTO for row in comparison.rows) else []),
    ]


def _score(row: Row) -> str:
    error = row.summary.error
    return f"{row.summary.mean:.3f}" if error is None else f"{row.summary.mean:.3f} ({error:.3f})"


def verdict(rows: list[Row]) -> str:
    """Whether ``auto`` is at least as good as the best other arm, within one standard error of that arm."""
    auto = next(row for row in rows if row.arm == AUTO)
    best = max((row for row in rows if row.arm != AUTO), key=lambda row: row.summary.mean)
    is_as_good = auto.summary.mean >= best.summary.mean - (best.summary.error or 0.0)
    how = "not more than" if is_as_good else "more than"
    return f"`auto` is {how} one standard error below {best.arm}, the best other arm."


if __name__ == "__main__":
    main()
