"""Multiple choice: which of a few candidates goes with a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from pydantic import Field, field_validator
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.encoding import Rows
from mtsmart.task_types.interface.base import TASK_TYPES, Outputs, TaskOptions
from mtsmart.task_types.shared.candidates import CandidateTask, encode_lists
from mtsmart.task_types.shared.labels import as_list


class MultipleChoiceOptions(TaskOptions):
    """Which columns hold the candidates."""

    choices: list[str] = Field(
        min_length=1, description="the candidates' columns, or one column that holds a list of candidates"
    )

    _one_column = field_validator("choices", mode="before")(as_list)

    @property
    def columns(self) -> list[str]:
        """The candidates' columns."""
        return self.choices


@TASK_TYPES.register("multiple_choice")
class MultipleChoice(CandidateTask):
    """One candidate of each list is right: cross-entropy over the list, as in ``AutoModelForMultipleChoice``.

    The label is the candidate's index from 0, or its name: the name of its column, or what ``labels`` says.
    """

    losses = ("cross_entropy",)
    metrics = ("accuracy",)
    Options = MultipleChoiceOptions

    options: MultipleChoiceOptions

    @property
    def candidate_columns(self) -> list[str]:
        return self.options.choices

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        candidates = self.candidates(rows)
        contexts = [[text] * len(texts) for text, texts in zip(self.contexts(rows), candidates, strict=True)]
        encoded = encode_lists(contexts, candidates, tokenizer, max_length)
        encoded |= {"row": rows["row"], "candidates": candidates}
        if with_labels:
            values = zip(rows[self.definition.label], candidates, rows["row"], strict=True)
            encoded["labels"] = [self.candidate_index(value, len(texts), row) for value, texts, row in values]
        return encoded

    def targets(self, features: Sequence[dict[str, Any]], layout: dict[str, Tensor]) -> Tensor:
        """(B,) int64: the index of each list's right candidate."""
        return torch.tensor([row["labels"] for row in features])

    def decode(self, outputs: Outputs) -> list[int]:
        """The index of each list's best candidate."""
        return [int(scores.argmax()) for scores in outputs.logits]

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The best candidate's index, name (if candidates have names) and text, and each one's probability."""
        names = self.names.names
        return [
            {
                "prediction": index,
                **({"prediction_label": names[index]} if index < len(names) else {}),
                "prediction_text": candidates[index],
                "probabilities": torch.softmax(scores.double(), dim=-1).tolist(),
            }
            for index, candidates, scores in zip(
                self.decode(outputs), outputs.features["candidates"], outputs.logits, strict=True
            )
        ]

    def baseline(self, train: Sequence[int], references: Sequence[int]) -> list[int]:
        """The most frequent index."""
        return [Counter(train).most_common(1)[0][0]] * len(references)
