"""Labels that say by their texts which candidates are right: one text, or several of which each is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtsmart.errors import did_you_mean
from mtsmart.task_types.shared.labels import listed
from mtsmart.task_types.shared.rows import row_error


class RightCandidates(int):
    """The index of the first right candidate of a row. It knows the others and their texts.

    Attributes:
        right: the indices of all right candidates, ascending.
        candidates: the texts of all candidates of the row.
        answers: the texts that are right, as the label has them.
    """

    right: list[int]
    candidates: list[str]
    answers: list[str]

    def __new__(cls, candidates: Sequence[str], answers: Sequence[str]) -> RightCandidates:
        right = [index for index, candidate in enumerate(candidates) if candidate in answers]
        made = super().__new__(cls, right[0])
        made.right = right
        made.candidates = list(candidates)
        made.answers = list(answers)
        return made

    def text_of(self, index: int) -> str:
        """The text of a candidate; empty for an index that the row does not have, which a baseline may predict."""
        return self.candidates[index] if index < len(self.candidates) else ""


def answers_in(value: Any, candidates: Sequence[str], row: int, column: str) -> list[str]:
    """The right texts that a label names.

    Raises:
        DataError: it names no text, or none of the candidates; the message names the row.
    """
    found = listed(value)
    texts = [value] if found is None else found
    if not texts or not all(isinstance(text, str) for text in texts):
        hint = "Expected the text of the right candidate, or a list of such texts"
        raise row_error("names no right candidate", row, column, value, hint)
    if not set(texts) & set(candidates):
        hint = did_you_mean(texts[0], candidates)
        raise row_error("is the text of none of the row's candidates", row, column, value, hint)
    return list(texts)


def in_first_terms(prediction: int, reference: RightCandidates) -> int:
    """The prediction as accuracy compares it: the first right candidate stands for every right one."""
    return int(reference) if prediction in reference.right else prediction
