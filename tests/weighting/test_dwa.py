"""dwa: the weights of the paper's equation, windows, tasks without a batch, resuming to the bit."""

import json
import math

import pytest
import torch

import mtsmart
from mtsmart.weighting import WEIGHTINGS
from tests.training.test_resume import StopAt, assert_same_run
from tests.weighting.fixed import Fixed, context


def weighting(updates_per_epoch=1, **settings):
    method = WEIGHTINGS["dwa"]
    return method(context(updates_per_epoch=updates_per_epoch), method.Settings(**settings))


def see(method, again=False, **losses):
    """An update whose batches have these losses; the gradient of x is then the sum of weight times loss over N."""
    fixed = Fixed({task: lambda p, loss=loss: loss * p[0] for task, loss in losses.items()}, again)
    method.combine(fixed)
    return float(fixed.point.grad[0])


def test_the_weights_are_those_of_the_papers_equation():
    method = weighting()
    see(method, a=2.0, b=1.0)
    see(method, a=1.0, b=0.9)
    rates = {"a": 0.5, "b": 0.9}
    total = sum(math.exp(rate / 2) for rate in rates.values())
    for task, rate in rates.items():
        assert method.factor(task, 1) == pytest.approx(2 * math.exp(rate / 2) / total, rel=1e-6)


def test_the_weights_are_1_in_the_first_two_windows_and_their_mean_is_1_later():
    method = weighting()
    assert see(method, a=2.0, b=1.0) == pytest.approx(1.5)
    assert see(method, a=1.0, b=0.9) == pytest.approx(0.95)
    assert see(method, a=1.0, b=1.0) == pytest.approx(1.0)
    assert method.factor("a", 1) != method.factor("b", 1)


def test_a_high_temperature_makes_the_weights_equal():
    method = weighting(temperature=1e5)
    see(method, a=2.0, b=1.0)
    see(method, a=0.1, b=1.0)
    assert method.factor("a", 1) == pytest.approx(1, abs=1e-4)


def test_a_window_is_an_epoch_unless_its_length_is_given():
    for method in (weighting(updates_per_epoch=2), weighting(updates_per_epoch=9, window=2)):
        for a in (3.0, 1.0, 0.5, 0.5):
            assert method.factor("a", 1) == 1
            see(method, a=a, b=1.0)
        rate = torch.tensor([0.25, 1.0])  # means of 2 and 0.5, and of 1 and 1
        assert method.factor("a", 1) == pytest.approx(float(2 * torch.softmax(rate / 2, 0)[0]), rel=1e-6)


def test_a_task_without_a_batch_keeps_its_mean_and_has_the_rate_1():
    method = weighting()
    see(method, a=2.0, b=1.0)
    see(method, b=0.5)
    assert method.factor("a", 1) == pytest.approx(float(2 * torch.softmax(torch.tensor([1.0, 0.5]) / 2, 0)[0]))
    see(method, a=1.0, b=0.5)
    assert method.factor("a", 1) == pytest.approx(float(2 * torch.softmax(torch.tensor([0.5, 1.0]) / 2, 0)[0]))


def test_losses_that_are_asked_for_again_count_once():
    method = weighting(window=2)
    see(method, a=2.0, b=1.0)
    see(method, again=True, a=9.0, b=9.0)
    assert int(method.updates) == 1 and method.sums.tolist() == [2.0, 1.0]


def test_a_loss_that_is_not_finite_leaves_the_weights_alone():
    method = weighting()
    see(method, a=2.0, b=1.0)
    see(method, a=math.nan, b=1.0)
    assert method.factor("a", 1) == method.factor("b", 1) == pytest.approx(1)


def test_its_state_resumes_to_the_bit(workspace):
    settings = [
        "weighting={dwa: {window: 3}}",
        "training.epochs=2",
        "training.log_every=1",
        "training.keep_checkpoints=99",
    ]
    whole = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "whole").path
    lines = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    weights = [line["weight/color"] for line in lines if line["type"] == "train"]
    assert weights[:5] == [1.0] * 5 and weights[-1] != 1.0
    stopped = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, settings, output_dir=stopped, callback=StopAt(7))
    mtsmart.train(workspace.experiment, settings, output_dir=stopped, resume=True)
    assert_same_run(whole, stopped, ["mbpp", "smart", "weighting"])
