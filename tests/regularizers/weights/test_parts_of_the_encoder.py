"""Child-Tuning, Mixout and NoisyTune, which treat a part of the encoder's weights in another way."""

import pytest
import torch

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.errors import ConfigError
from mtsmart.regularizers.shared.pretrained import fresh, mixable, pretrained
from tests.regularizers.weights.cycle import copies, method_of, steps_of, update
from tests.regularizers.weights.test_pulls import linear_loss

CHILD = REGULARIZERS["child_tuning"]
MIXOUT = REGULARIZERS["mixout"]
NOISY = REGULARIZERS["noisy_tune"]


def child(model, **changes):
    return method_of(CHILD, model, CHILD.preset("paper").model_copy(update=changes))


def gradients_of(model, method, loss):
    model.zero_grad()
    loss().backward()
    method.before_step(model, lambda: None)
    return {name: one.grad.clone() for name, one in model.named_parameters()}


def test_free_keeps_a_share_scaled_by_one_over_it(tiny_bench):
    model = tiny_bench.model
    loss, directions = linear_loss(model)
    found = gradients_of(model, child(model, masked=0.7), loss)
    ratios = torch.cat([(found[name] / directions[name]).flatten() for name in pretrained(model)])
    kept = ratios != 0
    torch.testing.assert_close(ratios[kept], torch.full_like(ratios[kept], 1 / 0.3))
    assert float(kept.float().mean()) == pytest.approx(0.3, abs=0.02)
    assert all(torch.equal(found[name], directions[name]) for name in fresh(model))


def test_free_draws_anew_in_each_update_and_the_same_after_a_resume(tiny_bench):
    model = tiny_bench.model
    loss, _ = linear_loss(model)
    method = child(model)
    first = gradients_of(model, method, loss)
    torch.manual_seed(99)
    again = gradients_of(model, child(model), loss)
    assert all(torch.equal(first[name], again[name]) for name in first)
    method.after_update(lambda: model)
    second = gradients_of(model, method, loss)
    resumed = child(model)
    resumed.load_state(method.state_dict(), method.tensors())
    assert any(not torch.equal(first[name], second[name]) for name in pretrained(model))
    assert all(torch.equal(second[name], one) for name, one in gradients_of(model, resumed, loss).items())


def test_task_keeps_the_weights_with_the_largest_fisher_information(tiny_bench):
    """The mean of the squared gradients, compared over all tensors together."""
    model = tiny_bench.model
    method = child(model, kind="task", masked=0.9, batches=3)
    assert method.probes == 3
    total = {name: torch.zeros_like(one, dtype=torch.float64) for name, one in pretrained(model).items()}
    for seed in range(3):
        loss, directions = linear_loss(model, seed)
        model.zero_grad()
        loss().backward()
        method.probe(model)
        for name in total:
            total[name] += directions[name].double() ** 2 / 3
    loss, directions = linear_loss(model, 7)
    found = gradients_of(model, method, loss)
    fisher = torch.cat([one.flatten() for one in total.values()])
    kept = torch.cat([(found[name] != 0).flatten() for name in total])
    assert int(kept.sum()) == round(0.1 * len(fisher))
    assert fisher[kept].min() > fisher[~kept].max()
    assert all(torch.equal(found[name][found[name] != 0], directions[name][found[name] != 0]) for name in total)
    assert all(mask.dtype == torch.bool for mask in method.tensors().values())
    resumed = child(model, kind="task", masked=0.9)
    resumed.load_state(method.state_dict(), method.tensors())
    assert all(torch.equal(found[name], one) for name, one in gradients_of(model, resumed, loss).items())


def test_a_resumed_run_cannot_add_what_is_measured_before_the_first_update(tiny_bench):
    with pytest.raises(ConfigError, match=r"child_tuning\.kind: is measured before a run's first update"):
        child(tiny_bench.model, kind="task").start(tiny_bench.model, 5)
    child(tiny_bench.model, kind="task").start(tiny_bench.model, 0)
    child(tiny_bench.model).start(tiny_bench.model, 5)


def mixed(model, method):
    """The weights inside the method's context."""
    with method.differentiating(model):
        return copies(model)


