"""The rows of a task under several runs: which runs have them right, and where the runs differ most."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mtsmart.errors import DataError
from mtsmart.evaluation.details.parts import ExplainedRow, ScoredRows
from mtsmart.evaluation.details.worst_rows import costliest
from mtsmart.reporting.report.content import RunContent


@dataclass(frozen=True)
class DifferingRow:
    """A row, and what the runs make of it.

    Attributes:
        row: its number in the data, from 1.
        texts: column -> what any of the runs reads there.
        gold: what the data says.
        by_run: run -> its prediction.
        wrong: the runs that have it wrong; none where predictions are numbers, which are only more or less far away.
    """

    row: int
    texts: Mapping[str, str]
    gold: str
    by_run: Mapping[str, ExplainedRow]
    wrong: Collection[str]


@dataclass(frozen=True)
class SharedRows:
    """Rows that several runs have scored.

    Attributes:
        rows: how many there are.
        is_right_or_wrong: whether a prediction is one or the other; numbers are only more or less far away.
        wrong: run -> how many rows it has wrong.
        ahead: run -> how many rows it has right that another of the runs has wrong.
        wrong_in_all: how many rows all runs have wrong.
        differing: how many rows are right in some of the runs and wrong in others.
        shown: of these rows (or of all rows, where predictions are numbers) those whose costs differ most between the
            runs, the most different first.
    """

    rows: int
    is_right_or_wrong: bool
    wrong: Mapping[str, int]
    ahead: Mapping[str, int]
    wrong_in_all: int
    differing: int
    shown: Sequence[DifferingRow]


@dataclass(frozen=True)
class ComparedRows:
    """A task whose rows are compared.

    Attributes:
        shared: None if fewer than two runs have scored the same rows.
        notes: sentences on runs that are not compared.
        has_other_rows: whether a run has scored other rows than the first one, so that no score is the better one.
    """

    shared: SharedRows | None = None
    notes: Sequence[str] = field(default_factory=list)
    has_other_rows: bool = False

    def with_other(self, note: str) -> ComparedRows:
        """The same, with the note that the stored scores are of other rows."""
        return replace(self, notes=[note, *self.notes], has_other_rows=True)


def compare_rows(contents: Mapping[str, RunContent], task: str) -> ComparedRows:
    """Compare the runs that have scored the same validation rows of a task as the first of them.

    Args:
        contents: what each run is called -> the run with its best model evaluated.
        task: a task of at least one of them.
    """
    having = {name: content for name, content in contents.items() if task in content.record.definitions}
    scored = {name: rows for name, content in having.items() if (rows := _scored(content, task)) is not None}
    notes = [f"{name}: {note}" for name, content in having.items() for note in _notes(content, task)]
    if len(scored) < 2:
        return ComparedRows(None, notes if len(having) > 1 else [])
    first, *others = scored
    try:
        same = _same_as(scored[first], {name: scored[name] for name in others})
        shared = {name: scored[name] for name in (first, *same)}
        elsewhere = [name for name in others if name not in same]
        notes += [f"{name}: It scored other rows than {first}." for name in elsewhere]
        return ComparedRows(_compare(shared) if same else None, notes, has_other_rows=bool(elsewhere))
    except DataError as error:
        return ComparedRows(None, [*notes, f"The texts cannot be read now: {error}"])


def _notes(content: RunContent, task: str) -> list[str]:
    return [*content.notes.get("", []), *content.notes.get(task, [])]


def _scored(content: RunContent, task: str) -> ScoredRows | None:
    result = content.results.get(task)
    return None if result is None or result.details is None else result.details.scored


def _same_as(first: ScoredRows, others: Mapping[str, ScoredRows]) -> list[str]:
    """The runs whose rows have the numbers, the gold labels and the texts of the first run's rows.

    A run may read fewer columns than another one, so the texts of the columns that both read are compared.
    """
    texts = first.read_texts(first.numbers)
    gold = first.gold()
    return [
        name
        for name, rows in others.items()
        if list(rows.numbers) == list(first.numbers)
        and rows.gold() == gold
        and _are_equal(texts, rows.read_texts(rows.numbers))
    ]


def _are_equal(texts: Mapping[int, Mapping[str, str]], others: Mapping[int, Mapping[str, str]]) -> bool:
    return all(_agree(columns, others[number]) for number, columns in texts.items())


def _agree(columns: Mapping[str, str], others: Mapping[str, str]) -> bool:
    """Whether two readings of a row have a column in common, and the same text in each common column."""
    common = columns.keys() & others.keys()
    return bool(common) and all(columns[name] == others[name] for name in common)


def _compare(runs: Mapping[str, ScoredRows]) -> SharedRows:
    """Compare at least two runs on the rows that they share."""
    wrong = np.stack([rows.wrong for rows in runs.values()])
    costs = np.stack([rows.costs for rows in runs.values()])
    is_right_or_wrong = all(rows.is_right_or_wrong for rows in runs.values())
    differing: np.ndarray = np.logical_and(wrong.any(0), ~wrong.all(0))
    spread: np.ndarray = costs.max(0) - costs.min(0)
    places = costliest(spread, differing if is_right_or_wrong else spread > 0)
    return SharedRows(
        rows=wrong.shape[1],
        is_right_or_wrong=is_right_or_wrong,
        wrong={name: int(rows.wrong.sum()) for name, rows in runs.items()},
        ahead={name: int((differing & ~rows.wrong).sum()) for name, rows in runs.items()},
        wrong_in_all=int(wrong.all(0).sum()),
        differing=int(differing.sum()),
        shown=_shown(runs, places),
    )


def _shown(runs: Mapping[str, ScoredRows], places: Sequence[int]) -> list[DifferingRow]:
    """The rows at some places."""
    explained = {name: rows.explained(places) for name, rows in runs.items()}
    found = []
    for index, place in enumerate(places):
        by_run = {name: rows[index] for name, rows in explained.items()}
        texts = {column: text for row in by_run.values() for column, text in row.texts.items()}
        wrong = [name for name, rows in runs.items() if rows.is_right_or_wrong and rows.wrong[place]]
        first = next(iter(by_run.values()))
        found.append(DifferingRow(first.row, texts, first.gold, by_run, wrong))
    return found
