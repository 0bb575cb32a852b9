"""Scores of labels and of probabilities against scikit-learn's; what is undefined is told."""

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from mtsmart.errors import ConfigError, MtsmartWarning
from mtsmart.metrics import METRICS
from mtsmart.metrics.scores import lower_is_better
from mtsmart.task_types import build_task
from mtsmart.task_types.interface.base import Outputs
from mtsmart.task_types.interface.scores_labels import baseline_scores_of, scores_of
from mtsmart.tasks import TaskDefinition

RANDOM = np.random.default_rng(4)
TWO = RANDOM.integers(0, 2, 50)
THREE = RANDOM.integers(0, 3, 60)
SETS = RANDOM.integers(0, 2, (40, 3))


def task(metrics, kind="classification", labels=("neg", "pos")):
    base = {"task_type": kind, "dataset": {"files": {"train": "x"}}, "text": ["t"], "labels": list(labels)}
    return build_task("t", TaskDefinition(**base, metrics=metrics))


def outputs(rows, width):
    return Outputs(list(torch.from_numpy(RANDOM.normal(size=(rows, width)).astype(np.float32))), None)


def test_scores_of_two_labels_are_scikit_learns():
    names = ["precision", "recall", "balanced_accuracy", "auc", "average_precision", "label_f1", "label_recall"]
    one = task(names)
    found = outputs(50, 2)
    scores = scores_of(one, found, TWO.tolist())
    guess = one.decode(found)
    positive = one.probabilities(found)[:, 1]
    f1 = sk.f1_score(TWO, guess, average=None)
    recall = sk.recall_score(TWO, guess, average=None)
    expected = {
        "precision": sk.precision_score(TWO, guess),
        "recall": sk.recall_score(TWO, guess),
        "balanced_accuracy": sk.balanced_accuracy_score(TWO, guess),
        "auc": sk.roc_auc_score(TWO, positive),
        "average_precision": sk.average_precision_score(TWO, positive),
        "f1[neg]": f1[0],
        "f1[pos]": f1[1],
        "recall[neg]": recall[0],
        "recall[pos]": recall[1],
    }
    assert list(scores) == list(expected)
    assert scores == pytest.approx(expected, abs=1e-6)


def test_scores_of_three_labels_are_scikit_learns():
    names = ["auc", "average_precision", "macro_precision", "macro_recall", "balanced_accuracy", "label_precision"]
    one = task(names, labels="abc")
    found = outputs(60, 3)
    scores = scores_of(one, found, THREE.tolist())
    guess, p = one.decode(found), one.probabilities(found)
    precision = sk.precision_score(THREE, guess, average=None, zero_division=0)
    expected = {
        "auc": sk.roc_auc_score(THREE, p, multi_class="ovr"),
        "average_precision": sk.average_precision_score(np.eye(3)[THREE], p),
        "macro_precision": sk.precision_score(THREE, guess, average="macro"),
        "macro_recall": sk.recall_score(THREE, guess, average="macro"),
        "balanced_accuracy": sk.balanced_accuracy_score(THREE, guess),
        **{f"precision[{label}]": value for label, value in zip("abc", precision, strict=True)},
    }
    assert scores == pytest.approx(expected, abs=1e-6)


def test_scores_of_sets_are_scikit_learns():
    names = ["micro_precision", "micro_recall", "macro_precision", "macro_recall", "auc", "average_precision"]
    one = task([*names, "balanced_accuracy", "label_f1"], "multi_label", "abc")
    found = outputs(40, 3)
    scores = scores_of(one, found, list(SETS))
    guess, p = np.array(one.decode(found)), one.probabilities(found)
    expected = {
        "micro_precision": sk.precision_score(SETS, guess, average="micro"),
        "micro_recall": sk.recall_score(SETS, guess, average="micro"),
        "macro_precision": sk.precision_score(SETS, guess, average="macro"),
        "macro_recall": sk.recall_score(SETS, guess, average="macro"),
        "auc": sk.roc_auc_score(SETS, p),
        "average_precision": sk.average_precision_score(SETS, p),
        "balanced_accuracy": np.mean([sk.balanced_accuracy_score(SETS[:, c], guess[:, c]) for c in range(3)]),
        **{f"f1[{label}]": sk.f1_score(SETS[:, c], guess[:, c]) for c, label in enumerate("abc")},
    }
    assert scores == pytest.approx(expected, abs=1e-6)


