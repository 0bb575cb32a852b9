"""Does affinity say which task is the better start? Compared with what experiments/evidence has measured.

    nice -n 19 python -m benchmarks.affinity [--no-measure]

Runs `mtsmart affinity experiments/affinity/starts.yaml` for the seeds that have no figures yet, keeps their
affinity.json in experiments/affinity/measured, and writes the tables in docs/affinity.md between their two marks. Needs
MTSMART_HUB_DIR or the Hub.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.speed.timing import put_between
from mtsmart.affinity.command import affinity
from mtsmart.metrics.statistics import summarize
from mtsmart.quiet import quiet_libraries

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENT = ROOT / "experiments" / "affinity" / "starts.yaml"
MEASURED = ROOT / "experiments" / "affinity" / "measured"
TARGET = ROOT / "docs" / "affinity.md"
BEGIN = "<!-- affinity: written by benchmarks/affinity.py -->\n"
END = "<!-- affinity: end -->\n"
SEEDS = (1, 2, 3, 4, 5)
TARGETS = ("scitail", "snli")
BETTER = "stsb"  # the better start in the evidence
WORSE = "rte"
MEASURES = {"look_ahead": ("look-ahead, thousandths", 1000), "cosines": ("cosine, hundredths", 100)}
EVERY = 16


def main() -> None:
    """Measure what is missing, and write the tables."""
    quiet_libraries()
    for seed in SEEDS:
        file = MEASURED / f"seed_{seed}" / "affinity.json"
        if not file.is_file() and "--no-measure" not in sys.argv:
            _measure(seed, file)
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(MEASURED.glob("*/affinity.json"))]
    put_between(TARGET, BEGIN, END, "\n".join(page(found)))


def _measure(seed: int, file: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = [f"training.seed={seed}"]
        affinity(EXPERIMENT, settings, every=EVERY, start=TARGETS, output=Path(folder), notify=print)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes((Path(folder) / "affinity.json").read_bytes())


def page(found: list[dict[str, Any]]) -> list[str]:
    """The tables of both measures."""
    first = found[0]
    lines = [
        "",
        f"{len(found)} seeds, {first['updates']} updates each, measured every {first['every']}. "
        f"With the measurements, a run took {_cost(found):.1f} times as long.",
        "",
        f"| onto | measure | from {BETTER} | from {WORSE} | {BETTER} ranks above {WORSE} |",
        "|---|---|---|---|---|",
    ]
    for target in TARGETS:
        for measure, (title, unit) in MEASURES.items():
            values = [[unit * one[measure][task][target]["mean"] for one in found] for task in (BETTER, WORSE)]
            wins = sum(better > worse for better, worse in zip(*values, strict=True))
            cells = [_mean(of_task) for of_task in values]
            lines.append(f"| {target} | {title} | {' | '.join(cells)} | {wins} of {len(found)} seeds |")
    return [*lines, "", "Each number is the mean over seeds with its standard error.", "", ""]


def _mean(values: list[float]) -> str:
    summary = summarize(values)
    return f"{summary.mean:.2f}" if summary.error is None else f"{summary.mean:.2f} ± {summary.error:.2f}"


def _cost(found: list[dict[str, Any]]) -> float:
    seconds = [one["seconds"] for one in found]
    return 1 + float(sum(one["measuring"] for one in seconds) / sum(one["training"] for one in seconds))


if __name__ == "__main__":
    main()
