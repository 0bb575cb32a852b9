"""Multiple choice: which of a few candidates goes with a text."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import datasets
import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.encoding import Rows
from mtsmart.errors import ConfigError
from mtsmart.metrics.called import score_by
from mtsmart.task_types.details.interface import HasProbabilities
from mtsmart.task_types.details.likelihoods import costs_of_labels, likeliest
from mtsmart.task_types.interface.base import TASK_TYPES, Outputs, TaskOptions
from mtsmart.task_types.interface.explains_outputs import ExplainsDecoding, Portable
from mtsmart.task_types.interface.reads_labels import Seen, Survey
from mtsmart.task_types.shared.candidates import CandidateTask, encode_lists, reading_of_lists
from mtsmart.task_types.shared.labels import Kind, LabelNames, as_list, listed
from mtsmart.task_types.shared.right_candidates import RightCandidates, answers_in, in_first_terms
from mtsmart.task_types.shared.rows import row_error, texts_of


class MultipleChoiceOptions(TaskOptions):
    """Which columns hold the candidates."""

    choices: list[str] = Field(
        min_length=1, description="the candidates' columns, or one column that holds a list of candidates"
    )

    keys: str | None = Field(
        None, description="column that holds the candidates' own names in each row, such as A, B, C, or 1, 2, 3"
    )
    by_text: bool = Field(
        False,
        description="the label is the text of the right candidate, or a list of texts of which each is right; training "
        "takes the first one",
    )
    placeholder: str | None = Field(
        None,
        min_length=1,
        description="what each candidate takes the place of in the second text, which then comes after the first",
    )

    _one_column = field_validator("choices", mode="before")(as_list)

    @property
    def columns(self) -> list[str]:
        """The candidates' columns, and that of their names."""
        return [*self.choices, *([] if self.keys is None else [self.keys])]


_LETTERS = string.ascii_uppercase
_OF_TEXTS = ("answer_f1", "answer_exact")  # metrics that compare the candidate's text with the right ones


