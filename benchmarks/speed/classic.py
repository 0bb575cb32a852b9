"""The classic multi-task SMART loop, written plainly: the loop that users know.

Random batches of one task, padded to their longest row; for each: a forward pass, a forward pass with noise on the
word embeddings, the gradient, a forward pass with the perturbation found, one backward pass; Adamax, not fused; the
loss is read from the device at every update. SMART's values as published; no teacher.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoModel

from mtsmart.models.loading import resolve_path

EPSILON = 1e-5
STEP = 1e-3


class ClassicModel(nn.Module):
    """An encoder and a linear head a task on its first token."""

    def __init__(self, encoder: str, outputs: Mapping[str, int]) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(resolve_path(encoder), dtype=torch.float32)
        self.dropout = nn.Dropout(0.1)
        self.heads = nn.ModuleDict({task: nn.Linear(self.encoder.config.hidden_size, n) for task, n in outputs.items()})

    def forward(self, task: str, inputs_embeds: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """Logits (B, C)."""
        output = self.encoder(inputs_embeds=inputs_embeds, attention_mask=mask, token_type_ids=types)
        logits: Tensor = self.heads[task](self.dropout(output.pooler_output))
        return logits


class ClassicLoop:
    """Trains tasks of encoded rows; a task with one output is a regression.

    Args:
        encoder: as in an experiment.
        rows: task -> rows with input_ids, token_type_ids and labels.
        outputs: task -> number of outputs.
        batch_size: rows in a batch.
    """

    def __init__(
        self, encoder: str, rows: Mapping[str, Sequence[dict[str, Any]]], outputs: Mapping[str, int], batch_size: int
    ) -> None:
        self.model = ClassicModel(encoder, outputs)
        self.rows = rows
        self.outputs = outputs
        self.batch_size = batch_size
        self.random = random.Random(0)
        self.optimizer = torch.optim.Adamax(self.model.parameters(), lr=5e-5, foreach=False)
        self.loss = 0.0

    def epoch(self) -> None:
        """One pass over all rows of all tasks."""
        self.model.train()
        for task, batch in self._batches():
            self._update(task, batch)

    def _batches(self) -> list[tuple[str, list[dict[str, Any]]]]:
        batches = []
        for task, rows in self.rows.items():
            order = self.random.sample(range(len(rows)), len(rows))
            for start in range(0, len(order), self.batch_size):
                batches.append((task, [rows[i] for i in order[start : start + self.batch_size]]))
        self.random.shuffle(batches)
        return batches

    def _update(self, task: str, rows: list[dict[str, Any]]) -> None:
        ids, mask, types, labels = collate(rows, self.outputs[task] == 1)
        embeds = self.model.encoder.get_input_embeddings()(ids)
        logits = self.model(task, embeds, mask, types)
        loss = criterion(logits, labels)
        loss = loss + self._smart(task, embeds, logits, mask, types)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0, foreach=False)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.loss = loss.item()

    def _smart(self, task: str, embeds: Tensor, logits: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        noise = (torch.randn_like(embeds) * EPSILON).detach().requires_grad_(True)
        found = divergence(self.model(task, embeds.detach() + noise, mask, types), logits.detach())
        (gradient,) = torch.autograd.grad(found, noise)
        step = gradient / (gradient.abs().amax(-1, keepdim=True) + 1e-12)
        noise = (noise.detach() + STEP * step).clamp(-EPSILON, EPSILON)
        return divergence(self.model(task, embeds + noise, mask, types), logits)


def collate(rows: Sequence[dict[str, Any]], regression: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Input ids, mask, types (B, T) and labels (B,), padded to the longest row."""
    longest = max(len(row["input_ids"]) for row in rows)
    ids, mask, types = (torch.zeros(len(rows), longest, dtype=torch.int64) for _ in range(3))
    for index, row in enumerate(rows):
        length = len(row["input_ids"])
        ids[index, :length] = torch.tensor(row["input_ids"])
        types[index, :length] = torch.tensor(row["token_type_ids"])
        mask[index, :length] = 1
    labels = torch.tensor([row["labels"] for row in rows], dtype=torch.float32 if regression else torch.int64)
    return ids, mask, types, labels


def criterion(logits: Tensor, labels: Tensor) -> Tensor:
    """Squared error for one output, else cross-entropy."""
    return F.mse_loss(logits.squeeze(-1), labels) if logits.shape[-1] == 1 else F.cross_entropy(logits, labels)


def divergence(logits: Tensor, target: Tensor) -> Tensor:
    """Squared error for one output, else the symmetric KL."""
    if logits.shape[-1] == 1:
        return F.mse_loss(logits, target)
    log_p = F.log_softmax(logits, -1)
    log_q = F.log_softmax(target, -1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-1).mean()
