"""Extractive question answering: the part of a context that answers a question (SQuAD 1.1 and 2.0)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar, NamedTuple

import datasets
import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from transformers import BatchEncoding, PreTrainedTokenizerBase

from mtsmart.data.batch import Batch, pad, pad_inputs
from mtsmart.data.encoding import Rows
from mtsmart.data.tokenizing import TOKENS
from mtsmart.errors import ConfigError
from mtsmart.losses import Divergence
from mtsmart.losses.divergences import OF_SOFTMAX
from mtsmart.losses.ensembles import mean_softmax
from mtsmart.metrics.answers import answer_f1, best_null_threshold, token_f1
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.details.interface import ExplainsErrors
from mtsmart.task_types.interface.base import TASK_TYPES, Outputs, TaskOptions, TaskType, refuse_unread
from mtsmart.task_types.interface.decides import Decides
from mtsmart.task_types.interface.distillable import Distillable, TaughtBy
from mtsmart.task_types.interface.explains_outputs import ExplainsCuts, ExplainsDecoding, Portable
from mtsmart.task_types.interface.fits_decoding import FitsDecoding
from mtsmart.task_types.interface.own_signature import OwnSignature, default_signature
from mtsmart.task_types.shared.head_specs import head_spec_of
from mtsmart.task_types.shared.labels import whole_number
from mtsmart.task_types.shared.reductions import masked_rows, padded_rows
from mtsmart.task_types.shared.rows import row_error, texts_of
from mtsmart.task_types.shared.span_windows import (
    Span,
    answer_positions,
    best_spans,
    candidates,
    each_window,
    fitting_questions,
    in_first,
    nearest_place,
    of_texts,
    window_columns,
    windows,
)
from mtsmart.tasks.definition import TaskDefinition

_MASKED = -1e4  # finite: a divergence over -inf is nan
_ROUNDING = 1e-5  # of a score outside mtsmart, relative
_FORM = "Expected {text: [...], answer_start: [...]}, empty lists for no answer"
_SENTENCE = re.compile(r".*?[.!?](?=\s|$)", re.DOTALL)


class SpanOptions(TaskOptions):
    """Settings of extractive question answering."""

    stride: int | None = Field(
        None, ge=0, description="tokens that neighbouring windows share; null: 64, or a quarter of max_length if less"
    )
    max_answer_length: int = Field(30, ge=1, description="longest predicted answer in tokens")
    no_answer: bool = Field(False, description="whether questions may have no answer (SQuAD 2.0)")


class Reference(NamedTuple):
    """What a prediction is scored against.

    Attributes:
        answers: all reference answers; empty if the question has no answer.
        opening: the context's first sentence, for the baseline.
    """

    answers: list[str]
    opening: str


@TASK_TYPES.register("span")
class SpanTask(
    TaskType,
    Distillable,
    Decides,
    FitsDecoding,
    OwnSignature,
    ExplainsErrors,
    Portable,
    ExplainsDecoding,
    ExplainsCuts,
):
    """Text columns [question, context]; logits (B, T, 2): start and end; a row makes one or several windows.

    The label column, ``answers`` by default, holds SQuAD's mapping ``{text: [...], answer_start: [...]}``. In csv and
    tsv it is JSON, with ``dataset: {parse: {answers: json}}`` (other forms: ``answer``, ``answers``). Training uses the
    first answer, scores use all of them. In a window without the whole answer the model learns to point to the
    classification token (Devlin et al. 2019, section 4.3; Hugging Face's ``run_qa``).
    """

    losses = ("cross_entropy",)
    divergences = OF_SOFTMAX
    metrics = ("answer_f1", "answer_exact", "has_answer_f1", "no_answer_f1")
    Options = SpanOptions
    decoding_ranges: ClassVar = {"null_threshold": (-math.inf, math.inf)}
    taught_by = TaughtBy.TOKEN

    options: SpanOptions

    def __init__(self, name: str, definition: TaskDefinition, shared_head: HeadSpec | None = None) -> None:
        if definition.label == TaskDefinition.model_fields["label"].default:
            definition = definition.model_copy(update={"label": "answers"})
        super().__init__(name, definition, shared_head)

    def check(self) -> None:
        super().check()
        refuse_unread(self, "labels", "project")
        definition = self.definition
        if len(definition.text) != 2:
            message = "must be two columns, the question and the context"
            hint = "For example text: [question, context]"
            raise ConfigError(message, key=f"{self.name}.text", value=definition.text, hint=hint)
        if definition.label in definition.text:
            raise ConfigError("is a text column too", key=f"{self.name}.label", value=definition.label)
        for metric in definition.metrics or []:
            if metric in ("has_answer_f1", "no_answer_f1") and not self.options.no_answer:
                message = "needs a task with unanswerable questions"
                hint = "Say options: {no_answer: true}"
                raise ConfigError(message, key=f"{self.name}.metrics", value=metric, hint=hint)

    @property
    def head_spec(self) -> HeadSpec:
        return head_spec_of(self.definition, "question_answering", 2)

    # From rows to batches ---------------------------------------------------------------------------------------

    def signature(self) -> dict[str, Any]:
        """The default, but only those options that change the windows."""
        return {**default_signature(self), "options": self.options.model_dump(include={"stride", "no_answer"})}

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        """Windows of at most ``max_length`` tokens: the whole question and a part of the context.

        Without labels a context need not hold a word, and a question that leaves no room for it is cut.

        Returns:
            tokens; ``row``; ``window`` (from 0 within a row); ``cls``, ``first`` and ``offsets`` (see
            :func:`window_columns`); ``context`` in a row's first window; and with labels ``answers`` (JSON) in a row's
            first window, and ``start`` and ``end``, the positions to learn.
        """
        tokens = self._tokenize(rows, tokenizer, max_length, with_labels)
        contexts = rows[self.definition.text[1]]
        golds = self._answers(rows) if with_labels else []
        encoded: Rows = {}
        for sample, group in groupby(windows(tokens, contexts, tokenizer), key=lambda window: window.sample):
            of_row = list(group)
            if with_labels and all(left == right for window in of_row for left, right in window.offsets):
                raise row_error("holds no word", rows["row"][sample], self.definition.text[1], contexts[sample])
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

    def _tokenize(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, refuse: bool) -> BatchEncoding:
        question, context = self.definition.text
        questions = texts_of(rows, question)
        contexts = texts_of(rows, context)
        stride = self._stride(max_length)
        room = max_length - tokenizer.num_special_tokens_to_add(pair=True)
        if refuse or room <= stride:
            self._require_room(rows, tokenizer, room, stride)
        else:
            questions = fitting_questions(questions, tokenizer, room, stride)
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

    def how_cut(self, max_length: int) -> str:
        question, context = self.definition.text
        return f"cut in {question}, which leaves no room for {context} in {max_length} tokens"

    def _stride(self, max_length: int) -> int:
        return min(64, max_length // 4) if self.options.stride is None else self.options.stride

    def _require_room(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, whole: int, stride: int) -> None:
        """Refuse a question that leaves no room for new tokens of the context in each window."""
        column = self.definition.text[0]
        alone = tokenizer(rows[column], add_special_tokens=False, return_attention_mask=False)["input_ids"]
        for words, question, row in zip(alone, rows[column], rows["row"], strict=True):
            room = whole - len(words)
            if room <= stride:
                message = (
                    f"has {len(words)} tokens and leaves room for {max(room, 0)} tokens of the context, "
                    f"but neighbouring windows share {stride}"
                )
                raise row_error(message, row, column, question, "Raise max_length, or lower options.stride")

    def _answers(self, rows: Rows) -> list[tuple[list[str], list[int]]]:
        """For each row the answers' texts and their places in the context, which are checked."""
        columns = (rows[self.label], rows[self.definition.text[1]], rows["row"])
        return [self._answer(value, context, row) for value, context, row in zip(*columns, strict=True)]

    def _answer(self, value: Any, context: str, row: int) -> tuple[list[str], list[int]]:
        label = self.label
        mapping = value if isinstance(value, Mapping) else {}
        texts = mapping.get("text")
        places = mapping.get("answer_start")
        if not (isinstance(texts, list) and isinstance(places, list) and len(texts) == len(places)):
            are_objects = isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value)
            form = "answers" if are_objects else "json"
            what = "A list of such answers" if are_objects else "JSON in csv or tsv"
            hint = f"{_FORM}; {what}: dataset: {{parse: {{{label}: {form}}}}}"
            raise row_error("is not in SQuAD's form", row, label, value, hint)
        if not texts and not self.options.no_answer:
            hint = "If questions may have no answer, say options: {no_answer: true}"
            raise row_error("the question has no answer", row, label, value, hint)
        whole = [None if isinstance(place, str) else whole_number(place) for place in places]
        for text, place, given in zip(texts, whole, places, strict=True):
            if not isinstance(text, str) or not text.strip():
                raise row_error("an answer is not a text, or empty", row, f"{label}.text", text, _FORM)
            if place is None:
                raise row_error("is not a whole number", row, f"{label}.answer_start", given, _FORM)
            if place < 0 or not context.startswith(text, place):
                message = f"the answer '{text}' is not at this place in the context"
                raise row_error(message, row, f"{label}.answer_start", place, nearest_place(text, context, place))
        return texts, [place for place in whole if place is not None]

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
        """The mean of start's and end's cross-entropy over all T positions, as in AutoModelForQuestionAnswering."""
        start = self._criterion(logits[..., 0], batch.targets["start"]).mean()
        end = self._criterion(logits[..., 1], batch.targets["end"]).mean()
        return (start + end) / 2

    def average(self, function: Divergence, logits: Tensor, target: Tensor, batch: Batch) -> Tensor:
        """The mean over windows, and over start and end; distributions are over context and classification tokens."""
        return function(_among_candidates(logits, batch), _among_candidates(target, batch)).mean()

    def changed(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor:
        """The share of windows whose likeliest start or likeliest end, each on its own, differs."""
        ours = _among_candidates(logits, batch).argmax(-1)
        theirs = _among_candidates(other, batch).argmax(-1)
        return (ours != theirs).any(-1).float().mean()

    # From logits to predictions and scores ----------------------------------------------------------------------

    def unbatch(self, logits: Tensor, batch: Batch) -> list[Tensor]:
        """(T, 2) for each window, with its own T."""
        return masked_rows(logits, batch.attention_mask)

    def rebatch(self, rows: Sequence[Tensor], batch: Batch) -> Tensor:
        """(B, T, 2), very low on padding."""
        return padded_rows(rows, batch.attention_mask, _MASKED)

    def ensemble(self, logits: Sequence[Tensor], batch: Batch, temperature: float) -> Tensor:
        """The mean of the start's and of the end's distribution over context and classification tokens."""
        return mean_softmax([_among_candidates(each, batch) for each in logits], temperature).transpose(1, 2)

    def fit(self, outputs: Outputs, references: Sequence[Reference]) -> None:
        """Find ``null_threshold``: how far "no answer" must be above the best answer to be predicted."""
        if self.options.no_answer:
            spans = self._spans(outputs)
            contexts = of_texts(outputs.features, "context")
            texts = [context[span.start : span.end] for span, context in zip(spans, contexts, strict=True)]
            differences = [span.null - span.score for span in spans]
            answers = [reference.answers for reference in references]
            self.decoding = {"null_threshold": best_null_threshold(texts, answers, differences)}

    def decode(self, outputs: Outputs) -> list[str]:
        """A text for each source row, cut from its context; empty for no answer."""
        return [row["prediction"] for row in self._answered(outputs)]

    def references(self, features: datasets.Dataset) -> list[Reference]:
        answers = (json.loads(text) for text in of_texts(features, "answers"))
        openings = map(_opening, of_texts(features, "context"))
        return [Reference(*pair) for pair in zip(answers, openings, strict=True)]

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The answer, its score (start plus end logit) and its characters [start, end); all None without a word.

        If questions may have no answer, also ``no_answer_score``: the score of "no answer" minus that of the best
        answer. If no answer is given, ``start`` and ``end`` are None and ``score`` is that of the best answer.
        """
        return self._answered(outputs)

    def _answered(self, outputs: Outputs) -> list[dict[str, Any]]:
        described = []
        for span, context in zip(self._spans(outputs), of_texts(outputs.features, "context"), strict=True):
            row: dict[str, Any] = {"prediction": context[span.start : span.end], "score": span.score}
            row.update(start=span.start, end=span.end)
            if self.options.no_answer:
                row["no_answer_score"] = span.null - span.score
                if row["no_answer_score"] > self._null_threshold:
                    row.update(prediction="", start=None, end=None)
            # Without a word in the context there is no answer, and no span has a score.
            described.append(dict.fromkeys(row) if span.score == -math.inf else row)
        return described

    @property
    def _null_threshold(self) -> float:
        return self.decoding.get("null_threshold", 0.0)

    def how_read(self, max_length: int) -> dict[str, Any]:
        sizes = {"max_length": max_length, "stride": self._stride(max_length)}
        return {"kind": "spans", "text": self.definition.text, **sizes}

    def decoding_rule(self) -> str:
        """How start and end make an answer, and what becomes of long contexts."""
        nothing = "; no answer has the sum at the classification token" if self.options.no_answer else ""
        return (
            f"the answer is the part of the context, of at most {self.options.max_answer_length} tokens, with the "
            f"highest sum of start and end logit{nothing}. The scores are those of whole contexts: mtsmart and an "
            "exported graph's answer.py read a long context in overlapping windows, and take the best answer of all. "
            "A single pass of the exported model reads one window, and finds no answer outside it"
        )

    def how_decoded(self) -> dict[str, Any]:
        # The threshold is the difference of a validation row to the bit, which other arithmetic rounds otherwise.
        threshold = self._null_threshold + _ROUNDING * (1 + abs(self._null_threshold))
        limits = {"max_answer_length": self.options.max_answer_length, "null_threshold": threshold}
        return {"kind": "answer", "no_answer": self.options.no_answer, **limits}

    def costs(self, outputs: Outputs, references: Sequence[Reference]) -> np.ndarray:
        """(N,) float64: 1 - the word F1 of each answer."""
        pairs = zip(self.decode(outputs), references, strict=True)
        return np.asarray([1 - token_f1(answer, reference.answers) for answer, reference in pairs])

    def is_wrong(self, prediction: str, reference: Reference) -> bool:
        """Whether an answer shares not all its words with any of the right ones."""
        return token_f1(prediction, reference.answers) < 1

    def in_words(self, value: str | Reference) -> str:
        """An answer, or the right answers."""
        answers = [value] if isinstance(value, str) else list(dict.fromkeys(value.answers))
        return " / ".join(answer for answer in answers if answer) or "(no answer)"

    def baseline(self, train: Sequence[Reference], references: Sequence[Reference]) -> list[str]:
        """The context's first sentence, or no answer at all if that scores better on the training rows."""
        answers = [reference.answers for reference in train]
        openings = answer_f1([reference.opening for reference in train], answers)
        if self.options.no_answer and answer_f1([""] * len(train), answers) > openings:
            return [""] * len(references)
        return [reference.opening for reference in references]

    def score(self, predictions: Sequence[str], references: Sequence[Reference]) -> dict[str, float]:
        """The task's metrics, the main one first; they compare texts with all reference answers."""
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
