"""Scores of extracted answers against reference answers, as in the official scripts of SQuAD 1.1 and 2.0.

Predictions are N texts; the empty text means "no answer". References are N lists of texts; the empty list means that
the question has no answer. Every score is a mean over questions in [0, 1], while the scripts print percent.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from mtsmart.metrics.scores import METRICS

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """The text in lower case without ASCII punctuation and without English articles; single blanks between words."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """1 if the normalised prediction equals one of the normalised answers, else 0."""
    predicted = normalize_answer(prediction)
    return float(any(predicted == answer for answer in _gold(answers)))


def token_f1(prediction: str, answers: Sequence[str]) -> float:
    """F1 of the two bags of normalised words, the best over all answers; 1 if both bags are empty, 0 if only one is."""
    predicted = normalize_answer(prediction).split()
    return max(_bag_f1(predicted, answer.split()) for answer in _gold(answers))


@METRICS.register("answer_f1")
def answer_f1(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Mean word F1 of the answers, as SQuAD defines it; "no answer" counts as 1 if the question has none."""
    return _mean([token_f1(*pair) for pair in zip(predictions, references, strict=True)])


@METRICS.register("answer_exact")
def answer_exact(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """The share of answers that equal a reference after SQuAD's normalisation."""
    return _mean([exact_match(*pair) for pair in zip(predictions, references, strict=True)])


@METRICS.register("has_answer_f1")
def has_answer_f1(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Mean word F1 over the questions that have an answer; 0 if there is no such question."""
    pairs = zip(predictions, references, strict=True)
    return _mean([token_f1(text, answers) for text, answers in pairs if has_answer(answers)])


@METRICS.register("no_answer_f1")
def no_answer_f1(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """The share of "no answer" among the questions that have none; 0 if there is no such question."""
    pairs = zip(predictions, references, strict=True)
    return _mean([token_f1(text, answers) for text, answers in pairs if not has_answer(answers)])


def has_answer(answers: Sequence[str]) -> bool:
    """Whether a question has a reference answer."""
    return bool(answers)


def best_null_threshold(
    predictions: Sequence[str], references: Sequence[Sequence[str]], differences: Sequence[float]
) -> float:
    """The threshold of best answer_f1 (SQuAD 2.0's best_f1_thresh): above it "no answer" is predicted.

    Two things differ from the official script. Questions with equal differences are decided together, because no
    threshold separates them. The threshold that answers nothing is below the smallest difference; the script takes 0,
    which is right for probabilities only.

    Args:
        predictions: N answers, the best one of each question.
        references: N lists of reference answers.
        differences: for each question the score of "no answer" minus the score of the best answer.

    Returns:
        one of ``differences``, or a number below all of them.
    """
    order = sorted(range(len(differences)), key=differences.__getitem__)
    threshold = differences[order[0]] - 1.0
    gain = 0.0
    best = 0.0
    for position, index in enumerate(order):
        answered = token_f1(predictions[index], references[index])
        gain += answered - token_f1("", references[index])
        last = position + 1 == len(order) or differences[order[position + 1]] > differences[index]
        if last and gain > best + 1e-9:
            threshold = differences[index]
            best = gain
    return float(threshold)


def _gold(answers: Sequence[str]) -> list[str]:
    """The normalised answers without empty ones; the empty text if nothing is left (SQuAD 2.0)."""
    return [answer for answer in map(normalize_answer, answers) if answer] or [""]


def _bag_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    if not predicted or not gold:
        return float(predicted == gold)
    common = (Counter(predicted) & Counter(gold)).total()
    if common == 0:
        return 0.0
    precision = common / len(predicted)
    recall = common / len(gold)
    return 2 * precision * recall / (precision + recall)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
