"""multi_label: reading labels, thresholds, decoding, what it refuses."""

import copy

import datasets
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from mtsmart.errors import ConfigError, DataError
from mtsmart.losses import Role
from mtsmart.task_types import build_task
from mtsmart.task_types.interface.base import Outputs
from mtsmart.task_types.multi_label import best_threshold
from mtsmart.tasks import TaskDefinition
from tests.task_types.examples import multi_label


def task(**changes):
    return build_task("t", TaskDefinition(**{**multi_label.DEFINITION, **changes}))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], [0, 0, 0]),
        (["size", "animal"], [1, 0, 1]),
        ([1], [0, 1, 0]),
        ("", [0, 0, 0]),
        (" size , color", [0, 1, 1]),
        ('["size", "color"]', [0, 1, 1]),
        ("[]", [0, 0, 0]),
    ],
)
def test_labels(value, expected):
    assert task().encode_label(value, 0) == expected


def test_a_head_that_averages_over_labels_is_refused():
    with pytest.raises(ConfigError, match=r"head\.type: averages over labels of which one is right: .* 'multi_label'"):
        task(text=["a", "b"], head={"type": "san"})


def test_another_separator():
    assert task(options={"separator": "|"}).encode_label("size|color", 0) == [0, 1, 1]


@pytest.mark.parametrize("separator", [",", " ", "|"])
@given(chosen=st.lists(st.booleans(), min_size=5, max_size=5))
@settings(deadline=None)
def test_predictions_in_text_are_read_back(separator, chosen):
    labels = ["a", "b c", "d,e", '["f"]', "g|h"]
    own = task(labels=labels, options={"separator": separator})
    names = [label for label, is_set in zip(labels, chosen, strict=True) if is_set]
    text = own.text_of("prediction", names)
    assert isinstance(text, str) and own.encode_label(text, 0) == [int(is_set) for is_set in chosen]


def test_predictions_have_the_separator_between():
    assert task().text_of("prediction", ["animal", "size"]) == "animal,size"
    assert task().text_of("p(size)", 0.5) == 0.5


def test_a_label_that_holds_the_separator_is_told():
    with pytest.raises(
        DataError, match="Label 'd,e' holds the separator ',': in text give a JSON list, or set options.sep"
    ):
        task(labels=["a", "d,e"]).encode_label("a,d,e", 0)


def test_judging_a_column_changes_nothing_of_what_was_seen_there():
    """What was seen of the training rows also decides about later splits."""
    two = task(labels=["a", "b"])
    survey = two.survey(datasets.Dataset.from_dict({"row": [0, 1], "labels": [[0, 1], [1]]}))
    before = copy.deepcopy(survey)
    assert survey.vector is not None and survey.other is not None
    two.judged(survey)
    assert survey == before


def test_unknown_labels_name_the_row_and_the_nearest():
    with pytest.raises(DataError, match="row 3: labels: is not one of the task's labels, got 'anmal'.*'animal'"):
        task().encode_label(["size", "anmal"], 2)
    with pytest.raises(DataError, match="row 3: labels: is not a list of labels, got 4"):
        task().encode_label(4, 2)
    with pytest.raises(DataError, match=r"row 3: labels: is not a list of labels.*parse: \{labels: list\}"):
        task().encode_label("['size', 'color']", 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, "t.labels: is required for task type 'multi_label'"),
        ({"options": {"threshold": 1.5}}, "t.options.threshold: is not a threshold, got 1.5"),
        (
            {"options": {"threshold": "tune"}},
            "t.options.threshold: should be a number or 'tuned', got 'tune'. Did you mean 'tuned'",
        ),
        ({"adv_loss": "kl"}, "does not go with task type 'multi_label'"),
    ],
)
def test_definitions_that_do_not_fit(changes, message):
    with pytest.raises(ConfigError, match=message):
        task(**changes)


def test_decode_describe_changes_and_baseline():
    logits = torch.tensor([[2.0, -1.0, 0.1], [-1.0, -2.0, -0.1]])
    outputs = Outputs(list(logits), None)
    assert [row.tolist() for row in task().decode(outputs)] == [[1, 0, 1], [0, 0, 0]]
    described = task().describe(outputs, None)
    assert [row["prediction"] for row in described] == [["animal", "size"], []]
    assert described[0]["p(color)"] == pytest.approx(1 / (1 + np.e))
    assert float(task().changed(logits, -logits, None)) == 1.0
    train = [[1, 0, 0], [1, 1, 0], [1, 1, 0], [0, 0, 1]]
    # One label: 2*3/(4+6); two: 2*5/(8+6), the best; three: 2*6/(12+6).
    assert task().baseline(train, [None])[0].tolist() == [1, 1, 0]


def test_a_tuned_threshold_is_kept_for_decoding():
    outputs = Outputs(list(torch.tensor([[-1.0, -3.0, -1.2], [-3.0, -0.9, -3.1]])), None)
    fixed, tuned = task(), task(options={"threshold": "tuned"})
    gold = [np.array([1, 0, 1]), np.array([0, 1, 0])]
    for chosen in (fixed, tuned):
        chosen.fit(outputs, gold)
    assert fixed.decoding == {} and tuned.score(tuned.decode(outputs), gold)["micro_f1"] == 1.0
    again = task(options={"threshold": "tuned"})
    again.decoding = tuned.decoding
    assert [row.tolist() for row in again.decode(outputs)] == [row.tolist() for row in gold]


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_no_threshold_gives_a_better_f1(pairs):
    probabilities, gold = np.array([p for p, _ in pairs]), np.array([g for _, g in pairs])

    def f1(threshold):
        return f1_score(gold, probabilities > threshold, zero_division=0)

    found = f1(best_threshold(probabilities, gold))
    assert found >= max(f1(threshold) for threshold in (0.0, 0.05, 0.2, 0.3, 0.7, 0.95)) - 1e-12


@pytest.mark.parametrize(
    "name", ["bernoulli_symmetric_kl", "bernoulli_symmetric_kl_detached", "bernoulli_kl", "bernoulli_js"]
)
def test_divergences_are_the_means_over_rows_and_labels_of_bernoulli_ones(name):
    from mtsmart.losses import DIVERGENCES

    a, b = torch.randn(2, 4, 3)
    pairs = [torch.stack([z, torch.zeros_like(z)], dim=-1) for z in (a, b)]
    expected = DIVERGENCES[name.removeprefix("bernoulli_")](*pairs).mean()
    found = task(adv_loss=name).divergence(a, b, None, Role.ADVERSARIAL)
    torch.testing.assert_close(found, expected)
    assert float(task(adv_loss=name).divergence(a, a, None, Role.ADVERSARIAL)) == 0.0
