"""GLUE's leaderboard (gluebenchmark.com): tab-separated files with the columns index and prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtsmart.suites.boards.answers import AnswerForm, Score, Words
from mtsmart.suites.boards.board import Board, BoardFile

_NLI = Words({label: label for label in ("entailment", "neutral", "contradiction")}, "neutral")
_ENTAILS = Words({label: label for label in ("entailment", "not_entailment")}, "not_entailment")


def tsv(ids: Sequence[Any], answers: Sequence[Any]) -> str:
    """A header, and a line for each row: its id, a tab, the answer."""
    lines = [f"{number}\t{answer}\n" for number, answer in zip(ids, answers, strict=True)]
    return "".join(["index\tprediction\n", *lines])


def _file(name: str, task: str, rows: int, form: AnswerForm) -> BoardFile:
    return BoardFile(f"{name}.tsv", task, rows, form, tsv)


def _numbers(first: str, second: str) -> Words:
    """Labels that the board calls 0 and 1."""
    return Words({first: 0, second: 1}, first)


GLUE = Board(
    "GLUE",
    (
        _file("CoLA", "cola", 1063, _numbers("unacceptable", "acceptable")),
        _file("SST-2", "sst2", 1821, _numbers("negative", "positive")),
        _file("MRPC", "mrpc", 1725, _numbers("not_equivalent", "equivalent")),
        _file("STS-B", "stsb", 1379, Score(0, 5)),
        _file("MNLI-m", "mnli", 9796, _NLI),
        _file("MNLI-mm", "mnli_mismatched", 9847, _NLI),
        _file("QNLI", "qnli", 5463, _ENTAILS),
        _file("RTE", "rte", 3000, _ENTAILS),
        _file("WNLI", "wnli", 146, _numbers("not_entailment", "entailment")),
        _file("AX", "ax", 1104, _NLI),
        _file("QQP", "qqp", 390_965, _numbers("not_duplicate", "duplicate")),
    ),
)
