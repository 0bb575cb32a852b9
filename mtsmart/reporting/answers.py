"""How predictions for typed texts are shown: with bars on a terminal, or on one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.cells import cell_len, set_cell_size

from mtsmart.text.escaping import one_line

_WIDTH = 80
_BAR = 40
_LABEL = 24  # columns; longer labels are cut
_MOST_LABELS = 6
_PART = "p("
Prediction = Mapping[str, Any]


def with_bars(answers: Mapping[str, Prediction]) -> list[str]:
    """Lines of at most 80 columns: each task's prediction, and a bar for each probability, the largest first.

    Args:
        answers: task -> its prediction, as ``predict`` gives it.
    """
    return [line for task, answer in answers.items() for line in _block(task, answer)]


def on_one_line(answers: Mapping[str, Prediction]) -> str:
    """Each task's prediction and its probability, with two blanks between the tasks."""
    return "  ".join(f"{one_line(task)}: {_short(answer)}" for task, answer in answers.items())


def _block(task: str, answer: Prediction) -> Iterator[str]:
    yield _cut(f"{one_line(task)}: {_shown(answer['prediction'])}", _WIDTH)
    ranked = sorted(_probabilities(answer).items(), key=lambda item: -item[1])
    for label, probability in ranked[:_MOST_LABELS]:
        bar = "█" * round(probability * _BAR)
        name = set_cell_size(_cut(one_line(label), _LABEL), _LABEL)
        yield f"  {name}  {bar:<{_BAR}}  {probability:.2f}"
    if len(ranked) > _MOST_LABELS:
        rest = sum(probability for _, probability in ranked[_MOST_LABELS:])
        yield f"  {len(ranked) - _MOST_LABELS} other labels, together {rest:.2f}"


def _short(answer: Prediction) -> str:
    prediction = answer["prediction"]
    probability = _probabilities(answer).get(str(prediction))
    return _shown(prediction) if probability is None else f"{_shown(prediction)} {probability:.2f}"


def _probabilities(answer: Prediction) -> dict[str, float]:
    """Label -> probability."""
    return {key[len(_PART) : -1]: value for key, value in answer.items() if key.startswith(_PART)}


def _shown(prediction: Any) -> str:
    if isinstance(prediction, float):
        return f"{prediction:.2f}"
    if isinstance(prediction, list):
        return one_line(", ".join(map(str, prediction))) or "(none)"
    return one_line(str(prediction)) or "(empty)"


def _cut(text: str, width: int) -> str:
    """The text in at most so many columns; a wide letter takes two."""
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"
