"""Ranking: the candidates of a query in the order of their relevance.

The candidates of a query stand in one list in its row, or in rows of their own that share the query's id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import datasets
import numpy as np
import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.encoding import Rows
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.task_types.interface.arranges_rows import ArrangesRows
from mtsmart.task_types.interface.base import TASK_TYPES, Outputs, TaskOptions
from mtsmart.task_types.interface.checks_training import ChecksTraining
from mtsmart.task_types.interface.explains_outputs import ExplainsDecoding, Portable
from mtsmart.task_types.interface.reads_labels import Seen
from mtsmart.task_types.shared.candidates import CandidateTask, encode_lists, reading_of_lists
from mtsmart.task_types.shared.labels import Kind, as_list, listed, number_of, size_hint
from mtsmart.task_types.shared.rows import row_error, texts_of
from mtsmart.text.counts import counted


class RankingOptions(TaskOptions):
    """Which columns hold a query's candidates, or which column says that rows belong to one query."""

    candidates: list[str] | None = Field(
        None, min_length=1, description="the candidates' columns, or one column that holds a list of candidates"
    )
    group: str | None = Field(
        None,
        description="column of the query's id, or of its text; rows with the same id are one query's candidates",
    )

    _one_column = field_validator("candidates", mode="before")(as_list)

    @model_validator(mode="after")
    def _one_form(self) -> RankingOptions:
        if (self.candidates is None) == (self.group is None):
            raise ValueError("give either 'candidates' (in one row) or 'group' (rows with one candidate each)")
        return self

    @property
    def columns(self) -> list[str]:
        """The candidates' columns, or the column of the query's id."""
        return list(self.candidates or []) if self.group is None else [self.group]


