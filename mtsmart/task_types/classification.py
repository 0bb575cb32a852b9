"""Classification of one text or a pair into one of C labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.interface.base import TASK_TYPES, Outputs
from mtsmart.task_types.interface.decides import Decides
from mtsmart.task_types.shared.head_specs import head_spec_of
from mtsmart.task_types.shared.labels import LabelNames
from mtsmart.task_types.shared.reductions import stack
from mtsmart.task_types.shared.rows import row_error
from mtsmart.task_types.shared.sequence import SequenceTask
from mtsmart.tasks.definition import TaskDefinition


@TASK_TYPES.register("classification")
class Classification(SequenceTask, Decides):
    """Logits (B, C), labels (B,) int64 by name.

    With ``share_head`` the head may be another task's. Its labels are matched by name. With ``project`` several of them
    stand for one label of this task; the logit of that label is then the logarithm of their summed probability.
    """

    losses = ("cross_entropy",)
    divergences = ("symmetric_kl", "symmetric_kl_detached", "kl", "js", "hellinger")
    metrics = ("accuracy", "f1", "macro_f1", "mcc")
    label_dtype = torch.int64
    problem_type = "single_label_classification"

    def __init__(self, name: str, definition: TaskDefinition, shared_head: HeadSpec | None = None) -> None:
        super().__init__(name, definition, shared_head)
        self._names = LabelNames(self.labels)
        self._groups = self._label_groups()

    def check(self) -> None:
        super().check()
        labels = self.definition.labels
        if labels is None:
            raise ConfigError("is required for task type 'classification'", key=f"{self.name}.labels")
        if "f1" in (self.definition.metrics or []) and len(labels) != 2:
            hint = "Use macro_f1 for more than two labels"
            raise ConfigError("needs exactly two labels", key=f"{self.name}.metrics", value="f1", hint=hint)

    @property
    def head_spec(self) -> HeadSpec:
        return head_spec_of(self.definition, "sequence_classification", len(self.labels), self.labels)

    def encode_label(self, value: Any, row: int) -> int:
        """The index of a label given by name, or by number if no label's name is a number."""
        index = self._names.find(value)
        if index is None:
            hint = did_you_mean(value, self.labels)
            raise row_error("is not one of the task's labels", row, self.definition.label, value, hint)
        return index

    def adapt(self, logits: Tensor, batch: Batch) -> Tensor:
        """The logits of this task's labels, if the shared head has others."""
        if self._groups is None:
            return logits
        log_probs = torch.log_softmax(logits.float(), dim=-1)
        return torch.stack([torch.logsumexp(log_probs[:, group], dim=-1) for group in self._groups], dim=-1)

    def changed(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor:
        """The share of rows whose likeliest label differs."""
        return (logits.argmax(-1) != other.argmax(-1)).float().mean()

    def decode(self, outputs: Outputs) -> list[int]:
        """The index of each row's likeliest label."""
        return stack(outputs.logits).argmax(-1).tolist()

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The label's name, and each label's probability."""
        probabilities = torch.softmax(stack(outputs.logits).double(), dim=-1).tolist()
        return [
            {"prediction": self.labels[index], **{f"p({label})": p for label, p in zip(self.labels, row, strict=True)}}
            for index, row in zip(self.decode(outputs), probabilities, strict=True)
        ]

    def baseline(self, train: Sequence[int], references: Sequence[int]) -> list[int]:
        """The most frequent label."""
        return [Counter(train).most_common(1)[0][0]] * len(references)

    def _label_groups(self) -> list[list[int]] | None:
        """For each of our labels the shared head's outputs that stand for it; None if the head's labels are ours."""
        source = None if self.shared_head is None else self.shared_head.labels
        if source is None or (source == self.labels and self.definition.project is None):
            return None
        project = self.definition.project or {label: label for label in source}
        for label in source:
            if project.get(label) not in self.labels:
                raise ConfigError(
                    f"does not say which of {self.labels} the shared head's label '{label}' stands for",
                    key=f"{self.name}.project",
                    value=project.get(label),
                )
        groups = [[i for i, label in enumerate(source) if project[label] == ours] for ours in self.labels]
        if not all(groups):
            missing = self.labels[groups.index([])]
            raise ConfigError(f"no label of the shared head stands for '{missing}'", key=f"{self.name}.project")
        return groups
