"""A random model of BERT-base's size on a GPU: float32, bfloat16, compiled; and SMART's direction in bfloat16.

Without a GPU nothing is measured, and the page says so. The tests run the same code on a CPU.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer, BertConfig, BertModel

from benchmarks.speed import workload
from benchmarks.speed.timing import interleaved, paired_ratio, spread, table
from benchmarks.speed.workload import ASCENT, ONE_PASS, PLAIN, TEACHER, batches_of, fixed_length, run_updates, trainer
from mtsmart.models.loading import resolve_path
from mtsmart.regularizers import clean_pass
from mtsmart.training.trainer import Trainer

BATCH = 32
TOKENS = 128
UPDATES = 20
OBJECTIVES = {
    "plain": PLAIN,
    "SMART + MBPP, one pass": ONE_PASS + TEACHER,
    "SMART + MBPP, paper's procedure": ASCENT + TEACHER,
}
PRECISIONS: dict[str, list[str]] = {
    "float32": [],
    "bfloat16": ["training.precision=bfloat16"],
    "bfloat16, compiled": ["training.precision=bfloat16", "training.compile=true"],
}
# Forward passes with 2 operations a weight and token, backward passes with 4, or 2 towards the embeddings alone.
OPERATIONS = {"plain": 6, "SMART + MBPP, one pass": 16, "SMART + MBPP, paper's procedure": 18}
PEAK = {"H100": {"float32": 67e12, "bfloat16": 989e12}, "H200": {"float32": 67e12, "bfloat16": 989e12}}  # dense


def measure(folder: Path, repeats: int, size: BertConfig | None = None) -> dict[str, Any]:
    """Seconds of ``UPDATES`` updates of every objective at every precision, and the directions' agreement."""
    if size is None and not torch.cuda.is_available():
        return {}
    folder.mkdir(parents=True)
    encoder = random_model(folder / "encoder", size or BertConfig())
    experiment = fixed_length(folder, BATCH * UPDATES, TOKENS, BATCH, encoder)
    arms: dict[str, Callable[[], None]] = {}
    weights = 0
    for precision, extra in PRECISIONS.items():
        for objective, arm in OBJECTIVES.items():
            name = f"{precision}: {objective}"
            made = trainer(experiment, arm.changed(*extra), folder / str(len(arms)))
            weights = sum(p.numel() for n, p in made.setup.model.named_parameters() if "embeddings" not in n)
            arms[name] = partial(run_updates, made, batches_of(made))
    plain = trainer(experiment, ONE_PASS, folder / "agreement")
    return {
        "seconds": interleaved(arms, repeats),
        "weights": weights,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "agreement": {kind: agreement(plain, kind) for kind in ("ascent", "fisher")},
    }


def random_model(folder: Path, size: BertConfig) -> Path:
    """A random BERT with the tokenizer of the small encoder, as a folder."""
    torch.manual_seed(0)
    BertModel(size).save_pretrained(folder)
    AutoTokenizer.from_pretrained(resolve_path(workload.ENCODER)).save_pretrained(folder)
    return folder


def agreement(made: Trainer, kind: str) -> float:
    """Mean cosine of the perturbations (one a row, l2) that float32 and bfloat16 find, in evaluation mode."""
    made.setup.model.eval()
    one, other = (_direction(made, kind, autocast) for autocast in (False, True))
    return float((one * other).sum(-1).abs().mean())


def _direction(made: Trainer, kind: str, autocast: bool) -> Tensor:
    """(B, T * H), of length 1."""
    model = made.setup.model
    batch = batches_of(made)[0]
    task = made.setup.tasks[batch.task].type
    smart = made.step.regularizers["smart"]
    update = {"direction": kind, "norm": "l2", "scope": "sentence", "constraint": "normalize"}
    config = smart.settings[batch.task].model_copy(update=update)
    torch.manual_seed(0)
    device = batch.inputs["input_ids"].device
    with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
        clean = clean_pass(model, task, batch)
        delta: Tensor = smart.perturbation(clean, clean.logits, config)  # type: ignore[attr-defined]
    return torch.nn.functional.normalize(delta.float().flatten(1), dim=-1)


def page(measured: dict[str, Any]) -> list[str]:
    """The section of RESULTS.md."""
    title = ["## On a GPU", ""]
    if not measured:
        return [*title, "No GPU was at hand. `python -m benchmarks.bench gpu` measures this part on one.", ""]
    seconds = measured["seconds"]
    rows = []
    peaks = next((found for name, found in PEAK.items() if name in measured["device"]), None)
    for name, values in seconds.items():
        precision, _, objective = name.partition(": ")
        each = statistics.median(values) / UPDATES
        kind = precision.partition(",")[0]
        flops = OPERATIONS[objective] * measured["weights"] * BATCH * TOKENS / each
        share = f"{flops / peaks[kind]:.0%}" if peaks else ""
        ratio = f"{paired_ratio(values, seconds[f'{precision}: plain']):.2f}"
        rows.append(
            [precision, objective, spread([v / UPDATES for v in values], 4), f"{BATCH / each:.0f}", share, ratio]
        )
    head = ["precision", "", "seconds an update, median (range)", "samples/s", "of the dense peak", "times plain"]
    found = ", ".join(f"`{kind}` {value:.2f}" for kind, value in measured["agreement"].items())
    return [
        *title,
        f"A random model of BERT-base's size, {BATCH} rows of {TOKENS} tokens, {UPDATES} updates an arm and round. The "
        "share of the peak counts matrix products with weights only.",
        "",
        *table(head, rows),
        f"Cosine between the perturbations that float32 and bfloat16 find: {found}.",
        "",
    ]
