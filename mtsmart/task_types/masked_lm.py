"""Masked language modelling on unlabelled text, as an auxiliary task."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

import datasets
import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch, pad, pad_inputs
from mtsmart.data.encoding import Rows
from mtsmart.errors import ConfigError
from mtsmart.metrics import Guess
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.interface.base import TASK_TYPES, LabelColumn, Outputs, TaskOptions, refuse_unread
from mtsmart.task_types.interface.explains_outputs import Portable
from mtsmart.task_types.shared.head_specs import head_spec_of
from mtsmart.task_types.shared.reductions import masked_rows
from mtsmart.task_types.shared.rows import row_error, texts_of
from mtsmart.task_types.shared.tokens import IGNORED, TokenTask

_SHOWN = 5  # best tokens that a prediction names
# Shares of the chosen tokens that become the mask token or a random token; the rest stay as they are.
# Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", section 3.1.
_MASKED = 0.8
_RANDOM = 0.1
_ROWS_AT_A_TIME = 1000


class MaskedLMOptions(TaskOptions):
    """How much is masked."""

    mask_probability: float = Field(0.15, gt=0, lt=1, description="share of the tokens to predict")


@TASK_TYPES.register("masked_lm")
class MaskedLM(TokenTask, Portable):
    """Logits (B, P, V) at P masked positions a row; long texts become several rows, nothing is cut off.

    The masked tokens depend only on the batch's seed, the source row and its part, so every evaluation scores a row
    with the same masks. In texts to predict, the tokenizer's mask token says what to fill in.

    It cannot be distilled: each batch masks other tokens, so a teacher's outputs cannot be stored.
    """

    metrics = ("token_accuracy", "perplexity")
    Options = MaskedLMOptions
    label_column = LabelColumn.UNUSED

    options: MaskedLMOptions

    def check(self) -> None:
        super().check()
        refuse_unread(self, "labels", "project")
        if len(self.definition.text) != 1:
            raise ConfigError("must be one column for task type 'masked_lm'", key=f"{self.name}.text")

    @property
    def head_spec(self) -> HeadSpec:
        return head_spec_of(self.definition, "masked_lm", 0)

    # From rows to batches ---------------------------------------------------------------------------------------

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        """Parts of texts; ``candidates`` are the positions to choose from, or all mask tokens without labels."""
        if tokenizer.mask_token_id is None:
            message = "needs an encoder whose tokenizer has a mask token"
            raise ConfigError(message, key=f"{self.name}.task_type", value="masked_lm")
        tokens = tokenizer(
            texts_of(rows, self.definition.text[0]),
            truncation=True,
            max_length=max_length,
            return_overflowing_tokens=True,
            return_attention_mask=False,
        )
        numbers = [rows["row"][index] for index in tokens["overflow_to_sample_mapping"]]
        encoded: Rows = {name: tokens[name] for name in ("input_ids", "token_type_ids") if name in tokens}
        encoded["row"] = numbers
        encoded["part"] = _parts(numbers)
        special = {*tokenizer.all_special_ids}
        mask = tokenizer.mask_token_id
        encoded["candidates"] = [
            [i for i, token in enumerate(ids) if (token not in special if with_labels else token == mask)]
            for ids in tokens["input_ids"]
        ]
        encoded["choose"] = [with_labels] * len(numbers)
        if not with_labels:
            self._require_masks(encoded, rows, tokenizer)
        return encoded

    def _require_masks(self, encoded: Rows, rows: Rows, tokenizer: PreTrainedTokenizerBase) -> None:
        filled = {row for row, found in zip(encoded["row"], encoded["candidates"], strict=True) if found}
        column = self.definition.text[0]
        for row, text in zip(rows["row"], rows[column], strict=True):
            if row not in filled:
                hint = f"Write {tokenizer.mask_token} where a token is wanted"
                raise row_error("has no mask token to fill", row, column, text, hint)

    def collate(self, features: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase, seed: int) -> Batch:
        """``positions`` (B, P) int64 among the inputs, and ``layout["scored"]`` (B, P) int64: 1 on real positions."""
        inputs = pad_inputs(features, tokenizer)
        width = inputs["input_ids"].shape[1]
        chosen: list[list[int]] = []
        golds: list[list[int]] = []
        for index, row in enumerate(features):
            generator = _generator(row, seed)
            positions = self._choose(row, generator)
            shift = width - len(row["input_ids"]) if tokenizer.padding_side == "left" else 0
            golds.append([row["input_ids"][position] for position in positions])
            chosen.append([position + shift for position in positions])
            if row["choose"]:
                _corrupt(inputs["input_ids"][index], chosen[-1], tokenizer, generator)
        ones = pad([[1] * len(positions) for positions in chosen] + [[0]], 0, "right")[:-1]
        inputs["positions"] = pad([*chosen, [0]], 0, "right")[:-1]
        targets = {"labels": pad([*golds, [IGNORED]], IGNORED, "right")[:-1]} if features[0]["choose"] else {}
        return Batch(self.name, inputs, targets, [row["row"] for row in features], {"scored": ones})

    def _choose(self, row: dict[str, Any], generator: np.random.Generator) -> list[int]:
        """The positions to predict: each candidate with the mask's probability, and at least one if there is any."""
        candidates = row["candidates"]
        if not row["choose"] or not candidates:
            return list(candidates)
        drawn = generator.random(len(candidates))
        taken = (drawn < self.options.mask_probability) | (drawn == drawn.min())
        return [position for position, take in zip(candidates, taken, strict=True) if take]

    # From logits to predictions and scores ----------------------------------------------------------------------

    def unbatch(self, logits: Tensor, batch: Batch) -> list[Tensor]:
        """(P, 1 + 2 k) a row: the gold token's log-probability (-infinity without labels), the ids of the k best
        tokens, and their log-probabilities."""
        log_probs = torch.log_softmax(logits.float(), dim=-1)
        best = log_probs.topk(min(_SHOWN, logits.shape[-1]), dim=-1)
        gold = torch.full_like(log_probs[..., :1], -math.inf)
        if batch.targets:
            gold = log_probs.gather(-1, batch.targets["labels"].clamp_min(0).unsqueeze(-1))
        numbers = torch.cat([gold, best.indices.to(gold.dtype), best.values], dim=-1)  # ids below 2^24 are exact
        return masked_rows(numbers, batch.layout["scored"])

    def decode(self, outputs: Outputs) -> list[list[Guess]]:
        """For each encoded row (best token, log-probability of the gold token) at each masked position."""
        return [[(int(best), gold) for gold, best in row[:, :2].tolist()] for row in outputs.logits]

    def references(self, features: datasets.Dataset) -> list[list[int]]:
        """For each encoded row the tokens that evaluation masks."""
        names = ("input_ids", "row", "part", "candidates", "choose")
        found = []
        for batch in features.iter(_ROWS_AT_A_TIME):  # the lists of a whole corpus would fill the memory
            for values in zip(*(batch[name] for name in names), strict=True):
                row = dict(zip(names, values, strict=True))
                found.append([row["input_ids"][position] for position in self._choose(row, _generator(row, 0))])
        return found

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The best token for each mask of a text, its probability, and the next best tokens."""
        texts: dict[int, list[list[dict[str, Any]]]] = {}
        for row, numbers in zip(outputs.features["row"][:], outputs.logits, strict=True):
            texts.setdefault(row, []).extend(_named(position, tokenizer) for position in numbers.tolist())
        return [
            {
                "prediction": [best[0]["token"] for best in masks],
                "p": [best[0]["p"] for best in masks],
                "candidates": masks,
            }
            for _, masks in sorted(texts.items())
        ]

    def how_read(self, max_length: int) -> dict[str, Any]:
        return {"kind": "masks", "text": self.definition.text, "max_length": max_length}

    def how_decoded(self) -> dict[str, Any]:
        return {"kind": "masks"}

    def baseline(self, train: Sequence[list[int]], references: Sequence[list[int]]) -> list[list[Guess]]:
        """The most frequent token; probabilities are frequencies, with one count kept for any token not seen."""
        counts = Counter(chain.from_iterable(train))
        best = counts.most_common(1)[0][0] if counts else -1
        total = counts.total() + 1
        return [[(best, math.log((counts[gold] or 1) / total)) for gold in row] for row in references]


def _named(numbers: list[float], tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
    """The names and probabilities of the best tokens at one position, from a row that ``unbatch`` made."""
    shown = (len(numbers) - 1) // 2
    ids = numbers[1 : 1 + shown]
    log_probs = numbers[1 + shown :]
    return [
        {"token": str(tokenizer.decode([int(index)])).strip(), "p": math.exp(value)}
        for index, value in zip(ids, log_probs, strict=True)
    ]


def _parts(numbers: Sequence[int]) -> list[int]:
    """0, 1, 2 ... within each run of one row."""
    parts: list[int] = []
    for index, number in enumerate(numbers):
        parts.append(parts[-1] + 1 if index and numbers[index - 1] == number else 0)
    return parts


def _generator(row: dict[str, Any], seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, row["row"], row["part"]])


def _corrupt(
    ids: Tensor, positions: Sequence[int], tokenizer: PreTrainedTokenizerBase, generator: np.random.Generator
) -> None:
    """Put the mask token, a random token, or nothing new at ``positions`` of ``ids`` (T,), in place."""
    for position, fate in zip(positions, generator.random(len(positions)), strict=True):
        if fate < _MASKED:
            ids[position] = tokenizer.mask_token_id
        elif fate < _MASKED + _RANDOM:
            ids[position] = int(generator.integers(tokenizer.vocab_size))
