"""log_classes: a constant prediction costs 1 in every classification task."""

import pytest
import torch

import mtsmart
from mtsmart.losses.criteria import cross_entropy
from mtsmart.weighting import WEIGHTINGS, WeightingSettings
from tests.weighting.fixed import Fixed, context, labelled, numbers


def weighting(**tasks):
    return WEIGHTINGS["log_classes"](context(tasks), WeightingSettings())


@pytest.mark.parametrize("count", [2, 3, 60])
def test_the_uniform_prediction_costs_1_whatever_the_number_of_labels(count):
    loss = cross_entropy(torch.zeros(4, count), torch.arange(4) % count).mean()
    method = weighting(a=labelled(*(f"label {number}" for number in range(count))))
    assert float(loss) * method.factor("a", 1) == pytest.approx(1, abs=1e-6)


def test_an_update_is_the_mean_of_the_scaled_objectives():
    method = weighting(a=labelled("no", "yes"), b=numbers())
    losses = Fixed({"a": lambda p: 3 * p[0], "b": lambda p: p[1] ** 2})
    method.combine(losses)
    torch.testing.assert_close(losses.point.grad, torch.tensor([3 / 2 / torch.log(torch.tensor(2.0)), 2.0]))


@pytest.mark.parametrize(
    "task",
    [numbers(), labelled("no", "yes", loss="focal"), labelled("a", "b", task_type="multi_label")],
    ids=["regression", "focal", "multi_label"],
)
def test_another_loss_is_taken_as_it_is(task):
    assert weighting(a=task).factor("a", 1) == 1


def test_tags_are_labels():
    tags = labelled("O", "B-X", "I-X", task_type="tagging", label="tags", metrics=["tag_accuracy"])
    assert weighting(a=tags).factor("a", 2) == pytest.approx(0.5 / torch.log(torch.tensor(3.0)).item())


def test_a_run_trains_with_it(workspace):
    run = mtsmart.train(
        workspace.experiment, ["weighting=log_classes", "training.max_updates=2"], output_dir=workspace.folder / "run"
    )
    assert "log_classes" in (run.path / "README.md").read_text()
