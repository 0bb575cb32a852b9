"""Tagging: one of C tags for each word of a row; entities when the tags are BIO."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import datasets
import torch
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.config.validate import StrictModel
from mtsmart.data.batch import Batch, Share, pad, pad_inputs
from mtsmart.data.encoding import Rows
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.metrics.entities import OUTSIDE, entities, is_bio
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.base import TASK_TYPES, Outputs, TaskType, masked_mean, masked_rows, padded_rows
from mtsmart.task_types.labels import LabelNames, items_of, list_hint
from mtsmart.task_types.words import Span, owner, tokenize_words, windows
from mtsmart.tasks.definition import TaskDefinition

IGNORED = -100  # torch's ignore_index
_CERTAIN = 1e4  # a logit that softmax makes 1


class TaggingOptions(StrictModel):
    """Settings that only tagging has."""

    overlap: int | None = Field(
        None, ge=0, description="tokens that windows over a long row share at least; null: a quarter of a window"
    )


@TASK_TYPES.register("tagging")
class Tagging(TaskType):
    """Logits (B, T, C), labels (B, T) int64: the word's tag on its first sub-word, -100 elsewhere.

    A row is a list of words, or text: a JSON list, or words with blanks between; tags likewise. A row that is longer
    than the length limit becomes several overlapping windows, and each word is scored once, in the window that shows
    most of what stands around it.
    A word that the tokenizer turns into nothing is tagged ``O``, or, where there is no such tag, the first.
    """

    losses = ("cross_entropy",)
    divergences = ("symmetric_kl", "kl", "js", "hellinger")
    metrics = ("entity_f1", "entity_precision", "entity_recall", "tag_accuracy", "tag_macro_f1")
    Options = TaggingOptions
    taught_by = "token"

    def __init__(self, name: str, definition: TaskDefinition, shared: HeadSpec | None = None) -> None:
        super().__init__(name, definition, shared)
        self.labels: list[str] = list(definition.labels or [])
        self._names = LabelNames(self.labels)
        self._bio = is_bio(self.labels)
        self._fallback = self.labels.index(OUTSIDE) if OUTSIDE in self.labels else 0
        self._order = self._label_order()
        if definition.metrics is None and not self._bio:
            self.metric_names = ["tag_accuracy"]

    def check(self) -> None:
        super().check()
        definition, kind = self.definition, "for task type 'tagging'"
        if definition.labels is None:
            raise ConfigError(f"is required {kind}", key=f"{self.name}.labels")
        if len(definition.text) != 1:
            raise ConfigError(f"must be one column {kind}", key=f"{self.name}.text", value=definition.text)
        if definition.project is not None:
            raise ConfigError("does not go with task type 'tagging'", key=f"{self.name}.project")
        for metric in definition.metrics or []:
            if metric.startswith("entity_") and not is_bio(definition.labels):
                hint = "Those are O, B-<type> and I-<type>; for other tags there are tag_accuracy and tag_macro_f1"
                raise ConfigError("needs BIO tags", key=f"{self.name}.metrics", value=metric, hint=hint)

    @property
    def head_spec(self) -> HeadSpec:
        return self.spec("token_classification", len(self.labels), self.labels)

    # From rows to batches ---------------------------------------------------------------------------------------

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        """Windows over rows.

        Returns:
            ``input_ids``, ``token_type_ids`` and ``word`` (for the tokens that are scored, which word they begin; -1
            for the others), ``row``, ``window`` (from 0 in each row), ``words`` (in a row's first window, else empty),
            and with labels ``labels`` (as ``word``, with -100) and ``tags`` (as ``words``).
        """
        (column,) = self.definition.text
        words = [self._words(value, row) for value, row in zip(rows[column], rows["row"], strict=True)]
        tags: list[list[int]] = [[] for _ in words]
        if with_labels:
            values = zip(rows[self.definition.label], words, rows["row"], strict=True)
            tags = [self._tags(value, len(own), row) for value, own, row in values]
        encoded: Rows = {}
        tokenized = tokenize_words(words, tokenizer)
        for tokens, own, gold, row in zip(tokenized, words, tags, rows["row"], strict=True):
            spans = self._spans(len(tokens), max_length - tokens.specials, max_length)
            owners = {word: owner(run, spans) for word, run in tokens.runs.items()}
            for number, span in enumerate(spans):
                starts = {tokens.runs[word].start: word for word, window in owners.items() if window == number}
                scored = tokens.around([starts.get(token, -1) for token in range(span.start, span.end)], -1)
                window: dict[str, Any] = tokens.window(span)
                window |= {"word": scored, "row": row, "window": number, "words": [] if number else own}
                if with_labels:
                    window["labels"] = [IGNORED if word < 0 else gold[word] for word in scored]
                    window["tags"] = [] if number else gold
                for name, value in window.items():
                    encoded.setdefault(name, []).append(value)
        return encoded

    def collate(self, features: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase, seed: int) -> Batch:
        side = tokenizer.padding_side
        scored = pad([row["word"] for row in features], -1, side) >= 0
        targets = {}
        if "labels" in features[0]:
            targets["labels"] = pad([row["labels"] for row in features], IGNORED, side)
        rows = [row["row"] for row in features]
        return Batch(self.name, pad_inputs(features, tokenizer), targets, rows, {"scored": scored})

    # The objective ----------------------------------------------------------------------------------------------

    def adapt(self, logits: Tensor, batch: Batch) -> Tensor:
        """A shared head's tags in this task's order."""
        return logits if self._order is None else logits[..., self._order]

    def criterion(self, logits: Tensor, batch: Batch) -> Tensor:
        """Mean over the labelled tokens."""
        labels = batch.targets["labels"].flatten()
        return masked_mean(self._criterion(logits.flatten(0, 1), labels), labels != IGNORED)

    def divergence(self, logits: Tensor, target: Tensor, batch: Batch, role: str) -> Tensor:
        """Mean over the scored tokens."""
        return masked_mean(self._divergences[role](logits, target), batch.layout["scored"])

    def counted(self, batch: Batch, share: Share) -> int:
        tokens = batch.targets["labels"] != IGNORED if share is Share.CRITERION else batch.layout["scored"]
        return int(tokens.sum())

    def flips(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor:
        return masked_mean((logits.argmax(-1) != other.argmax(-1)).float(), batch.layout["scored"])

    # From logits to predictions and scores ----------------------------------------------------------------------

    def unbatch(self, logits: Tensor, batch: Batch) -> list[Tensor]:
        """For each window (words, C): the words scored there, in their order."""
        return masked_rows(logits, batch.layout["scored"])

    def rebatch(self, rows: Sequence[Tensor], batch: Batch) -> Tensor:
        """(B, T, C), 0 where no word is scored."""
        return padded_rows(rows, batch.layout["scored"], 0.0)

    def decode(self, outputs: Outputs) -> list[list[str]]:
        """One list of tag names a source row."""
        return [self._named(table) for _, table in self._sources(outputs)]

    def references(self, features: datasets.Dataset) -> list[list[str]]:
        windows_of = zip(features["window"], features["tags"], strict=True)
        return [[self.labels[tag] for tag in tags] for window, tags in windows_of if window == 0]

    def describe(self, outputs: Outputs) -> list[dict[str, Any]]:
        """The tags, the probability of each, and for BIO tags the entities (``end`` is an entity's last word)."""
        described = []
        for words, table in self._sources(outputs):
            tags = self._named(table)
            probabilities = torch.softmax(table.double(), dim=-1).amax(-1).tolist() if words else []
            row: dict[str, Any] = {"prediction": tags, "probabilities": probabilities}
            if self._bio:
                row["entities"] = [
                    {**entity._asdict(), "text": " ".join(words[entity.start : entity.end + 1])}
                    for entity in entities(tags)
                ]
            described.append(row)
        return described

    def baseline(self, train: Sequence[list[str]], references: Sequence[list[str]]) -> list[list[str]]:
        """The most frequent tag everywhere."""
        counts = Counter(tag for tags in train for tag in tags)
        most = counts.most_common(1)[0][0] if counts else self.labels[self._fallback]
        return [[most] * len(tags) for tags in references]

    # Details ----------------------------------------------------------------------------------------------------

    def _named(self, table: Tensor) -> list[str]:
        return [self.labels[index] for index in table.argmax(-1).tolist()]

    def _sources(self, outputs: Outputs) -> list[tuple[list[str], Tensor]]:
        """Each source row's words and their logits (words, C), merged from its windows."""
        features = outputs.features
        columns = [list(features[name]) for name in ("window", "word", "words")]
        sources: list[tuple[list[str], Tensor]] = []
        for window, scored, words, logits in zip(*columns, outputs.logits, strict=True):
            if window == 0:
                table = torch.zeros(len(words), len(self.labels))
                table[:, self._fallback] = _CERTAIN  # stays so for words that have no token
                sources.append((words, table))
            sources[-1][1][[word for word in scored if word >= 0]] = logits
        return sources

    def _words(self, value: Any, row: int) -> list[str]:
        words, column = items_of(value) if isinstance(value, str) else value, self.definition.text[0]
        if isinstance(value, str) and words and not all(isinstance(word, str) for word in words):
            words = value.split()  # a list of numbers is no list of words, but a word such as [1]
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise self.row_error("is no list of words", row, column, value, list_hint(column))
        return words

    def _tags(self, value: Any, count: int, row: int) -> list[int]:
        tags = items_of(value) if isinstance(value, str) else value
        if not isinstance(tags, list):
            label = self.definition.label
            raise self.row_error("is no list of tags", row, label, value, list_hint(label))
        if len(tags) != count:
            raise self.row_error(f"there are {len(tags)} tags for {count} words", row, self.definition.label, value)
        return [self._tag(tag, word, row) for word, tag in enumerate(tags)]

    def _tag(self, value: Any, word: int, row: int) -> int:
        """The index of a tag given by name, or by number where no tag's name is a number."""
        index = self._names.find(value)
        if index is not None:
            return index
        message, hint = f"the tag of word {word + 1} is not one of the task's", did_you_mean(value, self.labels)
        raise self.row_error(message, row, self.definition.label, value, hint)

    def _spans(self, length: int, size: int, max_length: int) -> list[Span]:
        """The windows over ``length`` tokens.

        Raises:
            ConfigError: a window of ``size`` tokens is too small.
        """
        if size < 1:
            raise ConfigError("leaves no room for words", key=f"{self.name}.max_length", value=max_length)
        overlap = self.options.overlap
        if overlap is not None and overlap >= size:
            hint = f"It must be less than the {size} tokens of words that a window holds"
            raise ConfigError("is too long", key=f"{self.name}.options.overlap", value=overlap, hint=hint)
        return windows(length, size, size // 4 if overlap is None else overlap)

    def _label_order(self) -> list[int] | None:
        """Where a shared head has each of our tags; None if they are ours as they are."""
        source = self.shared_labels
        if source is None or source == self.labels:
            return None
        if set(source) != set(self.labels):
            message = f"has other tags than the shared head ({', '.join(source)})"
            raise ConfigError(message, key=f"{self.name}.labels", value=self.labels)
        return [source.index(label) for label in self.labels]
