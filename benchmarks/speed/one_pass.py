"""Six labels on one text: one pass of the encoder for all, beside one label alone, and beside a batch of each."""

from __future__ import annotations

import json
import statistics
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.speed import workload
from benchmarks.speed.timing import interleaved, paired_ratio, spread, table, verdict
from benchmarks.speed.workload import PLAIN, trainer
from mtsmart.data.batch import Batch
from mtsmart.data.loader import load_batches
from mtsmart.training.trainer import Trainer

BATCH = 32
TOKENS = 64
UPDATES = 4
HEADS = 6
ONE = "one head"
JOINED = "six heads, one pass"
APART = "six heads, a batch of each"
LIMIT = 1.5
ALL = tuple(f"label{number}" for number in range(HEADS))


def measure(folder: Path, repeats: int) -> dict[str, list[float]]:
    """Seconds of ``UPDATES`` updates; an update has all heads' labels of 32 texts."""
    folder.mkdir(parents=True)
    arms = {
        ONE: _updates(folder / "one", ALL[:1], one_pass=False),
        JOINED: _updates(folder / "joined", ALL, one_pass=True),
        APART: _updates(folder / "apart", ALL, one_pass=False),
    }
    return interleaved(arms, repeats)


def _updates(folder: Path, labels: tuple[str, ...], *, one_pass: bool) -> partial[None]:
    made = trainer(_experiment(folder, labels, one_pass=one_pass), PLAIN, folder / "run")
    per_update = 1 if one_pass else len(labels)
    batches = [batch.to(made.device) for batch in load_batches(made.sampler.plan(0), *made.setup.sources_of_batches())]
    groups = [tuple(batches[start : start + per_update]) for start in range(0, len(batches), per_update)]
    return partial(_run, made, groups[:UPDATES])


def _run(made: Trainer, groups: list[tuple[Batch, ...]]) -> None:
    for group in groups:
        made.update(group)


def _experiment(folder: Path, labels: tuple[str, ...], *, one_pass: bool) -> Path:
    folder.mkdir(parents=True)
    words = workload.WORDS
    texts = [
        " ".join(words[(row + place) % len(words)] for place in range(TOKENS - 2)) for row in range(BATCH * UPDATES)
    ]
    rows = [{"text": text, **{label: str(row % 2) for label in labels}} for row, text in enumerate(texts)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    tasks = "".join(
        f"  {label}: {{task_type: classification, dataset: {{files: {{train: rows.jsonl}}}}, text: [text], "
        f'label: {label}, labels: ["0", "1"], head: native, learning_rate_factor: 1}}\n'
        for label in labels
    )
    file = folder / "e.yaml"
    file.write_text(
        f"tasks:\n{tasks}encoder: {{path: {workload.ENCODER}}}\n"
        f"mixing: {{strategy: rounds, one_pass: {str(one_pass).lower()}}}\n"
        f"data: {{max_length: {TOKENS}, cache_dir: {folder}/cache}}\ntraining: {{epochs: 1, batch_size: {BATCH}}}\n",
        encoding="utf-8",
    )
    return file


def page(measured: dict[str, Any]) -> list[str]:
    """The section of RESULTS.md."""
    rows = []
    for arm, values in measured.items():
        ratio = paired_ratio(values, measured[ONE])
        seconds = [value / UPDATES for value in values]
        shown = verdict(ratio, LIMIT) if arm == JOINED else f"{ratio:.2f}"
        rows.append([arm, spread(seconds), f"{BATCH / statistics.median(seconds):.0f}", shown])
    return [
        "## Several labels on one text",
        "",
        f"{BATCH} texts of {TOKENS} tokens an update, each with the labels of all heads, with `mixing.one_pass` and "
        "without it; the real trainer on the same texts.",
        "",
        *table(["", "seconds an update, median (range)", "texts/s", "times one head"], rows),
    ]
