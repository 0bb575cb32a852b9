"""Schedules against transformers' own, decay groups, optimizers."""

import pytest
import torch
import transformers

from mtsmart.config.sections import OptimizerConfig
from mtsmart.errors import MtsmartWarning
from mtsmart.training.optim import build_optimizer, learning_rate, set_learning_rate, warn_if_still

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


class Model(torch.nn.Module):
    """An encoder and two heads."""

    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.LayerNorm(3), torch.nn.Embedding(4, 3))
        self.encoder.rate_factors = {}
        self.encoder.undecayed = set()
        self.heads = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 2), "b": torch.nn.Linear(3, 2)})

    def head(self, name):
        return self.heads[name]


def test_biases_and_norms_do_not_decay():
    model = Model()
    decayed, rest = build_optimizer(model, OptimizerConfig(weight_decay=0.1)).param_groups[:2]
    assert (decayed["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)
    assert {id(p) for p in decayed["params"]} == {id(model.encoder[0].weight), id(model.encoder[2].weight)}
    assert len(rest["params"]) == 3


def test_a_matrix_of_the_encoder_may_be_kept_from_decaying():
    model = Model()
    model.encoder.undecayed = {"0.weight"}
    decayed, rest = build_optimizer(model, OptimizerConfig(weight_decay=0.1)).param_groups[:2]
    assert {id(p) for p in decayed["params"]} == {id(model.encoder[2].weight)}
    assert id(model.encoder[0].weight) in {id(p) for p in rest["params"]}


def test_a_head_may_learn_at_a_rate_of_its_own():
    model = Model()
    optimizer = build_optimizer(model, OptimizerConfig(), {"a": 10.0, "b": 1.0})
    set_learning_rate(optimizer, 1e-3)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert rates == {id(p): 1e-2 if p in set(model.heads["a"].parameters()) else 1e-3 for p in model.parameters()}


def test_a_part_of_the_encoder_may_learn_at_a_rate_of_its_own():
    """A head that shares the part learns it at the encoder's rate."""
    model = Model()
    model.heads["a"].shared = model.encoder[0]
    model.encoder.rate_factors = {"0.weight": 0.5, "0.bias": 0.5, "1.weight": 0.25}
    optimizer = build_optimizer(model, OptimizerConfig(), {"a": 10.0})
    set_learning_rate(optimizer, 1.0)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    linear, norm, lookup = model.encoder
    assert [rates[id(p)] for p in (linear.weight, linear.bias)] == [0.5, 0.5]
    assert [rates[id(p)] for p in (norm.weight, norm.bias, lookup.weight)] == [0.25, 1.0, 1.0]
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("adamax", torch.optim.Adamax)])
def test_optimizers(name, kind):
    optimizer = build_optimizer(Model(), OptimizerConfig(name=name, beta1=0.8, beta2=0.9, eps=1e-6))
    assert type(optimizer) is kind
    assert optimizer.defaults["betas"] == (0.8, 0.9)
    assert optimizer.defaults["eps"] == 1e-6
    assert optimizer.defaults.get("fused", None) is (True if name == "adamw" else None)
    set_learning_rate(optimizer, 0.5)
    assert {group["lr"] for group in optimizer.param_groups} == {0.5}


def test_a_run_that_cannot_learn_is_told(recwarn):
    """A warm-up begins with the learning rate 0, and the only update of the run is its first."""
    warn_if_still(OptimizerConfig(warmup=0.0), 1)
    warn_if_still(OptimizerConfig(), 2)
    assert not recwarn.list
    with pytest.warns(MtsmartWarning, match=r"optimizer\.warmup=0\.1: the run has only one update"):
        warn_if_still(OptimizerConfig(), 1)
