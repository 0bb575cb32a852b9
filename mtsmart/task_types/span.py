"""Extractive question answering: the stretch of a context that answers a question (SQuAD 1.1 and 2.0)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import datasets
import torch
from pydantic import Field
from torch import Tensor
from transformers import BatchEncoding, PreTrainedTokenizerBase

from mtsmart.config.validate import StrictModel
from mtsmart.data.batch import Batch, pad, pad_inputs
from mtsmart.data.encoding import Rows
from mtsmart.data.tokenizing import TOKENS
from mtsmart.errors import ConfigError
from mtsmart.metrics.answers import answer_f1, best_null_threshold
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.base import TASK_TYPES, Outputs, TaskType, masked_rows, mean_softmax, padded_rows
from mtsmart.task_types.span_windows import (
    Span,
    Window,
    answer_positions,
    best_spans,
    candidates,
    each_window,
    in_first,
    of_texts,
    window_columns,
    windows,
)
from mtsmart.tasks.definition import TaskDefinition

_MASKED = -1e4  # finite: a divergence over -inf is nan
_FORM = "Expected {text: [...], answer_start: [...]}, empty lists for no answer"
_SENTENCE = re.compile(r".*?[.!?](?=\s|$)", re.DOTALL)


class SpanOptions(StrictModel):
    """Settings of extractive question answering."""

    stride: int | None = Field(
        None, ge=0, description="tokens that neighbouring windows share; null: 64, or a quarter of max_length if less"
    )
    max_answer_length: int = Field(30, ge=1, description="longest predicted answer in tokens")
    no_answer: bool = Field(False, description="whether questions may have no answer (SQuAD 2.0)")


class Reference(NamedTuple):
    """What a prediction is scored against.

    Attributes:
        answers: all reference answers; none where the question has no answer.
        opening: the context's first sentence, for the trivial baseline.
    """

    answers: list[str]
    opening: str


@TASK_TYPES.register("span")
class SpanTask(TaskType):
    """Text columns [question, context]; logits (B, T, 2): start and end; a row makes one or several windows.

    The label column (``answers`` unless named) holds SQuAD's mapping ``{text: [...], answer_start: [...]}``; in csv and
    tsv as JSON, with ``dataset: {parse: {answers: json}}`` (other forms: ``answer``, ``answers``). The first
    answer trains, all of them score. A window without the whole answer is trained towards its classification token
    (Devlin et al. 2019, section 4.3; Hugging Face's ``run_qa``).
    """

    losses = ("cross_entropy",)
    divergences = ("symmetric_kl", "kl", "js", "hellinger")
    metrics = ("answer_f1", "answer_exact", "has_answer_f1", "no_answer_f1")
    Options = SpanOptions
    taught_by = "token"

    def __init__(self, name: str, definition: TaskDefinition, shared: HeadSpec | None = None) -> None:
        if definition.label == TaskDefinition.model_fields["label"].default:
            definition = definition.model_copy(update={"label": "answers"})
        super().__init__(name, definition, shared)

    def check(self) -> None:
        super().check()
        if len(self.definition.text) != 2:
            hint = "For example text: [question, context]"
            raise ConfigError(
                "must be two columns, the question and the context",
                key=f"{self.name}.text",
                value=self.definition.text,
                hint=hint,
            )
        if self.definition.label in self.definition.text:
            raise ConfigError("is a text column too", key=f"{self.name}.label", value=self.definition.label)
        for key in ("labels", "project"):
            if getattr(self.definition, key) is not None:
                raise ConfigError("does not go with task type 'span'", key=f"{self.name}.{key}")
        for metric in self.definition.metrics or []:
            if metric in ("has_answer_f1", "no_answer_f1") and not self.options.no_answer:
                hint = "Say options: {no_answer: true}"
                raise ConfigError(
                    "needs a task with unanswerable questions", key=f"{self.name}.metrics", value=metric, hint=hint
                )

    @property
    def head_spec(self) -> HeadSpec:
        return self.spec("question_answering", 2)

    # From rows to batches ---------------------------------------------------------------------------------------

    def signature(self) -> dict[str, Any]:
        return {**super().signature(), "options": self.options.model_dump(include={"stride", "no_answer"})}

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        """Windows of at most ``max_length`` tokens: the whole question and a stretch of the context.

        Columns besides the tokens: ``row``, ``window`` (from 0 within a row), ``cls``, ``first`` and ``offsets`` (see
        :func:`window_columns`), ``context`` and, with labels, ``answers`` (JSON) in a row's first window, and
        ``start`` and ``end``, the positions to learn.
        """
        tokens = self._tokenize(rows, tokenizer, max_length)
        contexts = rows[self.definition.text[1]]
        golds = self._answers(rows) if with_labels else []
        encoded: Rows = {}
        for sample, group in groupby(windows(tokens, contexts, tokenizer), key=lambda window: window.sample):
            of_row = list(group)
            self._require_characters(of_row, rows["row"][sample], contexts[sample])
            columns = window_columns(of_row, tokens, TOKENS)
            columns["row"] = [rows["row"][sample]] * len(of_row)
            columns["context"] = in_first(contexts[sample], of_row)
            if with_labels:
                texts, places = golds[sample]
                trained = (places[0], places[0] + len(texts[0])) if texts else None
                positions = answer_positions(of_row, trained)
                columns["answers"] = in_first(json.dumps(texts), of_row)
                columns["start"] = [start for start, _ in positions]
                columns["end"] = [end for _, end in positions]
            for name, values in columns.items():
                encoded.setdefault(name, []).extend(values)
        return encoded

    def _tokenize(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int) -> BatchEncoding:
        question, context = self.definition.text
        questions, contexts = self.texts(rows, question), self.texts(rows, context)
        stride = min(64, max_length // 4) if self.options.stride is None else self.options.stride
        special = tokenizer.num_special_tokens_to_add(pair=True)
        alone = tokenizer(questions, add_special_tokens=False, return_attention_mask=False)["input_ids"]
        for number, words in enumerate(alone):
            room = max_length - special - len(words)
            if room <= stride:
                raise self.row_error(
                    f"has {len(words)} tokens and leaves room for {max(room, 0)} of the context, where neighbouring "
                    f"windows share {stride}",
                    rows["row"][number],
                    question,
                    questions[number],
                    "Raise max_length, or lower options.stride",
                )
        tokens: BatchEncoding = tokenizer(
            questions,
            contexts,
            truncation="only_second",
            max_length=max_length,
            stride=stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_attention_mask=False,
        )
        return tokens

    def _require_characters(self, of_row: Sequence[Window], row: int, context: str) -> None:
        if all(left == right for window in of_row for left, right in window.offsets):
            raise self.row_error("holds no word", row, self.definition.text[1], context)

    def _answers(self, rows: Rows) -> list[tuple[list[str], list[int]]]:
        """Texts and their places for each row, checked against the context."""
        columns = (rows[self.definition.label], rows[self.definition.text[1]], rows["row"])
        return [self._answer(value, context, row) for value, context, row in zip(*columns, strict=True)]

    def _answer(self, value: Any, context: str, row: int) -> tuple[list[str], list[int]]:
        label = self.definition.label
        texts, places = (value.get("text"), value.get("answer_start")) if isinstance(value, Mapping) else (None, None)
        if not (isinstance(texts, list) and isinstance(places, list) and len(texts) == len(places)):
            hint = f"{_FORM}; JSON in csv or tsv: dataset: {{parse: {{{label}: json}}}}"
            raise self.row_error("is not in SQuAD's form", row, label, value, hint)
        if not texts and not self.options.no_answer:
            hint = "If that is meant, say options: {no_answer: true}"
            raise self.row_error("the question has no answer", row, label, value, hint)
        for text, place in zip(texts, places, strict=True):
            if not isinstance(text, str) or not text.strip():
                raise self.row_error("an answer is no text, or empty", row, f"{label}.text", text, _FORM)
            if not isinstance(place, int):
                raise self.row_error("is no whole number", row, f"{label}.answer_start", place, _FORM)
            if place < 0 or not context.startswith(text, place):
                message = f"the answer '{text}' does not stand there in the context"
                raise self.row_error(message, row, f"{label}.answer_start", place, _nearest(text, context, place))
        return texts, places

    def collate(self, features: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase, seed: int) -> Batch:
        """``layout["candidates"]`` (B, T) int64: 1 on context tokens and on the classification token."""
        side = tokenizer.padding_side
        inputs = pad_inputs(features, tokenizer)
        mask = pad([candidates(feature) for feature in features], 0, side)
        targets = {}
        if "start" in features[0]:
            width = inputs["input_ids"].shape[1]
            shifts = [width - len(feature["input_ids"]) if side == "left" else 0 for feature in features]
            for name in ("start", "end"):
                shifted = [feature[name] + shift for feature, shift in zip(features, shifts, strict=True)]
                targets[name] = torch.tensor(shifted, dtype=torch.int64)
        return Batch(self.name, inputs, targets, [row["row"] for row in features], {"candidates": mask})

    # The objective ----------------------------------------------------------------------------------------------

    def criterion(self, logits: Tensor, batch: Batch) -> Tensor:
        """Mean of the start's and the end's cross entropy over all T positions, as in AutoModelForQuestionAnswering."""
        start = self._criterion(logits[..., 0], batch.targets["start"]).mean()
        end = self._criterion(logits[..., 1], batch.targets["end"]).mean()
        return (start + end) / 2

    def divergence(self, logits: Tensor, target: Tensor, batch: Batch, role: str) -> Tensor:
        """Mean over windows, start and end, of the divergence over context tokens and the classification token."""
        return self._divergences[role](_among_candidates(logits, batch), _among_candidates(target, batch)).mean()

    def flips(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor:
        """Share of windows whose likeliest start or likeliest end (each on its own) is another."""
        ours, theirs = (_among_candidates(each, batch).argmax(-1) for each in (logits, other))
        return (ours != theirs).any(-1).float().mean()

    # From logits to predictions and scores ----------------------------------------------------------------------

    def unbatch(self, logits: Tensor, batch: Batch) -> list[Tensor]:
        """(T, 2) for each window, its own T."""
        return masked_rows(logits, batch.attention_mask)

    def rebatch(self, rows: Sequence[Tensor], batch: Batch) -> Tensor:
        """(B, T, 2), very low on padding."""
        return padded_rows(rows, batch.attention_mask, _MASKED)

    def ensemble(self, logits: Sequence[Tensor], batch: Batch, temperature: float) -> Tensor:
        """As by default, of the start's and the end's distribution over context and classification tokens."""
        return mean_softmax([_among_candidates(each, batch) for each in logits], temperature).transpose(1, 2)

    def fit(self, outputs: Outputs, references: Sequence[Reference]) -> None:
        """Find ``null_threshold``: how far "no answer" must be above the best answer to be predicted."""
        if self.options.no_answer:
            spans, contexts = self._spans(outputs), of_texts(outputs.features, "context")
            texts = [context[span.start : span.end] for span, context in zip(spans, contexts, strict=True)]
            differences = [span.null - span.score for span in spans]
            answers = [reference.answers for reference in references]
            self.decoding = {"null_threshold": best_null_threshold(texts, answers, differences)}

    def decode(self, outputs: Outputs) -> list[str]:
        """A text for each source row, cut from its context; empty for no answer."""
        return [row["prediction"] for row in self.describe(outputs)]

    def references(self, features: datasets.Dataset) -> list[Reference]:
        answers = (json.loads(text) for text in of_texts(features, "answers"))
        openings = map(_opening, of_texts(features, "context"))
        return [Reference(*pair) for pair in zip(answers, openings, strict=True)]

    def describe(self, outputs: Outputs) -> list[dict[str, Any]]:
        """The answer, its score (start plus end logit) and characters [start, end).

        Where questions may have no answer, also ``no_answer_score``: the score of "no answer" less that of the best
        answer. Without an answer, ``start`` and ``end`` are None and ``score`` is that of the answer not given.
        """
        described = []
        for span, context in zip(self._spans(outputs), of_texts(outputs.features, "context"), strict=True):
            row = {"prediction": context[span.start : span.end], "score": span.score}
            row.update(start=span.start, end=span.end)
            if self.options.no_answer:
                row["no_answer_score"] = span.null - span.score
                if row["no_answer_score"] > self.decoding.get("null_threshold", 0.0):
                    row.update(prediction="", start=None, end=None)
            described.append(row)
        return described

    def baseline(self, train: Sequence[Reference], references: Sequence[Reference]) -> list[str]:
        """Without a look at the question: the context's first sentence, or never an answer if that trains better."""
        answers = [reference.answers for reference in train]
        openings = answer_f1([reference.opening for reference in train], answers)
        if self.options.no_answer and answer_f1([""] * len(train), answers) > openings:
            return [""] * len(references)
        return [reference.opening for reference in references]

    def score(self, predictions: Sequence[str], references: Sequence[Reference]) -> dict[str, float]:
        return super().score(predictions, [reference.answers for reference in references])

    def _spans(self, outputs: Outputs) -> list[Span]:
        columns = ["window", "cls", "first", "offsets"]
        return best_spans(each_window(outputs.features, columns), outputs.logits, self.options.max_answer_length)


def _among_candidates(logits: Tensor, batch: Batch) -> Tensor:
    """Logits (B, T, 2) as (B, 2, T) float32, all but the candidates masked."""
    return logits.float().transpose(1, 2).masked_fill(batch.layout["candidates"].unsqueeze(1) == 0, _MASKED)


def _opening(context: str) -> str:
    match = _SENTENCE.match(context)
    return match.group() if match else context


def _nearest(text: str, context: str, place: int) -> str:
    places = [match.start() for match in re.finditer(f"(?={re.escape(text)})", context)]
    if not places:
        return "It stands nowhere in the context"
    return f"The nearest place where it stands is {min(places, key=lambda found: abs(found - place))}"