def test_mixout_puts_in_the_published_weights(tiny_bench):
    """(M w0 + (1 - M) w - p w0) / (1 - p), where M is 1 for a weight that has its pretrained value's share alone."""
    model = tiny_bench.model
    method = method_of(MIXOUT, model, MIXOUT.Settings(p=0.6))
    start = copies(model)
    with torch.no_grad():
        for one in model.parameters():
            one.add_(torch.randn_like(one))
    w = copies(model)
    found = mixed(model, method)
    assert all(torch.equal(w[name], one) for name, one in copies(model).items())
    shares = []
    for name in w:
        if name not in mixable(model):
            assert torch.equal(found[name], w[name])
            continue
        replaced = (found[name] - start[name]).abs() < 1e-6  # w0 (1 - p) / (1 - p)
        mask = replaced.double()
        expected = (mask * start[name] + (1 - mask) * w[name] - 0.6 * start[name]) / 0.4
        torch.testing.assert_close(found[name], expected, atol=1e-5, rtol=1e-5)
        shares.append(mask.flatten())
    assert float(torch.cat(shares).mean()) == pytest.approx(0.6, abs=0.03)


def test_mixout_is_unbiased(tiny_bench):
    model = tiny_bench.model
    method = method_of(MIXOUT, model, MIXOUT.Settings(p=0.5))
    name, one = next(iter(mixable(model).items()))
    with torch.no_grad():
        one.add_(torch.ones_like(one))
    total = torch.zeros_like(one, dtype=torch.float64)
    for _ in range(100):
        total += mixed(model, method)[name] / 100
        method.updates += 1
    torch.testing.assert_close(total.mean(), one.double().mean(), atol=0.04, rtol=0)


def test_mixout_s_gradient_is_the_chain_rule_s(tiny_bench):
    """For a quadratic loss of the mixed weights v: dL/dw = v (1 - M) / (1 - p)."""
    model = tiny_bench.model
    method = method_of(MIXOUT, model, MIXOUT.Settings(p=0.6))
    start = copies(model)
    with torch.no_grad():
        for one in model.parameters():
            one.add_(torch.randn_like(one))
    v = mixed(model, method)
    with method.differentiating(model):
        (sum(one.square().sum() for one in model.parameters()) / 2).backward()
    for name, one in mixable(model).items():
        kept = ((v[name] - start[name]).abs() >= 1e-6).double()
        torch.testing.assert_close(one.grad.double(), v[name] * kept / 0.4, atol=1e-4, rtol=1e-5)


def test_the_passes_of_one_update_have_one_mask_also_beside_sam(tiny_bench):
    model = tiny_bench.model
    mixout = method_of(MIXOUT, model, MIXOUT.preset("paper"))
    sam = method_of(REGULARIZERS["sam"], model, REGULARIZERS["sam"].preset("paper"))
    with torch.no_grad():
        for one in model.parameters():
            one.add_(0.5)
    name, one = next(iter(mixable(model).items()))
    places = []

    def loss():
        places.append(((one - mixout.first[name]).abs() < 1e-3).clone())
        return linear_loss(model)[0]()

    optimizer = steps_of(model)
    update([mixout, sam], model, loss, optimizer)
    update([mixout, sam], model, loss, optimizer)
    assert torch.equal(places[0], places[1]) and torch.equal(places[2], places[3])
    assert not torch.equal(places[0], places[2])


def test_noise_has_the_published_width_and_leaves_heads_alone(tiny_bench):
    model = tiny_bench.model
    before = copies(model)
    method_of(NOISY, model, NOISY.Settings(noise=0.15), seed=3).begin(model)
    after = copies(model)
    for name in before:
        moved = after[name] - before[name]
        if name not in pretrained(model):
            assert not moved.any()
            continue
        width = 0.15 * before[name].std() / 2
        assert float(moved.abs().max()) <= float(width) * (1 + 1e-4) + 1e-8
        if before[name].numel() >= 256 and width > 0:
            assert float(moved.std() / width) == pytest.approx(3**-0.5, rel=0.15)


def test_noise_comes_from_the_run_s_seed_alone(tiny_bench):
    model = tiny_bench.model
    state = {name: one.clone() for name, one in model.state_dict().items()}
    found = []
    for seed in (3, 3, 4):
        model.load_state_dict(state)
        torch.manual_seed(len(found))
        method_of(NOISY, model, NOISY.preset("paper"), seed=seed).begin(model)
        found.append(copies(model))
    name = next(iter(mixable(model)))
    assert torch.equal(found[0][name], found[1][name]) and not torch.equal(found[0][name], found[2][name])
