"""The same plain fine-tuning by three loops: bare PyTorch, transformers' Trainer, and ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    get_linear_schedule_with_warmup,
)

from benchmarks.speed import workload
from benchmarks.speed.timing import interleaved, paired_ratio, spread, table, verdict
from benchmarks.speed.workload import PLAIN, batches_of, run_epoch, run_updates, trainer
from mtsmart.data.batch import Batch
from mtsmart.models.loading import resolve_path

ROWS = 512
BATCH = 32


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of one epoch: ours and the bare loop on the same batches, then ours and Trainer with their own."""
    folder.mkdir(parents=True)
    file = folder / "mrpc.yaml"
    file.write_text(
        f"""
tasks:
  mrpc: {{splits: {{train: "train[:{ROWS}]"}}}}
encoder: {{path: {workload.ENCODER}}}
data: {{max_length: 128, cache_dir: {folder}/cache}}
training: {{epochs: 1000, batch_size: {BATCH}}}
""",
        encoding="utf-8",
    )
    ours = trainer(file, PLAIN, folder / "ours")
    batches = batches_of(ours)
    whole = trainer(file, PLAIN, folder / "whole")
    same: dict[str, Callable[[], None]] = {
        "bare": BareLoop(ours.total_updates, batches).epoch,
        "ours": partial(run_updates, ours, batches),
    }
    return {
        "same batches": interleaved(same, repeats),
        "whole loops": interleaved(
            {"Trainer": HubTrainer(whole, folder).epoch, "ours": partial(run_epoch, whole)}, repeats
        ),
    }


def task_model() -> nn.Module:
    """The encoder with the head that AutoModelForSequenceClassification adds."""
    model: nn.Module = AutoModelForSequenceClassification.from_pretrained(
        resolve_path(workload.ENCODER), num_labels=2, dtype=torch.float32
    )
    return model


class BareLoop:
    """A fine-tuning loop as one would write it: AdamW (fused), linear schedule, clipping, nothing else."""

    def __init__(self, updates: int, batches: Sequence[Batch]) -> None:
        self.batches = [{**batch.inputs, "labels": batch.targets["labels"]} for batch in batches]
        self.model = task_model().to(batches[0].inputs["input_ids"].device)
        groups = [
            {"params": [p for p in self.model.parameters() if p.ndim > 1], "weight_decay": 0.01},
            {"params": [p for p in self.model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=5e-5, fused=True)
        self.schedule = get_linear_schedule_with_warmup(self.optimizer, updates // 10, updates)

    def epoch(self) -> None:
        """One pass over the batches."""
        self.model.train()
        for batch in self.batches:
            loss = self.model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.schedule.step()
            self.optimizer.zero_grad()


class HubTrainer:
    """transformers' Trainer on the same encoded rows, at its best settings: length-grouped, fused AdamW."""

    def __init__(self, ours: Any, folder: Path) -> None:
        rows = ours.setup.train["mrpc"].rows.remove_columns(["row"])
        arguments = TrainingArguments(
            output_dir=str(folder / "hub"),
            per_device_train_batch_size=BATCH,
            num_train_epochs=1,
            learning_rate=5e-5,
            weight_decay=0.01,
            warmup_steps=0.1,
            optim="adamw_torch_fused",
            train_sampling_strategy="group_by_length",
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        collator = DataCollatorWithPadding(ours.setup.tokenizer)
        self.trainer = Trainer(task_model(), arguments, data_collator=collator, train_dataset=rows)

    def epoch(self) -> None:
        """One pass over the rows."""
        self.trainer.train()


def page(measured: dict[str, Any]) -> list[str]:
    """The section of RESULTS.md."""
    same = measured["same batches"]
    whole = measured["whole loops"]
    bare = paired_ratio(same["ours"], same["bare"])
    trainer_ratio = paired_ratio(whole["ours"], whole["Trainer"])
    rows = [
        ["bare PyTorch loop, the same batches", spread(same["bare"], 2), ""],
        ["ours, the same batches", spread(same["ours"], 2), verdict(bare, 1.03, unit="times the bare loop")],
        ["transformers' Trainer, length-grouped, fused AdamW", spread(whole["Trainer"], 2), ""],
        ["ours, with its own loading", spread(whole["ours"], 2), verdict(trainer_ratio, 1.0, unit="times Trainer")],
    ]
    return [
        "## A plain epoch beside other loops",
        "",
        f"The first {ROWS} rows of MRPC, batches of {BATCH}, AdamW (fused), clipping, linear schedule, no evaluation. "
        "On a CPU ours draws dropout masks faster and keeps freed memory, and on AMD's processors with AVX-512 "
        "it computes linear layers as convolutions (mtsmart/cpu/linear.py); the other loops run as torch comes.",
        "",
        *table(["", "seconds an epoch, median (range)", ""], rows),
    ]
