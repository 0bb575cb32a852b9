"""Divergences against float64 references, their invariants and their gradients."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, rel_entr

from mtsmart.losses import DIVERGENCES

LOGITS = st.lists(st.tuples(st.floats(-30, 30, width=32), st.floats(-30, 30, width=32)), min_size=2, max_size=6).map(
    lambda pairs: tuple(np.asarray(side, dtype=np.float64) for side in zip(*pairs, strict=True))
)
DISTRIBUTIONS = [name for name in DIVERGENCES if name != "mse"]
SYMMETRIC = [name for name in DIVERGENCES if name not in ("kl", "bernoulli_kl")]


def reference(name: str, a: np.ndarray, b: np.ndarray) -> float:
    """float64, from scipy's building blocks."""
    if name.startswith("bernoulli_"):
        kind = name.removeprefix("bernoulli_")
        return float(np.mean([reference(kind, *np.array([[x, 0], [y, 0]])) for x, y in zip(a, b, strict=True)]))
    log_p, log_q = log_softmax(a), log_softmax(b)
    p, q = np.exp(log_p), np.exp(log_q)
    return float(
        {
            "symmetric_kl_detached": lambda: np.sum(rel_entr(q, p)) + np.sum(rel_entr(p, q)),
            "symmetric_kl": lambda: np.sum(p * (log_p - log_q)) + np.sum(q * (log_q - log_p)),
            "kl": lambda: np.sum(rel_entr(q, p)),
            # Not jensenshannon(p, q) ** 2: for nearly equal p and q its square root is of a rounding error below 0.
            "js": lambda: (np.sum(rel_entr(p, (p + q) / 2)) + np.sum(rel_entr(q, (p + q) / 2))) / 2,
            "hellinger": lambda: np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2,
            "mse": lambda: np.mean((a - b) ** 2),
        }[name]()
    )


def value(name: str, a: np.ndarray, b: np.ndarray) -> float:
    return float(DIVERGENCES[name](torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32)))


@pytest.mark.parametrize("name", list(DIVERGENCES))
@given(LOGITS)
@settings(max_examples=80, deadline=None)
def test_equals_float64(name, pair):
    expected = reference(name, *pair)
    assert value(name, *pair) == pytest.approx(expected, rel=2e-5 if name != "mse" else 1e-6, abs=1e-6)


@pytest.mark.parametrize("name", list(DIVERGENCES))
@given(LOGITS)
@settings(max_examples=40, deadline=None)
def test_not_negative_and_zero_for_equals(name, pair):
    assert value(name, *pair) >= -1e-7
    assert value(name, pair[0], pair[0]) == 0.0


@pytest.mark.parametrize("name", SYMMETRIC)
@given(LOGITS)
@settings(max_examples=40, deadline=None)
def test_symmetric(name, pair):
    assert value(name, *pair) == pytest.approx(value(name, *pair[::-1]), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", list(DIVERGENCES))
def test_gradients_match_float64_differences(name):
    """The float32 gradient against central differences of the float64 reference, for both arguments."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5))
    tensors = [torch.tensor(x, dtype=torch.float32, requires_grad=True) for x in (a, b)]
    gradients = torch.autograd.grad(DIVERGENCES[name](*tensors), tensors)
    step = 1e-5
    for index, gradient in enumerate(gradients):
        for position in range(5):
            up, down = [a.copy(), b.copy()], [a.copy(), b.copy()]
            up[index][position] += step
            down[index][position] -= step
            high, low = (reference(part, *order(pair)) for pair in (up, down) for part, order in [seen(name, index)])
            expected = (high - low) / (2 * step)
            assert float(gradient[position]) == pytest.approx(expected, abs=1e-6)


def seen(name, index):
    """The divergence whose slope in argument ``index`` is the gradient, and the order of its arguments.

    A detached divergence is the sum of two, each of which moves in one argument only.
    """
    if not name.endswith("_detached"):
        return name, list
    one_way = name.replace("symmetric_kl_detached", "kl")
    return one_way, list if index == 0 else lambda pair: pair[::-1]


def test_detached_targets_halve_the_gradient_of_a_small_difference():
    """SMART's authors compute this one, so their weight 1 is 0.5 with ``symmetric_kl``."""
    z = torch.randn(50, 4, dtype=torch.float64).float()
    away = 1e-2 * torch.randn(50, 4)
    gradients = {}
    for name in ("symmetric_kl", "symmetric_kl_detached"):
        logits = (z + away).requires_grad_(True)
        (gradients[name],) = torch.autograd.grad(DIVERGENCES[name](logits, z).sum(), logits)
    torch.testing.assert_close(2 * gradients["symmetric_kl_detached"], gradients["symmetric_kl"], rtol=0.05, atol=1e-4)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_finite_for_extreme_logits(name):
    """A softmax that underflows to 0 gives no infinity and no NaN, neither in the value nor in the gradient."""
    a = torch.tensor([200.0, -200.0], requires_grad=True)
    result = DIVERGENCES[name](a, torch.tensor([-200.0, 200.0]))
    (gradient,) = torch.autograd.grad(result, a)
    assert torch.isfinite(result)
    assert torch.isfinite(gradient).all()


def test_bounds():
    a, b = torch.tensor([80.0, -80.0]), torch.tensor([-80.0, 80.0])
    assert float(DIVERGENCES["js"](a, b)) == pytest.approx(math.log(2), rel=1e-6)
    assert float(DIVERGENCES["hellinger"](a, b)) == pytest.approx(1.0, rel=1e-6)


def test_low_precision_inputs_are_computed_in_float32():
    a, b = torch.randn(2, 4, 3).to(torch.bfloat16)
    for name in DIVERGENCES:
        assert DIVERGENCES[name](a, b).dtype == torch.float32
        assert torch.equal(DIVERGENCES[name](a, b), DIVERGENCES[name](a.float(), b.float()))