@TASK_TYPES.register("ranking")
class Ranking(CandidateTask, ArrangesRows, ChecksTraining, Portable, ExplainsDecoding):
    """Cross-entropy of the softmax over a query's scores against its normalised relevances.

    This is ListNet's top-one loss (Cao et al. 2007, equation 4, with relevances normalised by their sum). With one
    relevant candidate it is the cross-entropy with which MT-DNN ranks (Liu et al. 2019, equation 5).

    With ``candidates`` the label of a row is the right candidate's index or name, or a list of relevances. With
    ``group`` it is the relevance of the row. A relevance is a number from 0 (irrelevant) up, or one of ``labels``; the
    first of them stands for 0, the next for 1, and so on.
    """

    losses = ("listwise_cross_entropy",)
    metrics = ("mrr", "ndcg", "top1")
    Options = RankingOptions

    options: RankingOptions

    def check(self) -> None:
        if self.options.group == self.definition.text[0]:
            self.columns = [*self.definition.text]  # The text of a query may stand for its id.
        super().check()
        if self.grouped and len(self.definition.text) != 2:
            hint = "text: [query, candidate]"
            raise ConfigError("needs two columns with 'group'", key=f"{self.name}.text", hint=hint)
        if self.grouped and self.definition.labels_from is not None:
            message = "does not go with 'group', where labels are relevances"
            raise ConfigError(message, key=f"{self.name}.labels_from", value=self.definition.labels_from)

    @property
    def grouped(self) -> bool:
        """Whether candidates are rows of their own."""
        return self.options.group is not None

    @property
    def candidate_columns(self) -> list[str]:
        return list(self.options.candidates or [])

    def label_items(self, rows: datasets.Dataset) -> Iterator[Seen]:
        """The labels that are one candidate's index or name; relevances stand for themselves."""
        cells = () if self.grouped else self.label_cells(rows)
        return (cell for cell in cells if listed(cell.value) is None)

    # From rows to batches ---------------------------------------------------------------------------------------

    @property
    def needs_all_rows(self) -> bool:
        """Whether candidates are rows of their own: those of a query may stand anywhere."""
        return self.grouped

    def arrange(self, rows: datasets.Dataset) -> datasets.Dataset:
        """With ``group`` make one row a query, in the order of their first candidates; it holds lists of their values.

        ``positions`` says where each candidate stood among ``rows``.
        """
        if not self.grouped:
            return rows
        members: dict[Any, list[int]] = {}
        for position, key in enumerate(rows[self.options.group][:]):
            members.setdefault(key, []).append(position)
        self._check_queries(rows, members)
        query, candidate = self.definition.text
        sources = {"rows": "row", "queries": query, "candidates": candidate, "label": self.label}
        columns = {name: rows[source][:] for name, source in sources.items() if source in rows.column_names}
        groups = list(members.values())
        gathered = {name: [[values[i] for i in group] for group in groups] for name, values in columns.items()}
        first = [group[0] for group in gathered["rows"]]
        ids = [str(key) for key in members]
        return datasets.Dataset.from_dict({"row": first, "group": ids, "positions": groups, **gathered})

    def _check_queries(self, rows: datasets.Dataset, members: Mapping[Any, Sequence[int]]) -> None:
        """Refuse an id that stands for two queries: all its candidates would be ranked for the first."""
        column = self.definition.text[0]
        queries = rows[column][:]
        numbers = rows["row"][:]
        for key, (first, *others) in members.items():
            for other in others:
                if queries[other] != queries[first]:
                    message = (
                        f"is another query than row {numbers[first] + 1} has with the same {self.options.group} {key!r}"
                    )
                    hint = "Give each query an id of its own"
                    raise row_error(message, numbers[other], column, queries[other], hint)

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        """One row a query: the tokens of its (query, candidate) pairs, and with labels their relevances."""
        if self.grouped:
            return self._encode_groups(rows, tokenizer, max_length, with_labels)
        candidates = self.candidates(rows)
        contexts = [[text] * len(texts) for text, texts in zip(self.contexts(rows), candidates, strict=True)]
        encoded = encode_lists(contexts, candidates, tokenizer, max_length) | {"row": rows["row"]}
        if with_labels:
            values = zip(rows[self.label], candidates, rows["row"], strict=True)
            encoded["labels"] = [self._relevances(value, len(texts), row) for value, texts, row in values]
        return encoded

    def _encode_groups(
        self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool
    ) -> Rows:
        for name, column in zip(("queries", "candidates"), self.definition.text, strict=True):
            for values, numbers in zip(rows[name], rows["rows"], strict=True):
                texts_of({column: values, "row": numbers}, column)
        encoded = encode_lists(rows["queries"], rows["candidates"], tokenizer, max_length)
        encoded |= {name: rows[name] for name in ("row", "group", "positions")}
        if with_labels:
            labels = zip(rows["label"], rows["rows"], strict=True)
            encoded["labels"] = [list(map(self._relevance, values, numbers)) for values, numbers in labels]
        return encoded

    def _relevances(self, value: Any, count: int, row: int) -> list[float]:
        """The relevance of each of a row's candidates."""
        relevances = listed(value)
        if relevances is None:
            right = self.candidate_index(value, count, row)
            return [float(index == right) for index in range(count)]
        if len(relevances) != count:
            message = f"holds {counted(len(relevances), 'relevance')} for {counted(count, 'candidate')}"
            raise row_error(message, row, self.label, value)
        return [self._relevance(relevance, row) for relevance in relevances]

    def _relevance(self, value: Any, row: int) -> float:
        labels = self.definition.labels
        kind, place = self.names.meaning(value)
        if labels is not None and kind is Kind.NAME:
            return float(place)
        number = number_of(value) if labels is None or self.names.numbered else None
        if number is None or number < 0:
            other = did_you_mean(value, labels) if labels else "Give a number from 0 (irrelevant) up"
            hint = size_hint(value) or other
            raise row_error("is not a relevance", row, self.label, value, hint)
        return number

    def check_training(self, features: datasets.Dataset) -> None:
        """Refuse a query without a relevant candidate: nothing says which one should come first."""
        for position, relevances in enumerate(features["labels"][:]):
            if not any(relevances):
                query = features[position]
                column = self.options.group or self.label
                message = "is a query without a relevant candidate"
                raise row_error(message, query["row"], column, query["group"] if self.grouped else relevances)

    def targets(self, features: Sequence[dict[str, Any]], layout: dict[str, Tensor]) -> Tensor:
        """Relevances (B, N) float32, 0 where a list has no candidate."""
        relevances = torch.zeros(layout["present"].shape)
        relevances[layout["present"]] = torch.tensor([value for row in features for value in row["labels"]])
        return relevances

    # From logits to predictions and scores ----------------------------------------------------------------------

    def decode(self, outputs: Outputs) -> list[list[float]]:
        """The scores of each query's candidates."""
        return [scores.tolist() for scores in outputs.logits]

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """With ``candidates`` the indices, best first, and the scores; with ``group`` each row's rank and score."""
        orders = [np.argsort(-scores.numpy(), kind="stable").tolist() for scores in outputs.logits]
        if not self.grouped:
            return [
                {"prediction": order, "scores": scores}
                for order, scores in zip(orders, self.decode(outputs), strict=True)
            ]
        described = {}
        groups = zip(outputs.features["positions"][:], orders, self.decode(outputs), strict=True)
        for positions, order, scores in groups:
            for rank, index in enumerate(order, 1):
                described[positions[index]] = {"prediction": rank, "score": scores[index]}
        return [described[position] for position in sorted(described)]

    def how_read(self, max_length: int) -> dict[str, Any]:
        if not self.grouped:
            return reading_of_lists(self, max_length)
        columns = {"text": self.definition.text, "group": self.options.group}
        return {"kind": "groups", **columns, "max_length": max_length}

    def how_decoded(self) -> dict[str, Any]:
        return {"kind": "ranks" if self.grouped else "order"}

    def decoding_rule(self) -> str:
        """How the outputs of a query's candidates are compared."""
        return (
            "the model gives one number for each pair; the candidates of one query stand in the order of their "
            "numbers, the highest first"
        )

    def baseline(self, train: Sequence[Sequence[float]], references: Sequence[Sequence[float]]) -> list[list[float]]:
        """Rank by place: the place in the list with the highest mean relevance comes first."""
        places: dict[int, list[float]] = {}
        for relevances in train:
            for place, relevance in enumerate(relevances):
                places.setdefault(place, []).append(relevance)
        order = sorted(places, key=lambda place: (-np.mean(places[place]), place))
        score = {place: -float(rank) for rank, place in enumerate(order)}
        return [[score.get(place, -float(place) - len(score)) for place in range(len(row))] for row in references]