@TASK_TYPES.register("multiple_choice")
class MultipleChoice(CandidateTask, HasProbabilities, Portable, ExplainsDecoding):
    """One candidate of each list is right: cross-entropy over the list, as in ``AutoModelForMultipleChoice``.

    The label is the candidate's index from 0, or its name: the name of its column, or what ``labels`` or the row's
    ``keys`` say. Numbers beside the letters A, B, C count from 1, as in ARC. With ``by_text`` it is the text of the
    candidate, as in ReCoRD.
    """

    losses = ("cross_entropy",)
    metrics = ("accuracy", *_OF_TEXTS)
    Options = MultipleChoiceOptions

    options: MultipleChoiceOptions

    @property
    def candidate_columns(self) -> list[str]:
        return self.options.choices

    def check(self) -> None:
        super().check()
        for key in ("labels", "labels_from"):
            if self.options.keys is not None and getattr(self.definition, key) is not None:
                message = "does not go with 'keys', which name the candidates"
                raise ConfigError(message, key=f"{self.name}.{key}", value=getattr(self.definition, key))
        if self.options.by_text and self.options.keys is not None:
            message = "does not go with 'keys': the label is a text or a name"
            raise ConfigError(message, key=f"{self.name}.options.by_text", value=True)
        if self.options.placeholder is not None and len(self.definition.text) != 2:
            message = "needs two texts, of which the second holds it"
            raise ConfigError(message, key=f"{self.name}.options.placeholder", value=self.options.placeholder)
        for metric in self.definition.metrics or []:
            if metric in _OF_TEXTS and not self.options.by_text:
                message = "compares texts, and the label is an index or a name"
                hint = "If the label is a text, say options: {by_text: true}"
                raise ConfigError(message, key=f"{self.name}.metrics", value=metric, hint=hint)

    def label_items(self, rows: datasets.Dataset) -> Iterator[Seen]:
        """The labels of the column; none where each row says what they mean."""
        is_index_or_name = self.options.keys is None and not self.options.by_text
        return self.label_cells(rows) if is_index_or_name else iter(())

    def first_place(self, survey: Survey) -> int:
        names = [name.upper() for name in self.labels]
        are_letters = bool(names) and names == list(_LETTERS[: len(names)])
        are_mixed = survey.name is not None and survey.numbers and 0 not in survey.numbers
        said = self.definition.labels_from
        return 1 if said is None and are_letters and are_mixed else super().first_place(survey)

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        candidates = self.candidates(rows)
        firsts, seconds = self._segments(rows, candidates)
        encoded = encode_lists(firsts, seconds, tokenizer, max_length)
        encoded |= {"row": rows["row"], "candidates": candidates}
        keys = self._keys(rows, candidates)
        if keys is not None:
            encoded["keys"] = keys
        if with_labels:
            encoded |= self._labels(rows, candidates, keys)
        return encoded

    def _segments(
        self, rows: Rows, candidates: Sequence[Sequence[str]]
    ) -> tuple[list[list[str]], Sequence[Sequence[str]]]:
        """The first and the second segment for each candidate: the texts, and the candidate or the text with it."""
        placeholder = self.options.placeholder
        if placeholder is None:
            contexts = self.contexts(rows)
            return [[text] * len(texts) for text, texts in zip(contexts, candidates, strict=True)], candidates
        first, second = (texts_of(rows, column) for column in self.definition.text)
        for text, row in zip(second, rows["row"], strict=True):
            if placeholder not in text:
                raise row_error(f"does not hold '{placeholder}'", row, self.definition.text[1], text)
        firsts = [[text] * len(texts) for text, texts in zip(first, candidates, strict=True)]
        filled = [
            [text.replace(placeholder, candidate) for candidate in texts]
            for text, texts in zip(second, candidates, strict=True)
        ]
        return firsts, filled

    def _labels(
        self, rows: Rows, candidates: Sequence[Sequence[str]], keys: Sequence[Sequence[str]] | None
    ) -> dict[str, list[Any]]:
        """``labels``, the index of each row's right candidate; if labels are texts also ``answers``, all right ones."""
        values = list(zip(rows[self.label], candidates, rows["row"], strict=True))
        if self.options.by_text:
            answers = [answers_in(value, texts, row, self.label) for value, texts, row in values]
            pairs = zip(candidates, answers, strict=True)
            return {"labels": [int(RightCandidates(*pair)) for pair in pairs], "answers": answers}
        indices = [
            self.candidate_index(value, len(texts), row) if keys is None else self._by_key(value, keys[place], row)
            for place, (value, texts, row) in enumerate(values)
        ]
        return {"labels": indices}

    def _keys(self, rows: Rows, candidates: Sequence[Sequence[str]]) -> list[list[str]] | None:
        """The names of each row's candidates; None if rows have no names of their own."""
        column = self.options.keys
        if column is None:
            return None
        found = []
        for value, texts, row in zip(rows[column], candidates, rows["row"], strict=True):
            names = listed(value)
            if names is None or len(set(map(str, names))) != len(texts):
                message = f"does not name the row's {len(texts)} candidates, each with another name"
                raise row_error(message, row, column, value)
            found.append(list(map(str, names)))
        return found

    def _by_key(self, value: Any, names: Sequence[str], row: int) -> int:
        kind, place = LabelNames(names).meaning(value)
        if kind is not Kind.NAME:
            hint = f"The row's are: {', '.join(names)}"
            raise row_error("is none of the row's candidates", row, self.label, value, hint)
        return place

    def targets(self, features: Sequence[dict[str, Any]], layout: dict[str, Tensor]) -> Tensor:
        """(B,) int64: the index of each list's right candidate."""
        return torch.tensor([row["labels"] for row in features])

    def references(self, features: datasets.Dataset) -> list[Any]:
        """The index of each list's right candidate; where labels are texts, it knows all of them."""
        if not self.options.by_text:
            return super().references(features)
        pairs = zip(features["candidates"][:], features["answers"][:], strict=True)
        return [RightCandidates(*pair) for pair in pairs]

    def score(self, predictions: Sequence[int], references: Sequence[Any]) -> dict[str, float]:
        """The task's metrics, the main one first; those of texts compare the candidate's text with all right ones."""
        if not self.options.by_text:
            return super().score(predictions, references)
        pairs = list(zip(predictions, references, strict=True))
        indices = [in_first_terms(*pair) for pair in pairs]
        texts = [reference.text_of(prediction) for prediction, reference in pairs]
        answers = [reference.answers for reference in references]
        return {
            name: score_by(name, texts, answers) if name in _OF_TEXTS else score_by(name, indices, references)
            for name in self.metric_names
        }

    def is_wrong(self, prediction: int, reference: int) -> bool:
        """Whether another candidate is right."""
        if isinstance(reference, RightCandidates):
            return prediction not in reference.right
        return prediction != reference

    def decode(self, outputs: Outputs) -> list[int]:
        """The index of each list's best candidate."""
        return [int(scores.argmax()) for scores in outputs.logits]

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The best candidate's index, name (if candidates have names) and text, and each one's probability."""
        own = self.options.keys is not None
        texts = outputs.features["candidates"][:]
        keys = outputs.features["keys"][:] if own else [self.names.names] * len(outputs.logits)
        return [
            {
                "prediction": index,
                **({"prediction_label": names[index]} if index < len(names) else {}),
                "prediction_text": candidates[index],
                "probabilities": torch.softmax(scores.double(), dim=-1).tolist(),
            }
            for index, names, candidates, scores in zip(self.decode(outputs), keys, texts, outputs.logits, strict=True)
        ]

    def how_read(self, max_length: int) -> dict[str, Any]:
        return reading_of_lists(self, max_length, self.options.keys, self.options.placeholder)

    def how_decoded(self) -> dict[str, Any]:
        return {"kind": "choice", "names": self.names.names}

    def decoding_rule(self) -> str:
        """How the outputs of a row's candidates are compared."""
        return (
            "the model gives one number for each pair; the softmax over all candidates of a row gives their "
            "probabilities, and the candidate with the highest number is the prediction"
        )

    def costs(self, outputs: Outputs, references: Sequence[int]) -> np.ndarray:
        """(N,) float64: the negative log-likelihood of each row's right candidate."""
        pairs = zip(outputs.logits, references, strict=True)
        return np.concatenate([costs_of_labels(scores[None], [index]) for scores, index in pairs])

    def events(self, outputs: Outputs, references: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Each row's best candidate: (N,) its probability, and (N,) bool whether it is right."""
        predictions = self.decode(outputs)
        found = [
            likeliest(scores[None], [index if self.is_wrong(prediction, index) else prediction])
            for scores, index, prediction in zip(outputs.logits, references, predictions, strict=True)
        ]
        return np.concatenate([each for each, _ in found]), np.concatenate([each for _, each in found])

    def in_words(self, value: int) -> str:
        """The name of a candidate, or its number from 0 where candidates have no names; a right one by its text."""
        if isinstance(value, RightCandidates):
            return " / ".join(dict.fromkeys(value.answers))
        names = self.names.names
        return names[value] if value < len(names) else str(value)

    def baseline(self, train: Sequence[int], references: Sequence[int]) -> list[int]:
        """The most frequent index."""
        return [Counter(train).most_common(1)[0][0]] * len(references)
