"""L2-SP and RecAdam, which pull weights back to where they started: their papers' formulas in float64."""

import math

import pytest
import torch

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.errors import MtsmartWarning
from mtsmart.regularizers.shared.pretrained import fresh, pretrained
from tests.models.test_peft import model_of
from tests.regularizers.weights.cycle import copies, method_of, steps_of, update

L2_SP = REGULARIZERS["l2_sp"]
REC_ADAM = REGULARIZERS["rec_adam"]


def linear_loss(model, seed=0):
    """A loss whose gradient is the same everywhere: <direction, w>; and the direction by name."""
    generator = torch.Generator().manual_seed(seed)
    directions = {name: torch.randn(one.shape, generator=generator) for name, one in model.named_parameters()}
    return lambda: sum((directions[name] * one).sum() for name, one in model.named_parameters()), directions


def test_the_encoder_is_pretrained_and_heads_and_what_its_checkpoint_lacks_are_not(tiny_bench):
    model = tiny_bench.model
    assert all(name.startswith("encoder.") for name in pretrained(model))
    assert any(name.startswith("heads.") for name in fresh(model))
    assert {*pretrained(model), *fresh(model)} == set(dict(model.named_parameters()))
    lacking = next(iter(pretrained(model)))
    model.encoder.drawn = frozenset({lacking.removeprefix("encoder.model.")})
    assert lacking in fresh(model)
    model.encoder.requires_grad_(False)
    assert not pretrained(model)


def test_l2_sp_adds_its_gradient_once_and_logs_its_penalty(tiny_bench):
    model = tiny_bench.model
    start = copies(model)
    method = method_of(L2_SP, model, L2_SP.Settings(alpha=0.3, beta=0.7))
    loss, directions = linear_loss(model)
    optimizer = steps_of(model, 0.05)
    expected = dict(start)
    known = pretrained(model)
    for _ in range(5):
        update([method], model, loss, optimizer)
        for name, w in expected.items():
            pull = 0.3 * (w - start[name]) if name in known else 0.7 * w
            expected[name] = w - 0.05 * (directions[name].double() + pull)
    for name, found in copies(model).items():
        torch.testing.assert_close(found, expected[name], atol=1e-5, rtol=1e-5)
    old = sum(float((expected[name] - start[name]).square().sum()) for name in known)
    new = sum(float(w.square().sum()) for name, w in expected.items() if name not in known)
    assert method.measure(model)["l2_sp"] == pytest.approx(0.3 / 2 * old + 0.7 / 2 * new, rel=1e-4)


def test_l2_sp_pulls_heads_that_an_update_does_not_use(tiny_bench):
    model = tiny_bench.model
    method = method_of(L2_SP, model, L2_SP.preset("paper"))
    method.before_step(model, lambda: None)
    assert all(one.grad is not None for one in fresh(model).values())
    assert not any(one.grad.any() for one in pretrained(model).values())


def test_l2_sp_leaves_a_head_alone_that_rests_and_its_penalty_has_no_part_of_it(tiny_bench):
    model = tiny_bench.model
    method = method_of(L2_SP, model, L2_SP.Settings(alpha=0.3, beta=0.7))
    name = next(name for name in fresh(model) if name.startswith("heads."))
    resting = fresh(model)[name]
    whole = method.measure(model)["l2_sp"]
    method.head_rests({name: resting.detach()})
    method.before_step(model, lambda: None)
    assert [other for other, one in fresh(model).items() if one.grad is None] == [name]
    left = whole - 0.7 / 2 * float(resting.detach().square().sum())
    assert method.measure(model)["l2_sp"] == pytest.approx(left, rel=1e-5)


@pytest.mark.parametrize(("peft", "part"), [("ia3", ".ia3_l."), ("dora", ".lora_magnitude_vector.")])
def test_l2_sp_leaves_factors_alone_which_are_not_neutral_at_0(tiny_encoder, peft, part):
    model = model_of(tiny_encoder, method=peft)
    method_of(L2_SP, model, L2_SP.preset("paper")).before_step(model, lambda: None)
    left = [name for name, one in fresh(model).items() if one.grad is None]
    assert left == [name for name in fresh(model) if part in name]
    assert left


@pytest.mark.parametrize("method", [L2_SP, REC_ADAM])
def test_the_start_of_a_new_run_is_after_its_weights_have_changed_and_of_a_resumed_one_as_loaded(tiny_bench, method):
    model = tiny_bench.model
    pulled = method_of(method, model, method.preset("paper"))
    name, weights = next(iter(pretrained(model).items()))
    loaded = weights.detach().clone()
    with torch.no_grad():
        weights.add_(1)
    pulled.start(model, 7)
    assert torch.equal(pulled.first[name], loaded)
    pulled.start(model, 0)
    assert torch.equal(pulled.first[name], weights)


@pytest.mark.parametrize("optimizer", [steps_of, lambda model: torch.optim.AdamW(model.parameters(), lr=0.01)])
def test_rec_adam_equals_algorithm_1_with_the_decoupled_penalty(tiny_bench, optimizer):
    """w <- w + lambda(t) step - rate (1 - lambda(t)) gamma (w - w0), and heads take the whole step."""
    model = tiny_bench.model
    start = copies(model)
    gamma, k, t0 = 6.0, 0.8, 4
    rates = [0.02 * (1 - update / 10) for update in range(10)]
    settings = REC_ADAM.Settings(gamma=gamma, k=k, t0=t0)
    method = method_of(REC_ADAM, model, settings, learning_rate=rates.__getitem__)
    loss, _ = linear_loss(model)
    stepper = optimizer(model)
    known = pretrained(model)
    steps = {}
    stepper.register_step_post_hook(lambda *_: steps.update(copies(model)))
    for number in range(10):
        before = copies(model)
        steps.clear()
        update([method], model, loss, stepper)
        share = 1 / (1 + math.exp(-k * (number + 1 - t0)))
        for name, found in copies(model).items():
            step = steps[name] - before[name]
            pull = rates[number] * (1 - share) * gamma * (before[name] - start[name])
            expected = before[name] + share * step - pull if name in known else steps[name]
            torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_rec_adam_moves_nothing_in_an_update_that_is_left_out(tiny_bench):
    model = tiny_bench.model
    method = method_of(REC_ADAM, model, REC_ADAM.preset("paper"), learning_rate=lambda update: 1e-4)
    with torch.no_grad():
        for weights in pretrained(model).values():
            weights.add_(0.1)
    before = copies(model)
    update([method], model, linear_loss(model)[0], torch.optim.SGD(model.parameters(), lr=0.0))
    assert all(torch.equal(before[name], one) for name, one in copies(model).items())


def test_rec_adam_never_passes_the_pretrained_weights(tiny_bench):
    model = tiny_bench.model
    start = copies(model)
    method = method_of(REC_ADAM, model, REC_ADAM.Settings(gamma=1e6, k=1.0, t0=1000), learning_rate=lambda update: 1.0)
    for _ in range(3):
        update([method], model, linear_loss(model)[0], steps_of(model))
    for name in pretrained(model):
        torch.testing.assert_close(copies(model)[name], start[name], atol=1e-5, rtol=0)


def test_rec_adam_tells_that_a_run_is_too_short_for_it(workspace):
    import mtsmart

    with pytest.warns(MtsmartWarning, match=r"rec_adam\.t0=250: the run has only 1 updates"):
        mtsmart.train(workspace.experiment, ["smart=off", "mbpp=off", "rec_adam=paper", "training.max_updates=1"])
