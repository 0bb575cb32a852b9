"""The scores of probabilities against scikit-learn's and against closed forms; none of them is the main metric."""

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from mtsmart.errors import ConfigError
from mtsmart.metrics import METRICS
from mtsmart.task_types import build_task
from mtsmart.task_types.interface.base import Outputs
from mtsmart.task_types.interface.scores_labels import scores_of
from mtsmart.tasks import TaskDefinition

RANDOM = np.random.default_rng(5)
GOLD = RANDOM.integers(0, 3, 80)
NAMES = ["nll", "brier", "ece"]


def task(metrics):
    base = {"task_type": "classification", "dataset": {"files": {"train": "x"}}, "text": ["t"]}
    return build_task("t", TaskDefinition(**base, labels=["a", "b", "c"], metrics=metrics))


def test_they_are_those_of_the_probabilities():
    logits = torch.from_numpy(RANDOM.normal(size=(80, 3)))
    one = task(["accuracy", *NAMES])
    outputs = Outputs(list(logits.float()), None)
    scores = scores_of(one, outputs, GOLD.tolist())
    found = one.probabilities(outputs)
    confidence = found.max(1)
    right = found.argmax(1) == GOLD
    bins = np.minimum(np.ceil(confidence * 15).astype(int) - 1, 14)
    gaps = [abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean() for b in set(bins)]
    assert scores["nll"] == pytest.approx(sk.log_loss(GOLD, found), abs=1e-6)
    assert scores["brier"] == pytest.approx(((found - np.eye(3)[GOLD]) ** 2).sum(1).mean())
    assert scores["ece"] == pytest.approx(sum(gaps))


def test_of_two_labels_brier_is_twice_scikit_learns():
    second = RANDOM.uniform(size=40)
    gold = RANDOM.integers(0, 2, 40)
    table = np.stack([1 - second, second], 1)
    assert METRICS["brier"](table, gold) == pytest.approx(2 * sk.brier_score_loss(gold, second))


@pytest.mark.parametrize(("right", "nll", "brier", "ece"), [(True, 0.0, 0.0, 0.0), (False, -np.log(1e-12), 2.0, 1.0)])
def test_who_is_sure_pays_nothing_or_a_finite_price(right, nll, brier, ece):
    sure = np.eye(2)[[0, 1, 1]]
    gold = [0, 1, 1] if right else [1, 0, 0]
    assert [METRICS[name](sure, gold) for name in NAMES] == pytest.approx([nll, brier, ece])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_better_lower_is_not_the_main_metric(name):
    with pytest.raises(ConfigError, match="is better where it is lower") as error:
        task([name, "accuracy"])
    assert f"metrics: [accuracy, {name}]" in str(error.value)
