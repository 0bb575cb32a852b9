"""Calibration and counts of labels agree with scikit-learn; a temperature never harms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import log_loss, precision_recall_fscore_support

from mtsmart.evaluation.details.calibrating import calibration_of, described
from mtsmart.evaluation.details.worst_rows import suspects
from mtsmart.metrics.calibration import COLDEST, HOTTEST, calibration_error, fit_temperature, reliability
from mtsmart.metrics.label_counts import confusion_matrix, counts_of_table
from mtsmart.metrics.labels import gold_table
from mtsmart.task_types import Outputs, build_task
from mtsmart.tasks.definition import TaskDefinition

LABELS = ["a", "b", "c"]
KINDS = {"classification": 3, "multi_label": 3, "ordinal": 2}


def task_of(kind, **options):
    files = {"train": "t.jsonl"}
    definition = TaskDefinition(task_type=kind, dataset={"files": files}, text=["x"], labels=LABELS, options=options)
    return build_task("task", definition)


def outputs_of(logits):
    return Outputs([torch.tensor(row, dtype=torch.float32) for row in logits], None)


numbers = st.floats(-30, 30, width=32)
near = st.sampled_from([0.0, 1.0, float(np.nextafter(np.float32(1), np.float32(2))), -1.0, 30.0])
tables = st.lists(st.lists(st.one_of(numbers, near), min_size=3, max_size=3), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def drawn():
    generator = np.random.default_rng(0)
    gold = generator.integers(0, 3, 400)
    logits = generator.normal(size=(400, 3)) + 1.5 * np.eye(3)[gold]
    return torch.tensor(4 * logits), gold


def test_counts_of_labels_are_those_of_scikit_learn(drawn):
    logits, gold = drawn
    found = logits.argmax(-1).numpy()
    counts = counts_of_table(LABELS, gold_table(found, 3), gold_table(gold, 3))
    expected = precision_recall_fscore_support(gold, found, zero_division=0)
    for index, label in enumerate(LABELS):
        each = counts[label]
        assert [each.precision, each.recall, each.f1, each.gold] == pytest.approx([row[index] for row in expected])
    assert (confusion_matrix(found, gold, 3) == sklearn_confusion(gold, found)).all()


def test_reliability_and_likelihood_are_those_of_scikit_learn(drawn):
    logits, gold = drawn
    probabilities = torch.softmax(logits, -1).numpy()
    sure = probabilities.max(-1)
    right = probabilities.argmax(-1) == gold
    bins = reliability(sure, right)
    shares, means = calibration_curve(right, sure, n_bins=15)
    assert [each.share for each in bins] == pytest.approx(shares)
    assert [each.probability for each in bins] == pytest.approx(means)
    expected = sum(each.count * abs(s - p) for each, s, p in zip(bins, shares, means, strict=True)) / len(gold)
    assert calibration_error(bins) == pytest.approx(expected)
    calibration = calibration_of(task_of("classification"), outputs_of(logits.tolist()), gold.tolist())
    assert calibration.loss == pytest.approx(log_loss(gold, probabilities), rel=1e-5)
    tempered = torch.softmax(logits / calibration.temperature, -1).numpy()
    assert calibration.calibrated_loss == pytest.approx(log_loss(gold, tempered), rel=1e-5)
    assert calibration.calibrated_loss < calibration.loss - 0.1 and 2 < calibration.temperature < 8
    assert calibration.calibrated_error < calibration.error / 2


def test_a_temperature_without_gain_is_one():
    assert fit_temperature(lambda temperature: 1.0) == 1.0
    assert COLDEST <= fit_temperature(lambda temperature: temperature) < 2 * COLDEST
    assert HOTTEST / 2 < fit_temperature(lambda temperature: -temperature) <= HOTTEST


@pytest.mark.parametrize("kind", KINDS)
@given(table=tables, draw=st.data())
@settings(max_examples=25, deadline=None)
def test_a_temperature_never_raises_the_likelihoods_loss_and_changes_no_decision(kind, table, draw):
    task = task_of(kind, **({"threshold": 0.3} if kind == "multi_label" else {}))
    outputs = outputs_of([row[: KINDS[kind]] for row in table])
    label = st.integers(0, 2)
    if kind == "multi_label":
        label = st.lists(st.integers(0, 1), min_size=3, max_size=3).map(np.asarray)
    references = [draw.draw(label) for _ in table]
    calibration = calibration_of(task, outputs, references)
    assert calibration.calibrated_loss <= calibration.loss
    for temperature in (calibration.temperature, COLDEST, HOTTEST, 1.1):
        calibrated = described(task, outputs, None, temperature)
        plain = described(task, outputs, None, None)
        assert [row["prediction"] for row in calibrated] == [row["prediction"] for row in plain]
        assert calibrated[0].keys() == plain[0].keys()


def test_suspects_are_sure_disagreements():
    table = np.array([[0.9, 0.1], [0.8, 0.2], [0.95, 0.05], [0.3, 0.7], [0.6, 0.4], [0.1, 0.9]])
    gold = np.array([0, 0, 1, 1, 1, 1])
    # Rows of the first label have it at 0.85 on average: 0.95 is above it, and 0.6 is not.
    assert suspects(table, gold) == [2]
    assert suspects(table, np.ones(6, dtype=int)) == []
