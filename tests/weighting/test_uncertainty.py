"""uncertainty: the stationary points in closed form, a half for squared errors, figures of a run."""

import json
import math

import pytest
import torch

import mtsmart
from mtsmart.weighting import WEIGHTINGS
from tests.weighting.fixed import Fixed, context, labelled, numbers

LOSSES = {"a": 0.7, "b": 5.0}


def weighting():
    method = WEIGHTINGS["uncertainty"]
    return method(context({"a": labelled("no", "yes"), "b": numbers()}), method.Settings())


def test_an_update_costs_what_the_formula_says():
    method = weighting()
    with torch.no_grad():
        method.log_variances.copy_(torch.tensor([0.3, -0.4]))
    losses = Fixed({"a": lambda p: 0.7 * p[0], "b": lambda p: 5.0 * p[1] / 2})
    method.combine(losses)
    s = method.log_variances.detach().double()
    expected = [0.7 * math.exp(-s[0]) / 2, 2.5 * math.exp(-s[1]) / 2 / 2]
    torch.testing.assert_close(losses.point.grad, torch.tensor(expected))
    of_s = [(0.5 - 0.7 * math.exp(-s[0])) / 2, (0.5 - 5.0 * math.exp(-s[1]) / 2) / 2]
    torch.testing.assert_close(method.log_variances.grad, torch.tensor(of_s))


def test_learning_ends_at_the_closed_form():
    """s = ln 2 L for the cross-entropy, s = ln L for the squared error."""
    method = weighting()
    optimizer = torch.optim.SGD(method.parameters(), lr=1.0)
    for _ in range(300):
        optimizer.zero_grad()
        method.combine(Fixed({task: lambda p, loss=loss: loss * p[0] for task, loss in LOSSES.items()}))
        optimizer.step()
    expected = torch.tensor([math.log(2 * 0.7), math.log(5.0)])
    torch.testing.assert_close(method.log_variances.detach(), expected, rtol=1e-4, atol=1e-4)
    assert method.factor("a", 2) == pytest.approx(1 / (2 * 0.7) / 2, rel=1e-3)


def test_a_run_learns_and_logs_the_weights(workspace):
    settings = ["weighting=uncertainty", "training.epochs=1", "training.log_every=1"]
    run = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run").path
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    weights = [line["weight/near"] for line in lines if line["type"] == "train"]
    assert weights[0] == pytest.approx(0.5, abs=1e-6)  # near is a regression
    assert weights[-1] != weights[0]
