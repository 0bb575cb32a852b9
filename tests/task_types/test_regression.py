"""Regression: labels, decoding, what it refuses."""

import pytest
import torch

from mtsmart.errors import ConfigError, DataError
from mtsmart.task_types import build_task
from mtsmart.task_types.interface.base import Outputs
from mtsmart.task_types.interface.decides import share_changed
from mtsmart.task_types.shared.sequence import SequenceTask
from mtsmart.tasks import TaskDefinition


def outputs(logits):
    return Outputs(list(logits), None)


def task(**changes):
    base = {"task_type": "regression", "dataset": {"files": {"train": "x.jsonl"}}, "text": ["text"]}
    return build_task("t", TaskDefinition(**{**base, **changes}))


def test_numbers_also_from_text():
    assert [task().encode_label(value, 0) for value in (1, 2.5, "3.25")] == [1.0, 2.5, 3.25]


@pytest.mark.parametrize("value", ["high", None, "nan", "-Infinity", float("inf"), [1], "1_000", "1_0.5"])
def test_other_values_name_the_row(value):
    with pytest.raises(DataError, match="row 3: label: is not a finite number"):
        task().encode_label(value, 2)


def test_a_number_with_an_underscore_has_a_hint():
    with pytest.raises(DataError, match=r"got '1_000'\. Write numbers with a point alone: 1\.5 or 1500"):
        task().encode_label("1_000", 0)


def test_decode_describe_baseline_and_changes():
    logits = torch.tensor([[0.5], [2.0]])
    assert task().decode(outputs(logits)) == [0.5, 2.0]
    assert task().describe(outputs(logits), None) == [{"prediction": 0.5}, {"prediction": 2.0}]
    assert task().baseline([1.0, 2.0, 6.0], [5.0]) == [3.0]
    assert share_changed(task(), logits, -logits, None) is None


@pytest.mark.parametrize("changes", [{"labels": ["a", "b"]}, {"metrics": ["accuracy"]}, {"adv_loss": "kl"}])
def test_what_belongs_to_classification_is_refused(changes):
    with pytest.raises(ConfigError, match="does not go with task type 'regression'"):
        task(**changes)


def test_a_new_type_of_one_output_is_taught_by_the_mean_score():
    """The inherited ensemble goes by what the divergences compare; a softmax over one output would say nothing."""

    class Scores(SequenceTask):
        losses, divergences, metrics = ("mse",), ("mse",), ("pearson",)
        head_spec = encode_label = decode = describe = baseline = None  # not asked here

    class Questions(Scores):
        divergences = ("bernoulli_symmetric_kl",)

    definition = TaskDefinition(task_type="regression", dataset={"files": {"train": "x"}}, text=["text"])
    teachers = [torch.tensor([[1.0], [-2.0]]), torch.tensor([[3.0], [0.0]])]
    assert Scores("t", definition).ensemble(teachers, None, 2.0).tolist() == [[2.0], [-1.0]]
    found = Questions("t", definition).ensemble(teachers, None, 1.0)
    torch.testing.assert_close(torch.sigmoid(found), torch.sigmoid(torch.stack(teachers)).mean(0))


def test_a_number_in_quotes_is_told_about_tsv():
    with pytest.raises(
        DataError, match="is not a finite number, got '\"3\"'. Its quotes are part of it: tsv is read without"
    ):
        task().encode_label('"3"', 0)
