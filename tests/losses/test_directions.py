"""The directions of the one-pass attack: drawn by the divergence's Hessian, or away from the model's own decision."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd.functional import hessian

from mtsmart.losses import DIRECTIONS, DIVERGENCES, OnePass

TARGET = torch.tensor([1.2, -0.7, 0.1, -2.0])
DRAWS = 200_000


def test_every_divergence_has_a_direction():
    assert set(DIRECTIONS) == set(DIVERGENCES)


def drawn(name):
    """(DRAWS, C) vectors u, each from a call of its own row."""
    logits = torch.zeros(DRAWS, len(TARGET), requires_grad=True)
    value = DIRECTIONS[name].fisher(logits, TARGET.expand(DRAWS, -1))
    assert value.shape == (DRAWS,)
    (u,) = torch.autograd.grad(value.sum(), logits)
    return u.double()


@pytest.mark.parametrize("name", list(DIVERGENCES))
def test_covariance_is_the_hessian_up_to_a_factor(name):
    torch.manual_seed(0)
    u = drawn(name)
    covariance = u.T @ u / DRAWS
    # The divergences work in float32, the autograd graph gives their second derivative all the same.
    expected = hessian(lambda z: DIVERGENCES[name](z, TARGET), TARGET.clone()).double()
    factor = expected.trace() / covariance.trace()
    torch.testing.assert_close(covariance * factor, expected, atol=0.02 * float(expected.trace()), rtol=0)
    assert float(u.mean(0).abs().max()) < 0.01 * float(u.std())


@pytest.mark.parametrize("kind", list(OnePass))
@pytest.mark.parametrize("name", list(DIVERGENCES))
def test_linear_in_the_logits_and_blind_to_where_they_are(name, kind):
    """The same draw gives twice the value for twice the logits."""
    logits, values = torch.randn(5, 4), []
    for factor in (1.0, 2.0):
        torch.manual_seed(3)
        values.append(DIRECTIONS[name].of(kind)(factor * logits, TARGET.expand(5, -1)))
    torch.testing.assert_close(values[1], 2 * values[0])


def test_candidates_that_are_not_there_get_nothing():
    """A masked logit (-1e4) has probability 0, and so no part in any direction."""
    logits = torch.tensor([[0.3, -0.2, -1e4]]).expand(100, -1).clone().requires_grad_(True)
    (u,) = torch.autograd.grad(DIRECTIONS["kl"].fisher(logits, logits.detach()).sum(), logits)
    assert not u[:, 2].any()
    assert u[:, 0].abs().min() > 0
    torch.testing.assert_close(u.sum(-1), torch.zeros(100), atol=1e-6, rtol=0)


def gradient(name, logits):
    """(N, C) vectors u of the direction away from the decision."""
    at = logits.clone().requires_grad_(True)
    (u,) = torch.autograd.grad(DIRECTIONS[name].predicted(at, logits).sum(), at)
    return u


def test_away_from_the_class_is_the_gradient_of_its_cross_entropy():
    logits = torch.randn(50, 4)
    at = logits.clone().requires_grad_(True)
    (expected,) = torch.autograd.grad(F.cross_entropy(at, logits.argmax(-1), reduction="sum"), at)
    torch.testing.assert_close(gradient("symmetric_kl", logits), expected)


def test_away_from_the_labels_is_the_gradient_of_their_cross_entropy():
    logits = torch.randn(50, 4)
    at = logits.clone().requires_grad_(True)
    loss = F.binary_cross_entropy_with_logits(at, (logits > 0).float(), reduction="none").mean(-1).sum()
    (expected,) = torch.autograd.grad(loss, at)
    torch.testing.assert_close(gradient("bernoulli_kl", logits), expected)


@pytest.mark.parametrize("name", [name for name in DIVERGENCES if name != "mse"])
def test_away_from_the_decision_the_divergence_grows_and_the_decision_gets_less_sure(name):
    """And more than the other way: that is the sign's worth."""
    logits = 2 * torch.randn(200, 4)
    u = gradient(name, logits)
    step = 0.5 * u / u.norm(dim=-1, keepdim=True)
    away = DIVERGENCES[name](logits + step, logits)
    towards = DIVERGENCES[name](logits - step, logits)
    assert (away > 0).all()
    assert away.mean() > towards.mean()


def test_equal_probabilities_still_have_a_direction():
    u = gradient("kl", torch.zeros(3, 4))
    assert (u.abs().sum(-1) > 0).all()
