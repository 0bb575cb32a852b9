"""Answer scores: torchmetrics' SQuAD on the same predictions, the 2.0 rules in closed form, the null threshold."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsmart.metrics import METRICS
from mtsmart.metrics.answers import best_null_threshold, exact_match, normalize_answer, token_f1

# Articles, punctuation and case are common, so that normalisation matters.
words = st.sampled_from("a An the THE cat Cat dog's dog-s 1st two, (red) anthem \t \n . ½ É é".split(" "))
texts = st.lists(words, max_size=6).map(" ".join)
meaningful = texts.filter(normalize_answer)


@settings(deadline=None)  # the first call imports torchmetrics
@given(st.lists(st.tuples(texts, st.lists(meaningful, min_size=1, max_size=3)), min_size=1, max_size=6))
def test_scores_equal_torchmetrics(rows):
    """An independent implementation of the official script of SQuAD 1.1."""
    squad = pytest.importorskip("torchmetrics.functional.text", reason="torchmetrics is not installed").squad
    predictions, references = [row[0] for row in rows], [row[1] for row in rows]
    theirs = squad(
        [{"prediction_text": text, "id": str(i)} for i, text in enumerate(predictions)],
        [
            {"answers": {"text": answers, "answer_start": [0] * len(answers)}, "id": str(i)}
            for i, answers in enumerate(references)
        ],
    )
    ours = [METRICS[name](predictions, references) for name in ("answer_exact", "answer_f1", "has_answer_f1")]
    exact, f1 = float(theirs["exact_match"]) / 100, float(theirs["f1"]) / 100
    assert ours == pytest.approx([exact, f1, f1], abs=1e-6)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Cat's\tan-them, A dog.", "cats anthem dog"),
        ("a an the", ""),
        ("“the” ½", "“ ” ½"),  # only ASCII punctuation goes
        (string.punctuation, ""),
    ],
)
def test_normalisation(text, normal):
    assert normalize_answer(text) == normal


@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "f1"),
    [
        ("The red cat!", ["red cat"], 1, 1),
        ("red big cat", ["red cat"], 0, 0.8),
        ("red red", ["red cat", "red"], 0, 2 / 3),
        ("dog", ["red cat"], 0, 0),
        ("", ["red cat"], 0, 0),
        ("", [], 1, 1),
        ("cat", [], 0, 0),
        ("the", [], 1, 1),
        # SQuAD 2.0: answers that normalise to nothing count only where there are no others.
        ("", ["the", "cat"], 0, 0),
        ("", ["the"], 1, 1),
    ],
)
def test_one_answer(prediction, answers, exact, f1):
    assert exact_match(prediction, answers) == exact
    assert token_f1(prediction, answers) == pytest.approx(f1)


def test_answered_and_unanswerable_questions_apart():
    predictions, references = ["cat", "", "dog", ""], [["cat"], ["dog"], [], []]
    assert METRICS["has_answer_f1"](predictions, references) == 0.5
    assert METRICS["no_answer_f1"](predictions, references) == 0.5
    assert METRICS["no_answer_f1"](predictions[:2], references[:2]) == 0.0
    assert METRICS["has_answer_f1"](predictions[2:], references[2:]) == 0.0


rows_with_null = st.lists(
    st.tuples(texts, st.lists(meaningful, max_size=2), st.integers(-3, 3).map(float)), min_size=1, max_size=8
)


@given(rows_with_null)
def test_the_null_threshold_is_the_best_of_all(rows):
    predictions, references, differences = (list(column) for column in zip(*rows, strict=True))

    def f1(threshold):
        kept = ["" if value > threshold else text for text, value in zip(predictions, differences, strict=True)]
        return METRICS["answer_f1"](kept, references)

    found = best_null_threshold(predictions, references, differences)
    scores = {threshold: f1(threshold) for threshold in [min(differences) - 1, *differences]}
    assert f1(found) == pytest.approx(max(scores.values()))
    # The official script keeps the first threshold that reaches the best score.
    assert found == min(threshold for threshold, score in scores.items() if score > max(scores.values()) - 1e-9)


def test_the_null_threshold_of_an_example():
    """Sorted by difference: a right answer, a wrong one to an unanswerable question, a right answer, one more wrong."""
    found = best_null_threshold(["cat", "dog", "car", "dog"], [["cat"], [], ["car"], []], [-4.0, -1.0, 2.0, 3.0])
    assert found == -4.0  # 3 of 4; at 2.0 as many, but the first stands
