"""Schedules against transformers' own, decay groups, optimizers."""

import pytest
import torch
import transformers

from mtsmart.config.sections import OptimizerConfig
from mtsmart.training.optim import build_optimizer, learning_rate, set_learning_rate

THEIRS = {
    "linear": transformers.get_linear_schedule_with_warmup,
    "cosine": transformers.get_cosine_schedule_with_warmup,
    "constant": lambda optimizer, warmup, total: transformers.get_constant_schedule_with_warmup(optimizer, warmup),
}


@pytest.mark.parametrize("schedule", list(THEIRS))
@pytest.mark.parametrize(("total", "warmup"), [(50, 0.1), (7, 0.0), (10, 1.0)])
def test_schedules_equal_transformers(schedule, total, warmup):
    config = OptimizerConfig(learning_rate=2e-4, schedule=schedule, warmup=warmup)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2e-4)
    theirs = THEIRS[schedule](optimizer, round(total * warmup), total)
    for update in range(total):
        assert learning_rate(config, update, total) == pytest.approx(theirs.get_last_lr()[0], rel=1e-12, abs=1e-18)
        optimizer.step()
        theirs.step()


def test_biases_and_norms_do_not_decay():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.LayerNorm(3), torch.nn.Embedding(4, 3))
    decayed, rest = build_optimizer(model, OptimizerConfig(weight_decay=0.1)).param_groups
    assert (decayed["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)
    assert {id(p) for p in decayed["params"]} == {id(model[0].weight), id(model[2].weight)}
    assert len(rest["params"]) == 3


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("adamax", torch.optim.Adamax)])
def test_optimizers(name, kind):
    model = torch.nn.Linear(2, 2)
    optimizer = build_optimizer(model, OptimizerConfig(name=name, beta1=0.8, beta2=0.9, eps=1e-6))
    assert type(optimizer) is kind
    assert optimizer.defaults["betas"] == (0.8, 0.9)
    assert optimizer.defaults["eps"] == 1e-6
    assert optimizer.defaults.get("fused", None) is (True if name == "adamw" else None)
    set_learning_rate(optimizer, 0.5)
    assert {group["lr"] for group in optimizer.param_groups} == {0.5}
