"""Measure how much each direction of SMART's first step moves the prediction, on trained models of every task type.

    python benchmarks/directions.py [UPDATES]

Trains each task alone from MiniLM, without regularisers. Then the radius of the preset `tuned` is used in every
direction on the same batches, without dropout. A task in benchmarks/directions.json is not measured again. Writes the
tables in docs/one-pass-attack.md between their two marks. Needs MTSMART_HUB_DIR or the Hub.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.speed.timing import interleaved, machine, paired_ratio, put_between, table
from benchmarks.speed.workload import ENCODER, PLAIN, batches_of, run_updates, trainer
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.data.batch import Batch
from mtsmart.losses import Role
from mtsmart.quiet import quiet_libraries
from mtsmart.regularizers import Context, clean_pass
from mtsmart.regularizers.shared.clean_pass import Pass
from mtsmart.regularizers.smart import Smart, SmartSettings
from mtsmart.training.trainer import Trainer

UPDATES = 100
BATCHES = 5
TIMED_BATCHES = 2
ROUNDS = 4  # of timing
TARGET = Path(__file__).resolve().parents[1] / "docs" / "one-pass-attack.md"
BEGIN = "<!-- directions: written by benchmarks/directions.py -->\n"
END = "<!-- directions: end -->\n"
LEDGER = Path(__file__).with_suffix(".json")
HEAD = "head: {type: plain, pooling: mean}, learning_rate_factor: 20"
SPAN = "xquad_en: {max_length: 256, batch_size: 8, learning_rate_factor: 10}"
TASKS = {
    "classification (SNLI)": f"snli: {{{HEAD}, splits: {{train: 'train[:6000]'}}}}",
    "ordinal (STS-B, rounded)": f"rounded: {{{HEAD}, task_type: ordinal, text: [sentence1, sentence2], "
    "labels: ['0', '1', '2', '3', '4', '5'], dataset: {files: {train: rounded.jsonl}}}",
    "multi-label (GoEmotions)": f"go_emotions: {{{HEAD}, splits: {{train: 'train[:6000]'}}}}",
    "tagging (WNUT-17)": "wnut_17: {learning_rate_factor: 10}",
    "span (XQuAD)": SPAN,
    "span (XQuAD), longer": SPAN,
    "masked LM (SNLI)": "words: {task_type: masked_lm, text: [premise], dataset: {path: stanfordnlp/snli}, "
    "splits: {train: 'train[:4000]'}}",
    "multiple choice (COPA)": f"copa: {{{HEAD}, batch_size: 16}}",
    "ranking (COPA)": f"copa_ranking: {{{HEAD}, batch_size: 16}}",
    "regression (STS-B)": "stsb: {splits: {train: 'train[:4000]'}}",
}
LONGER = {"span (XQuAD), longer": 400}  # Few rows teach the start and end of a span: 100 updates leave it undecided.
FIRST = ("ascent", "fisher", "predicted")
REFINED = {"refined, small step": 0.1, "refined, whole step": 1.0}  # shares of the radius
ARMS = (*FIRST, *REFINED)
TIMED = ("fisher", "ascent", "predicted", "refined, small step")
RADII = (3e-3, 1e-2)
BASE = "ascent"


def main() -> None:
    """Train and measure what has not been measured, write the tables."""
    quiet_libraries()
    updates = int(sys.argv[1]) if len(sys.argv) > 1 else UPDATES
    found = json.loads(LEDGER.read_text(encoding="utf-8")) if LEDGER.exists() else {}
    for name in TASKS:
        if name not in found:
            with tempfile.TemporaryDirectory() as scratch:
                found[name] = asdict(measured(name, Path(scratch), LONGER.get(name, updates)))
            LEDGER.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        write_page([Lines(**found[each]) for each in TASKS if each in found])


def write_page(lines: list[Lines]) -> None:
    """Put the tables between their marks."""
    put_between(TARGET, BEGIN, END, "\n".join(page(lines)))


@dataclass(frozen=True)
class Lines:
    """What is measured of a task type: a line of each table."""

    growth: list[str]
    seconds: list[str]
    precision: list[str]


def measured(name: str, folder: Path, updates: int) -> Lines:
    """R in each direction, the time of a term in each, and what bfloat16 changes."""
    made = trained(name, folder, updates)
    made.step.eval()
    batches = batches_of(made, epoch=1)[:BATCHES]
    values = {arm: mean_of(made, batches, arm)["R"] for arm in ARMS}
    growth = [f"{values[arm] / values[BASE]:.2f}" for arm in ARMS if arm != BASE]
    timed = interleaved({arm: partial(mean_of, made, batches[:TIMED_BATCHES], arm) for arm in TIMED}, ROUNDS)
    seconds = [f"{paired_ratio(timed[arm], timed['fisher']):.2f}" for arm in TIMED if arm != "fisher"]
    precision = [shown for radius in RADII for shown in in_half_precision(made, batches, radius)]
    return Lines([name, str(updates), f"{values[BASE]:.2g}", *growth], [name, *seconds], [name, *precision])


def in_half_precision(made: Trainer, batches: list[Batch], radius: float) -> list[str]:
    """R and delta/x in bfloat16 beside float32, in the direction ``predicted``."""
    full = mean_of(made, batches, "predicted", epsilon=radius)
    with torch.autocast(made.device.type, torch.bfloat16):
        half = mean_of(made, batches, "predicted", epsilon=radius)
    return [f"{half[name] / full[name]:.3f}" for name in ("R", "delta/x")]


def trained(name: str, folder: Path, updates: int) -> Trainer:
    """A trainer after some plain updates on one task."""
    if "rounded.jsonl" in TASKS[name]:
        write_rounded(folder / "rounded.jsonl")
    file = folder / f"{len(list(folder.iterdir()))}.yaml"
    file.write_text(
        f"tasks:\n  {TASKS[name]}\nencoder: {{path: {ENCODER}}}\ndata: {{max_length: 128, cache_dir: {folder}/cache}}\n"
        f"optimizer: {{learning_rate: 1e-4}}\ntraining: {{epochs: 1000, max_updates: {updates}, batch_size: 32}}\n",
        encoding="utf-8",
    )
    made = trainer(file, PLAIN, folder / file.stem)
    done = 0
    for epoch in range(updates):
        batches = batches_of(made, epoch)[: updates - done]
        run_updates(made, batches)
        done += len(batches)
        if done == updates:
            break
    return made


def write_rounded(file: Path) -> None:
    """STS-B with its similarities as the six whole numbers."""
    from mtsmart.config.sections import DataConfig
    from mtsmart.data.sources import load_split
    from mtsmart.tasks import TaskLibrary

    definition = TaskLibrary([])["stsb"]
    rows = load_split("stsb", definition, "train", ["sentence1", "sentence2"], DataConfig(cache_dir=str(file.parent)))
    lines = [{"sentence1": row["sentence1"], "sentence2": row["sentence2"], "label": label_of(row)} for row in rows]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def label_of(row: dict[str, Any]) -> str:
    """The nearest whole number of a row's similarity."""
    return str(round(row["label"]))


