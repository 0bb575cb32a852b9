"""Regression: labels, decoding, what it refuses."""

import pytest
import torch

from mtsmart.errors import ConfigError, DataError
from mtsmart.task_types import build_task
from mtsmart.task_types.base import Outputs
from mtsmart.tasks import TaskDefinition


def outputs(logits):
    return Outputs(list(logits), None)


def task(**changes):
    base = {"task_type": "regression", "dataset": {"files": {"train": "x.jsonl"}}, "text": ["text"]}
    return build_task("t", TaskDefinition(**{**base, **changes}))


def test_numbers_also_from_text():
    assert [task().encode_label(value, 0) for value in (1, 2.5, "3.25")] == [1.0, 2.5, 3.25]


@pytest.mark.parametrize("value", ["high", None, "nan", float("inf"), [1]])
def test_other_values_name_the_row(value):
    with pytest.raises(DataError, match="row 3: label: is no finite number"):
        task().encode_label(value, 2)


def test_decode_describe_baseline_and_flips():
    logits = torch.tensor([[0.5], [2.0]])
    assert task().decode(outputs(logits)) == [0.5, 2.0]
    assert task().describe(outputs(logits)) == [{"prediction": 0.5}, {"prediction": 2.0}]
    assert task().baseline([1.0, 2.0, 6.0], [5.0]) == [3.0]
    assert task().flips(logits, -logits, None) is None


@pytest.mark.parametrize("changes", [{"labels": ["a", "b"]}, {"metrics": ["accuracy"]}, {"adv_loss": "kl"}])
def test_what_belongs_to_classification_is_refused(changes):
    with pytest.raises(ConfigError, match="does not go with task type 'regression'"):
        task(**changes)
