"""SuperGLUE's leaderboard (super.gluebenchmark.com): JSON lines with idx and label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtsmart.suites.boards.answers import AnswerForm, Choice, ChoiceText, Words
from mtsmart.suites.boards.board import Board, BoardFile
from mtsmart.text.json_text import json_text

_ENTAILS = Words({label: label for label in ("entailment", "not_entailment")}, "not_entailment")
_RELATIONS = Words({label: label for label in ("entailment", "contradiction", "neutral")}, "contradiction")
_IN_SMALL_LETTERS = Words({"False": "false", "True": "true"}, "False")
_AS_PYTHON = Words({"False": "False", "True": "True"}, "False")
_NUMBERS = Words({"False": 0, "True": 1}, "False")


def json_lines(ids: Sequence[Any], answers: Sequence[Any]) -> str:
    """A line for each row: its id and the answer."""
    return _lines([{"idx": number, "label": answer} for number, answer in zip(ids, answers, strict=True)])


def by_query(ids: Sequence[Any], answers: Sequence[Any]) -> str:
    """ReCoRD's form: the id is that of the query."""
    return json_lines([each["query"] for each in ids], answers)


def by_paragraph(ids: Sequence[Any], answers: Sequence[Any]) -> str:
    """MultiRC's form: a line for each paragraph, with its questions, and their answers in them."""
    paragraphs: dict[int, dict[int, list[dict[str, Any]]]] = {}
    for each, answer in zip(ids, answers, strict=True):
        questions = paragraphs.setdefault(each["paragraph"], {})
        questions.setdefault(each["question"], []).append({"idx": each["answer"], "label": answer})
    return _lines(
        [
            {
                "idx": paragraph,
                "passage": {"questions": [{"idx": q, "answers": found} for q, found in questions.items()]},
            }
            for paragraph, questions in paragraphs.items()
        ]
    )


def _lines(objects: Sequence[Any]) -> str:
    return "".join(f"{json_text(each)}\n" for each in objects)


def _file(name: str, task: str, rows: int, form: AnswerForm) -> BoardFile:
    return BoardFile(f"{name}.jsonl", task, rows, form, json_lines)


SUPERGLUE = Board(
    "SuperGLUE",
    (
        _file("BoolQ", "boolq", 3245, _IN_SMALL_LETTERS),
        _file("CB", "cb", 250, _RELATIONS),
        _file("COPA", "copa", 500, Choice()),
        BoardFile("MultiRC.jsonl", "multirc", 9693, _NUMBERS, by_paragraph, ("paragraph", "question", "answer")),
        BoardFile("ReCoRD.jsonl", "record", 10_000, ChoiceText("entities"), by_query, ("passage", "query")),
        _file("RTE", "superglue_rte", 3000, _ENTAILS),
        _file("WiC", "wic", 1400, _IN_SMALL_LETTERS),
        _file("WSC", "wsc", 146, _AS_PYTHON),
        _file("AX-b", "axb", 1104, _ENTAILS),
        _file("AX-g", "axg", 356, _ENTAILS),
    ),
)