def mean_of(made: Trainer, batches: list[Batch], arm: str, **changes: Any) -> dict[str, float]:
    """The means over batches of R and delta/x in one direction, each with a clean pass of its own."""
    figures = list(terms(made, batches, arm, changes))
    return {name: sum(float(each[name]) for each in figures) / len(figures) for name in ("R", "delta/x")}


def terms(made: Trainer, batches: list[Batch], arm: str, changes: dict[str, Any]) -> Iterator[dict[str, Tensor]]:
    """The figures of each batch in one direction."""
    method: Any = REGULARIZERS["smart"]
    direction = "predicted" if arm in REFINED else arm
    settings = method.preset("tuned").model_copy(update={"direction": direction, **changes})
    context = Context(made.setup.model, made.setup.task_types, 1)
    kind = Refined if arm in REFINED else method
    smart = kind(context, dict.fromkeys(made.setup.task_types, settings))
    if arm in REFINED:
        smart.share = REFINED[arm]
    for number, batch in enumerate(batches):
        torch.manual_seed(number)
        clean = clean_pass(made.setup.model, made.setup.task_types[batch.task], batch)
        yield smart.term(clean, settings).figures


class Refined(Smart):
    """A power step after the direction ``predicted``, through the clean graph.

    The logits are computed without a graph at a part of the perturbation. The gradient of the divergence in them,
    pulled back through the clean graph, is ``J^T H J delta`` to first order.

    Attributes:
        share: the part of the perturbation.
    """

    share = 1.0

    def perturbation(self, clean: Pass, reference: Tensor, settings: SmartSettings) -> Tensor:
        """Delta (B, T, H), detached."""
        delta = self.share * super().perturbation(clean, reference, settings)
        with torch.no_grad():
            there = clean.forward(clean.inputs_embeds + delta)
        there.requires_grad_(True)
        value = clean.mean_divergence(there, reference.detach(), Role.ADVERSARIAL)
        (slope,) = torch.autograd.grad(value, there)
        (direction,) = torch.autograd.grad(reference, clean.inputs_embeds, slope, retain_graph=True)
        real = clean.batch.attention_mask.unsqueeze(-1)
        return settings.epsilon * self.embedding_rms * direction.sign() * real


def page(lines: list[Lines]) -> list[str]:
    """The tables and how they were measured."""
    grown = [arm for arm in ARMS if arm != BASE]
    timed = [arm for arm in TIMED if arm != "fisher"]
    half = [f"{what}, radius {radius:g}" for radius in RADII for what in ("R", "delta/x")]
    return [
        f"After some plain updates from MiniLM, at the radius of `tuned`, without dropout: means over at least "
        f"{BATCHES} training batches. Written by `python benchmarks/directions.py`. R beside R after one ascent step, "
        "whose value is in the third column:",
        "",
        *table(["task", "updates", "R, ascent", *grown], [line.growth for line in lines]),
        "The time of the clean pass and the term, beside that of `fisher`:",
        "",
        *table(["task", *timed], [line.seconds for line in lines]),
        "`predicted` in bfloat16 beside float32:",
        "",
        *table(["task", *half], [line.precision for line in lines]),
        machine(),
        "",
    ]


if __name__ == "__main__":
    main()
