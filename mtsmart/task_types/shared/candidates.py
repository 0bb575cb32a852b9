"""A start for task types that score a list of candidates: one logit each, compared within the list."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import datasets
import numpy as np
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch
from mtsmart.data.encoding import Rows, note_cut, noting_cuts
from mtsmart.data.tokenizing import tokenize
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.losses.divergences import OF_SOFTMAX
from mtsmart.models.heads import HeadSpec
from mtsmart.models.heads.windows import NONE
from mtsmart.task_types.interface.base import refuse_unread
from mtsmart.task_types.interface.decides import Decides
from mtsmart.task_types.interface.distillable import Distillable
from mtsmart.task_types.interface.splits_batches import SplitsBatches
from mtsmart.task_types.shared.head_specs import head_spec_of
from mtsmart.task_types.shared.labels import LabelNames, listed
from mtsmart.task_types.shared.named_labels import NamedLabels
from mtsmart.task_types.shared.reductions import masked_rows, padded_rows
from mtsmart.task_types.shared.rows import ReadsLists, row_error, texts_of
from mtsmart.task_types.windows.lists import pad_lists, places_of, take_rows
from mtsmart.tasks.definition import TaskDefinition

ABSENT = -1e4  # the logit of a candidate that a shorter list does not have; the divergence of two -inf would be NaN


class CandidateTask(NamedLabels, Distillable, Decides, SplitsBatches, ReadsLists):
    """Logits (B, N) for B lists of up to N candidates, ``ABSENT`` where a list is shorter.

    An encoded row is a list: ``input_ids`` holds one token sequence a candidate. A batch holds the M candidates of all
    its lists one below the other, (M, T); lists are not padded to equal length. ``layout`` says where each one is:
    ``slots`` (B, N) int64, the candidate's place among the M (0 where there is none), and ``present`` (B, N) bool.

    Attributes:
        names: the candidates' names, if they have any.
    """

    divergences = OF_SOFTMAX

    def __init__(self, name: str, definition: TaskDefinition, shared_head: HeadSpec | None = None) -> None:
        super().__init__(name, definition, shared_head)
        self.names = LabelNames(definition.labels or _names_of(self.candidate_columns), definition.labels_from or 0)

    def check(self) -> None:
        super().check()
        refuse_unread(self, "project")
        definition = self.definition
        columns = [*self.columns, self.label, "row"]
        twice = next((column for column in columns if columns.count(column) > 1), None)
        if twice:
            raise ConfigError("a column serves only one purpose", key=f"{self.name}.options", value=twice)
        named = _names_of(self.candidate_columns)
        if definition.labels is not None and named and len(definition.labels) != len(named):
            hint = f"There are {len(named)} columns of candidates"
            raise ConfigError(
                "must name every candidate", key=f"{self.name}.labels", value=definition.labels, hint=hint
            )

    @property
    @abstractmethod
    def candidate_columns(self) -> list[str]:
        """The candidates' columns, or the one column that holds them all; empty if candidates are rows of their own."""

    @property
    def head_spec(self) -> HeadSpec:
        return head_spec_of(self.definition, "multiple_choice", 1)

    # From rows to batches ---------------------------------------------------------------------------------------

    def lacks_item(self, column: str, value: Any) -> bool:
        """Whether there is no candidate, or one is null or empty; or a candidate's own name is null."""
        if column in self.definition.text:
            return False
        items = listed(value)
        empty = (None, "") if [column] == self.candidate_columns else (None,)
        return items is not None and (not items or any(item in empty for item in items))

    def contexts(self, rows: Rows) -> list[str]:
        """The first segment of each row: its text, or its two texts joined by a blank."""
        return [" ".join(parts) for parts in zip(*(texts_of(rows, c) for c in self.definition.text), strict=True)]

    def candidates(self, rows: Rows) -> list[list[str]]:
        """Each row's candidates: one of each column, or those in the list that the only column holds.

        Raises:
            DataError: a value is not a list, or a candidate is not a text; the message names the row.
        """
        if len(self.candidate_columns) > 1:
            columns = [texts_of(rows, column) for column in self.candidate_columns]
            return [list(texts) for texts in zip(*columns, strict=True)]
        (column,) = self.candidate_columns
        return [_listed(value, row, column) for value, row in zip(rows[column], rows["row"], strict=True)]

    def candidate_index(self, value: Any, count: int, row: int) -> int:
        """The index of the right one of ``count`` candidates, given by number or by name.

        Raises:
            DataError: there is no such candidate; the message names the row.
        """
        index = self.names.find(value, count)
        if index is not None and index < count:
            return index
        label = self.label
        first = self.names.first
        if index is None and not (self.names.numbered and str(value).lstrip("-").isdigit()):
            hint = f"Give {first} to {count - 1 + first}, or name the candidates: labels: [A, B, ...]"
            hint = did_you_mean(value, self.names.names) if self.names.names else hint
            raise row_error("is none of the candidates", row, label, value, hint)
        message = f"is out of range: the row has {count} candidates, counted from {first}"
        hidden = "If -1 hides the label: 'mtsmart predict' needs no label" if str(value) == "-1" else None
        raise row_error(message, row, label, value, hidden)

    def collate(self, features: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase, seed: int) -> Batch:
        inputs = pad_lists(features, tokenizer)
        layout = _layout(places_of(features))
        targets = {"labels": self.targets(features, layout)} if "labels" in features[0] else {}
        return Batch(self.name, inputs, targets, [row["row"] for row in features], layout)

    @abstractmethod
    def targets(self, features: Sequence[dict[str, Any]], layout: dict[str, Tensor]) -> Tensor:
        """The gold values as the criterion takes them."""

    def take(self, batch: Batch, rows: slice) -> Batch:
        """Some of a batch's lists, with their candidates."""
        places = batch.layout["slots"].masked_fill(~batch.layout["present"], NONE)
        part, own = take_rows(batch, rows, places)
        part.layout |= _layout(own)
        return part

    # The objective, and from logits to predictions --------------------------------------------------------------

    def adapt(self, logits: Tensor, batch: Batch) -> Tensor:
        """(M, 1) -> (B, N)."""
        slots = batch.layout["slots"]
        scores = logits.squeeze(-1).index_select(0, slots.flatten()).view_as(slots)
        return scores.masked_fill(~batch.layout["present"], ABSENT)

    def changed(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor:
        """The share of lists whose best candidate differs."""
        return (logits.argmax(-1) != other.argmax(-1)).float().mean()

    def unbatch(self, logits: Tensor, batch: Batch) -> list[Tensor]:
        """One score a candidate for each list."""
        return masked_rows(logits, batch.layout["present"])

    def rebatch(self, rows: Sequence[Tensor], batch: Batch) -> Tensor:
        """(B, N), ``ABSENT`` where a list has no candidate."""
        return padded_rows(rows, batch.layout["present"], ABSENT)

    def references(self, features: datasets.Dataset) -> list[Any]:
        return list(features["labels"][:])


def reading_of_lists(
    task: CandidateTask, max_length: int, keys: str | None = None, placeholder: str | None = None
) -> dict[str, Any]:
    """How rows with lists of candidates are read where mtsmart is not; see :meth:`Portable.how_read`.

    Args:
        task, max_length: the task; the most tokens of a candidate with its text.
        keys: the column of the candidates' own names, if there is one.
        placeholder: what each candidate takes the place of in the second text, if there is such.
    """
    lists = [column for column in task.columns if column not in task.definition.text]
    columns = {"text": task.definition.text, "candidates": task.candidate_columns, "lists": lists}
    return {"kind": "candidates", **columns, "keys": keys, "placeholder": placeholder, "max_length": max_length}


def encode_lists(
    contexts: Sequence[Sequence[str]],
    candidates: Sequence[Sequence[str]],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
) -> Rows:
    """The tokens of every (context, candidate) pair, nested as the lists are."""
    columns = [[text for texts in lists for text in texts] for lists in (contexts, candidates)]
    ends = list(accumulate(map(len, candidates), initial=0))
    with noting_cuts() as noted:
        flat = tokenize(columns, tokenizer, max_length)
    is_cut = np.concatenate([np.empty(0, dtype=bool), *noted])
    note_cut(np.array([is_cut[start:end].any() for start, end in pairwise(ends)], dtype=bool))
    return {name: [values[start:end] for start, end in pairwise(ends)] for name, values in flat.items()}


def _names_of(columns: list[str]) -> list[str]:
    """The candidates' names: those of their columns, unless one column holds them all."""
    return columns if len(columns) > 1 else []


def _listed(value: Any, row: int, column: str) -> list[str]:
    found = listed(value)
    if not found:
        lists = [name for name, part in value.items() if isinstance(part, list)] if isinstance(value, dict) else []
        hint = f"Name the list within it: {column}.{lists[0]}" if lists else 'In text form: ["one", "another"]'
        raise row_error("is not a list of candidates", row, column, value, hint)
    for candidate in found:
        if not isinstance(candidate, str) or not candidate:
            raise row_error("holds a candidate that is not a text", row, column, candidate)
    return found


def _layout(places: Tensor) -> dict[str, Tensor]:
    return {"slots": places.clamp_min(0), "present": places != NONE}