def test_a_constant_has_the_area_of_chance():
    one = task(["auc", "average_precision", "balanced_accuracy", "label_f1"])
    scores = baseline_scores_of(one, [0, 0, 1], TWO.tolist())
    assert scores["auc"] == scores["balanced_accuracy"] == 0.5
    assert scores["average_precision"] == pytest.approx(TWO.mean())
    assert scores["f1[pos]"] == 0


@pytest.mark.parametrize(("gold", "undefined"), [([0, 0, 0], ["auc", "average_precision"]), ([1, 1, 1], ["auc"])])
def test_a_split_with_one_label_has_no_area_and_is_told(gold, undefined):
    one = task(["accuracy", "auc", "average_precision", "balanced_accuracy", "precision"])
    with pytest.warns(MtsmartWarning, match=f"task t: {', '.join(undefined)} is not defined"):
        scores = scores_of(one, outputs(3, 2), gold)
    assert [name for name, value in scores.items() if math.isnan(value)] == undefined


def test_a_label_without_rows_is_left_out_of_the_mean():
    gold = [0, 1, 1, 0]
    p = np.array([[0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.4, 0.5, 0.1]])
    areas = [sk.roc_auc_score([g == c for g in gold], p[:, c]) for c in (0, 1)]
    assert METRICS["auc"](p, gold) == pytest.approx(np.mean(areas))


def test_errors_are_scikit_learns():
    guess, gold = RANDOM.normal(size=30), RANDOM.normal(size=30)
    assert METRICS["mse"](guess, gold) == pytest.approx(sk.mean_squared_error(gold, guess))
    assert METRICS["rmse"](guess, gold) == pytest.approx(sk.root_mean_squared_error(gold, guess))
    assert METRICS["mae"](guess, gold) == pytest.approx(sk.mean_absolute_error(gold, guess))
    assert METRICS["r2"](guess, gold) == pytest.approx(sk.r2_score(gold, guess))
    assert math.isnan(METRICS["r2"]([1.0, 2.0], [3.0, 3.0]))


@pytest.mark.parametrize(
    ("metrics", "kind", "labels", "hint"),
    [
        (["accuracy", "precision"], "classification", "abc", "needs exactly two labels.*macro_precision"),
        (["recall"], "classification", "abc", "needs exactly two labels.*macro_recall"),
        (["label_f1"], "classification", "ab", "cannot be the main metric.*metrics: \\[macro_f1, label_f1\\]"),
        (["label_recall"], "multi_label", "ab", "cannot be the main metric"),
        (["precision"], "multi_label", "ab", "Did you mean 'm.cro_precision'"),
        (["auc"], "ordinal", "abc", "does not go with task type 'ordinal'"),
    ],
)
def test_what_does_not_fit_is_refused(metrics, kind, labels, hint):
    with pytest.raises(ConfigError, match=hint):
        task(metrics, kind, labels)


@pytest.mark.parametrize("metric", ["mse", "rmse", "mae"])
def test_an_error_is_no_main_metric(metric):
    base = {"task_type": "regression", "dataset": {"files": {"train": "x"}}, "text": ["t"]}
    with pytest.raises(ConfigError, match=rf"better where it is lower.*metrics: \[pearson, {metric}\]"):
        build_task("t", TaskDefinition(**base, metrics=[metric]))


OF_TYPES = {
    "classification": ("accuracy", {"labels": ["a", "b"]}),
    "masked_lm": ("token_accuracy", {}),
    "multi_label": ("micro_f1", {"labels": ["a", "b"]}),
    "multiple_choice": ("accuracy", {"options": {"choices": ["c", "d"]}}),
    "ordinal": ("quadratic_kappa", {"labels": ["a", "b"]}),
    "ranking": ("mrr", {"options": {"candidates": "c"}}),
    "regression": ("pearson", {}),
    "span": ("answer_f1", {"text": ["q", "c"]}),
    "tagging": ("entity_f1", {"labels": ["O", "B-x"]}),
}


@pytest.mark.parametrize("kind", sorted(OF_TYPES))
def test_a_packages_metric_that_is_better_lower_is_no_main_metric(kind):
    @lower_is_better
    def cost(predictions, references):
        return 1.0

    main, given = OF_TYPES[kind]
    base = {"task_type": kind, "dataset": {"files": {"train": "x"}}, "text": ["t"], **given}
    with METRICS.lending({"cost": cost}):
        METRICS.register("cost", fits=[kind])(cost)
        with pytest.raises(ConfigError, match=rf"t\.metrics: is better where it is lower.*\[{main}, cost\]"):
            build_task("t", TaskDefinition(**base, metrics=["cost"]))
        build_task("t", TaskDefinition(**base, metrics=[main, "cost"]))
