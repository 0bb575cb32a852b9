"""Tagging: one of C tags for each word of a row; entities if the tags mark them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import datasets
import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch, pad, pad_inputs
from mtsmart.data.encoding import Rows
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.losses.criteria import focal
from mtsmart.metrics.entities import OUTSIDE, entities, marks_entities
from mtsmart.metrics.label_counts import LabelCounts, confusion_matrix, counts_of_items
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.details.interface import Confusion, CountsLabels, HasProbabilities
from mtsmart.task_types.details.likelihoods import costs_of_labels, likeliest
from mtsmart.task_types.interface.base import TASK_TYPES, Outputs, refuse_unread
from mtsmart.task_types.interface.distillable import Distillable, TaughtBy
from mtsmart.task_types.interface.explains_outputs import ExplainsDecoding, Portable
from mtsmart.task_types.interface.reads_labels import Seen
from mtsmart.task_types.shared.head_specs import head_spec_of
from mtsmart.task_types.shared.label_weights import LossOptions, WeighsLabels, weighted_mean
from mtsmart.task_types.shared.labels import items_of, list_hint, listed, words_of
from mtsmart.task_types.shared.named_labels import NamedLabels
from mtsmart.task_types.shared.reductions import masked_rows, padded_rows
from mtsmart.task_types.shared.rows import ReadsLists, row_error
from mtsmart.task_types.shared.tokens import IGNORED, TokenTask
from mtsmart.task_types.shared.words import Span, WordTokens, owner, tokenize_words, windows
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.text.counts import counted

_CERTAIN = 1e4  # a logit whose softmax is 1
_ANY = "(any)"  # the type of entities whose tags have none


class TaggingOptions(LossOptions):
    """How windows overlap, and how tags count in the loss."""

    overlap: int | None = Field(
        None, ge=0, description="tokens that windows over a long row share at least; null: a quarter of a window"
    )


@TASK_TYPES.register("tagging")
class Tagging(
    TokenTask,
    NamedLabels,
    WeighsLabels,
    Distillable,
    ReadsLists,
    CountsLabels,
    HasProbabilities,
    Portable,
    ExplainsDecoding,
):
    """Logits (B, T, C), labels (B, T) int64: the word's tag on its first sub-word, -100 elsewhere.

    A row is a list of words, or text: a JSON list, or words with blanks between; tags likewise. A row that is longer
    than the length limit becomes several overlapping windows. Each word is scored once, in the window that shows most
    of the text around it. A word that the tokenizer turns into nothing is tagged ``O``, or the first tag if there is no
    ``O``.
    """

    metrics = ("entity_f1", "entity_precision", "entity_recall", "tag_accuracy", "tag_macro_f1")
    losses = ("cross_entropy", "focal")
    Options = TaggingOptions
    taught_by = TaughtBy.TOKEN

    options: TaggingOptions

    def __init__(self, name: str, definition: TaskDefinition, shared_head: HeadSpec | None = None) -> None:
        super().__init__(name, definition, shared_head)
        self._marks = marks_entities(self.labels)
        self._fallback = self.labels.index(OUTSIDE) if OUTSIDE in self.labels else 0
        self._order = self._label_order()
        self._criterion = self.with_gamma(self._criterion, focal)
        if definition.metrics is None and not self._marks:
            self.metric_names = ["tag_accuracy"]

    def check(self) -> None:
        super().check()
        refuse_unread(self, "project")
        definition = self.definition
        kind = "for task type 'tagging'"
        if definition.labels is None:
            raise ConfigError(f"is required {kind}", key=f"{self.name}.labels")
        if len(definition.text) != 1:
            raise ConfigError(f"must be one column {kind}", key=f"{self.name}.text", value=definition.text)
        self.check_loss_options(smoothed="cross_entropy", focal="focal")
        for metric in definition.metrics or []:
            if metric.startswith("entity_") and not marks_entities(definition.labels):
                hint = (
                    "Those are O, B-<type>, I-<type>, with E- and S- or L- and U-, or the letters alone; "
                    "for other tags there are tag_accuracy and tag_macro_f1"
                )
                raise ConfigError("needs BIO, BIOES or BILOU tags", key=f"{self.name}.metrics", value=metric, hint=hint)

    @property
    def head_spec(self) -> HeadSpec:
        return head_spec_of(self.definition, "token_classification", len(self.labels), self.labels)

    def label_items(self, rows: datasets.Dataset) -> Iterator[Seen]:
        """Each tag."""
        for cell in self.label_cells(rows):
            tags = items_of(cell.value) if isinstance(cell.value, str) else cell.value
            yield from (Seen(tag, cell.row) for tag in tags) if isinstance(tags, list) else [cell]

    # From rows to batches ---------------------------------------------------------------------------------------

    def lacks_item(self, column: str, value: Any) -> bool:
        """Whether a word is null; a word without letters is a word."""
        if isinstance(value, str) and items_of(value) is not None:
            return False  # a text of words, which may look like [null]
        return None in (listed(value) or ())

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        """Windows over rows.

        Returns:
            ``input_ids``, ``token_type_ids`` and ``word`` (for each token that is scored the number of the word that
            it begins, -1 for the others), ``row``, ``window`` (from 0 in each row), ``words`` (in a row's first window,
            else empty), and with labels ``labels`` (like ``word``, with -100) and ``tags`` (like ``words``).
        """
        (column,) = self.definition.text
        words = [self._words(value, row) for value, row in zip(rows[column], rows["row"], strict=True)]
        tags: list[list[int]] = [[] for _ in words]
        if with_labels:
            values = zip(rows[self.label], words, rows["row"], strict=True)
            tags = [self._tags(value, len(own), row) for value, own, row in values]
        encoded: Rows = {}
        tokenized = tokenize_words(words, tokenizer)
        for tokens, own, gold, row in zip(tokenized, words, tags, rows["row"], strict=True):
            for number, window in enumerate(self._windows(tokens, max_length)):
                window |= {"row": row, "window": number, "words": [] if number else own}
                if with_labels:
                    window["labels"] = [IGNORED if word < 0 else gold[word] for word in window["word"]]
                    window["tags"] = [] if number else gold
                for name, value in window.items():
                    encoded.setdefault(name, []).append(value)
        return encoded

    def _windows(self, tokens: WordTokens, max_length: int) -> list[dict[str, Any]]:
        """The windows over a row: their tokens, and for each token the word that it begins and that is scored there."""
        spans = self._spans(len(tokens), max_length - tokens.specials, max_length)
        owners = {word: owner(run, spans) for word, run in tokens.runs.items()}
        found: list[dict[str, Any]] = []
        for number, span in enumerate(spans):
            starts = {tokens.runs[word].start: word for word, window in owners.items() if window == number}
            scored = tokens.around([starts.get(token, -1) for token in range(span.start, span.end)], -1)
            found.append({**tokens.window(span), "word": scored})
        return found

    def collate(self, features: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase, seed: int) -> Batch:
        side = tokenizer.padding_side
        scored = pad([row["word"] for row in features], -1, side) >= 0
        targets = {}
        if "labels" in features[0]:
            targets["labels"] = pad([row["labels"] for row in features], IGNORED, side)
        rows = [row["row"] for row in features]
        return Batch(self.name, pad_inputs(features, tokenizer), targets, rows, {"scored": scored})

    # From logits to predictions and scores ----------------------------------------------------------------------

    def criterion(self, logits: Tensor, batch: Batch) -> Tensor:
        """The mean over the labelled tokens; with class weights weighted by those of their tags."""
        weights = self.label_weights(logits.device)
        smoothing = self.options.label_smoothing
        if weights is None and smoothing == 0:
            return super().criterion(logits, batch)
        labels = batch.targets["labels"].flatten()
        each = self._token_weights(labels)
        if smoothing == 0:
            return weighted_mean(self._criterion(logits.flatten(0, 1), labels), each)
        losses = F.cross_entropy(
            logits.flatten(0, 1).float(), labels, weights, reduction="none", label_smoothing=smoothing
        )
        return losses.sum() / each.sum().clamp_min(torch.finfo(torch.float32).tiny)

    def count_labels(self, batch: Batch) -> float:
        """The sum of the labelled tokens' weights."""
        return float(self._token_weights(batch.targets["labels"]).sum())

    def _token_weights(self, labels: Tensor) -> Tensor:
        """The weight of each token's tag, 0 for tokens without a label."""
        mask = (labels != IGNORED).float()
        weights = self.label_weights(labels.device)
        return mask if weights is None else weights[labels.clamp_min(0)] * mask

    def count_each(self, features: datasets.Dataset) -> tuple[Sequence[float], float]:
        """How many words have each tag."""
        tags = np.asarray([tag for row in features["tags"][:] for tag in row], dtype=np.int64)
        return np.bincount(tags, minlength=len(self.labels)).tolist(), len(tags)

    def adapt(self, logits: Tensor, batch: Batch) -> Tensor:
        """A shared head's tags in this task's order."""
        return logits if self._order is None else logits[..., self._order]

    def unbatch(self, logits: Tensor, batch: Batch) -> list[Tensor]:
        """For each window (words, C): the words that are scored there, in their order."""
        return masked_rows(logits, batch.layout["scored"])

    def rebatch(self, rows: Sequence[Tensor], batch: Batch) -> Tensor:
        """(B, T, C), 0 where nothing is scored."""
        return padded_rows(rows, batch.layout["scored"], 0.0)

    def decode(self, outputs: Outputs) -> list[list[str]]:
        """The name of each word's likeliest tag."""
        return [self._named(table) for _, table in self._sources(outputs)]

    def references(self, features: datasets.Dataset) -> list[list[str]]:
        windows_of = zip(features["window"][:], features["tags"][:], strict=True)
        return [[self.labels[tag] for tag in tags] for window, tags in windows_of if window == 0]

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The tags, the probability of each, and for tags of entities these (``end`` is an entity's last word)."""
        described = []
        for words, table in self._sources(outputs):
            tags = self._named(table)
            probabilities = torch.softmax(table.double(), dim=-1).amax(-1).tolist() if words else []
            row: dict[str, Any] = {"prediction": tags, "probabilities": probabilities}
            if self._marks:
                row["entities"] = [
                    {**entity._asdict(), "text": " ".join(words[entity.start : entity.end + 1])}
                    for entity in entities(tags)
                ]
            described.append(row)
        return described

    def how_read(self, max_length: int) -> dict[str, Any]:
        columns = {"text": self.definition.text, "max_length": max_length}
        return {"kind": "words", **columns, "overlap": self.options.overlap}

    def decoding_rule(self) -> str:
        """Which outputs count, and what becomes of long rows."""
        return (
            "the tag of a word is that of its first token; only there was the model trained. The scores are those of "
            "whole rows: mtsmart and an exported graph's answer.py read a long row in overlapping windows. A pipeline "
            "of transformers cuts it instead, and gives no tag to the words after the cut"
        )

    def how_decoded(self) -> dict[str, Any]:
        places = {"order": self._order, "fallback": self._fallback}
        return {"kind": "tags", "labels": self.labels, **places, "entities": self._marks}

    def baseline(self, train: Sequence[list[str]], references: Sequence[list[str]]) -> list[list[str]]:
        """The most frequent tag everywhere."""
        counts = Counter(tag for tags in train for tag in tags)
        most = counts.most_common(1)[0][0] if counts else self.labels[self._fallback]
        return [[most] * len(tags) for tags in references]

    # Evaluation in detail ---------------------------------------------------------------------------------------

    def costs(self, outputs: Outputs, references: Sequence[list[str]]) -> np.ndarray:
        """(N,) float64: the negative log-likelihood of each row's tags, summed over its words."""
        pairs = zip(self._sources(outputs), references, strict=True)
        return np.asarray([costs_of_labels(table, self._places(tags)).sum() for (_, table), tags in pairs])

    def events(self, outputs: Outputs, references: Sequence[list[str]]) -> tuple[np.ndarray, np.ndarray]:
        """Each word's likeliest tag: (M,) its probability, and (M,) bool whether it is right."""
        tables = torch.cat([table for _, table in self._sources(outputs)])
        return likeliest(tables, self._places([tag for tags in references for tag in tags]))

    def in_words(self, value: list[str]) -> str:
        """The tags with blanks between."""
        return " ".join(value)

    def label_counts(self, predictions: Sequence[list[str]], references: Sequence[list[str]]) -> dict[str, LabelCounts]:
        """Type of entity -> its counts, by exact span; tag -> its counts, where tags mark no entities."""
        if not self._marks:
            confusion = self.confusion(predictions, references).counts
            sums = zip(confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1), strict=True)
            return {tag: LabelCounts(*map(int, each)) for tag, each in zip(self.labels, sums, strict=True)}
        kinds = dict.fromkeys(tag[2:] or _ANY for tag in self.labels if tag != OUTSIDE)
        found = [
            [(each.type or _ANY, (row, each)) for row, tags in enumerate(rows) for each in entities(tags)]
            for rows in (predictions, references)
        ]
        return counts_of_items(kinds, *found)

    def confusion(self, predictions: Sequence[list[str]], references: Sequence[list[str]]) -> Confusion:
        """Which tag is taken for which, over the words of all rows."""
        ours, gold = ([tag for tags in rows for tag in tags] for rows in (predictions, references))
        counts = confusion_matrix(np.asarray(self._places(ours)), np.asarray(self._places(gold)), len(self.labels))
        return Confusion(self.labels, counts)

    def _places(self, tags: Sequence[str]) -> list[int]:
        places = {tag: place for place, tag in enumerate(self.labels)}
        return [places[tag] for tag in tags]

    # Details ----------------------------------------------------------------------------------------------------

    def _named(self, table: Tensor) -> list[str]:
        return [self.labels[index] for index in table.argmax(-1).tolist()]

    def _sources(self, outputs: Outputs) -> list[tuple[list[str], Tensor]]:
        """Each source row's words and their logits (words, C), merged from its windows."""
        features = outputs.features
        columns = [features[name][:] for name in ("window", "word", "words")]
        sources: list[tuple[list[str], Tensor]] = []
        for window, scored, words, logits in zip(*columns, outputs.logits, strict=True):
            if window == 0:
                table = torch.zeros(len(words), len(self.labels), dtype=logits.dtype)
                table[:, self._fallback] = _CERTAIN  # remains for words that have no token
                sources.append((words, table))
            sources[-1][1][[word for word in scored if word >= 0]] = logits
        return sources

    def _words(self, value: Any, row: int) -> list[str]:
        column = self.definition.text[0]
        words = items_of(value) if isinstance(value, str) else value
        if isinstance(value, str) and words and not any(isinstance(word, str) for word in words):
            words = words_of(value)  # a JSON list of numbers is a text: its words may look like [1]
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise row_error("is not a list of words", row, column, value, list_hint(column))
        return words

    def _tags(self, value: Any, count: int, row: int) -> list[int]:
        label = self.label
        tags = items_of(value) if isinstance(value, str) else value
        if not isinstance(tags, list):
            raise row_error("is not a list of tags", row, label, value, list_hint(label))
        if len(tags) != count:
            message = f"there are {len(tags)} tags for {counted(count, 'word')}"
            raise row_error(message, row, label, value)
        return [self._tag(tag, word, row) for word, tag in enumerate(tags)]

    def _tag(self, value: Any, word: int, row: int) -> int:
        """The index of a tag given by name, or by number if no tag's name is a number."""
        index = self.names.find(value)
        if index is None:
            message = f"the tag of word {word + 1} is not one of the task's"
            raise row_error(message, row, self.label, value, did_you_mean(value, self.labels))
        return index

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
        """For each of our tags its place in the shared head; None if the head's tags are ours in our order."""
        source = None if self.shared_head is None else self.shared_head.labels
        if source is None or source == self.labels:
            return None
        if set(source) != set(self.labels):
            message = f"has other tags than the shared head ({', '.join(source)})"
            raise ConfigError(message, key=f"{self.name}.labels", value=self.labels)
        return [source.index(label) for label in self.labels]
