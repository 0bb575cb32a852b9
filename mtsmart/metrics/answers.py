"""Extracted answers against reference answers, as the official scripts of SQuAD 1.1 and 2.0 score them.

Predictions are texts (B,), the empty text for "no answer"; references are lists of texts, empty where a question has
no answer. Every score is a mean over questions in [0, 1] (the scripts print percent).
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
    """Lower case, without ASCII punctuation, then without English articles, words parted by single blanks."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """1 where the normalised prediction equals one of the normalised answers, else 0."""
    predicted = normalize_answer(prediction)
    return float(any(predicted == answer for answer in _gold(answers)))


def token_f1(prediction: str, answers: Sequence[str]) -> float:
    """F1 of the bags of normalised words, the best over the answers; 1 for two empty bags, 0 for one."""
    predicted = normalize_answer(prediction).split()
    return max(_bag_f1(predicted, answer.split()) for answer in _gold(answers))


@METRICS.register("answer_f1")
def answer_f1(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Mean word F1 of the answers, as SQuAD defines it; an unanswerable question counts 1 when left unanswered."""
    return _mean([token_f1(*pair) for pair in zip(predictions, references, strict=True)])


@METRICS.register("answer_exact")
def answer_exact(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Share of answers that equal a reference after SQuAD's normalisation."""
    return _mean([exact_match(*pair) for pair in zip(predictions, references, strict=True)])


@METRICS.register("has_answer_f1")
def has_answer_f1(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Mean word F1 over the questions that have an answer; 0 when there are none."""
    pairs = zip(predictions, references, strict=True)
    return _mean([token_f1(text, answers) for text, answers in pairs if has_answer(answers)])


@METRICS.register("no_answer_f1")
def no_answer_f1(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Share of the unanswerable questions that were left unanswered; 0 when there are none."""
    pairs = zip(predictions, references, strict=True)
    return _mean([token_f1(text, answers) for text, answers in pairs if not has_answer(answers)])


def has_answer(answers: Sequence[str]) -> bool:
    """Whether a question has a reference answer."""
    return bool(answers)


def best_null_threshold(
    predictions: Sequence[str], references: Sequence[Sequence[str]], differences: Sequence[float]
) -> float:
    """The threshold above which "no answer" is predicted that gives the best answer_f1 (SQuAD 2.0's best_f1_thresh).

    Unlike the official script, questions of equal difference are decided together, since no threshold parts them,
    and the threshold that answers nothing lies below the least difference (the script's 0 supposes probabilities).

    Args:
        predictions: (N,) best answers, were every question answered.
        references: (N,) reference answers.
        differences: (N,) score of "no answer" minus score of the best answer.

    Returns:
        one of ``differences``, or a number below all of them.
    """
    order = sorted(range(len(differences)), key=differences.__getitem__)
    threshold, gain, best = differences[order[0]] - 1.0, 0.0, 0.0
    for position, index in enumerate(order):
        answered = token_f1(predictions[index], references[index])
        gain += answered - token_f1("", references[index])
        last = position + 1 == len(order) or differences[order[position + 1]] > differences[index]
        if last and gain > best + 1e-9:
            threshold, best = differences[index], gain
    return float(threshold)


def _gold(answers: Sequence[str]) -> list[str]:
    """Normalised answers; those that normalise to nothing count only where there are no others (SQuAD 2.0)."""
    return [answer for answer in map(normalize_answer, answers) if answer] or [""]


def _bag_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    if not predicted or not gold:
        return float(predicted == gold)
    common = (Counter(predicted) & Counter(gold)).total()
    if common == 0:
        return 0.0
    precision, recall = common / len(predicted), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
