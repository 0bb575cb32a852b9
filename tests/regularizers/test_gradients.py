"""The gradients of R and D in the weights, by finite differences in float64, for every task type and direction.

A perturbation is a constant for the gradient, as in algorithm 1: the differences keep the one that was found.
"""

import pytest
import torch

from mtsmart.losses import OnePass
from tests.regularizers.every_type import NAMES

DIRECTIONS = ["ascent", *(kind.value for kind in OnePass)]
STEP = 1e-5
on_bert = pytest.mark.parametrize("pair", [("BERT", name) for name in NAMES], ids="-".join, indirect=True)


@pytest.fixture
def exact(pair, monkeypatch):
    """The case in float64, also where a loss asks for float32, and with dropout, whose masks the seed repeats."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    pair.model.double().train()
    yield pair
    pair.model.float()


def term_of(pair, method):
    """The weighted term of a pass with the same dropout masks each time."""
    torch.manual_seed(3)
    return method.loss(pair.clean()).value


def assert_gradient_is_that_of(pair, value, gradient):
    """``value()`` changes along the gradient, and along a random direction, as the gradient says."""
    parameters = [parameter for parameter in pair.model.parameters() if parameter.requires_grad]
    numbers = torch.Generator().manual_seed(4)
    length = torch.stack([each.norm() for each in gradient]).norm()
    assert float(length) > 0
    along = [each / length for each in gradient]
    anywhere = [torch.randn(each.shape, generator=numbers, dtype=each.dtype) for each in gradient]
    for direction in (along, anywhere):
        expected = sum(float((one * other).sum()) for one, other in zip(gradient, direction, strict=True))
        found = (at(parameters, direction, STEP, value) - at(parameters, direction, -STEP, value)) / (2 * STEP)
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6 * float(length))


@torch.no_grad()
def move(parameters, direction, size):
    for parameter, change in zip(parameters, direction, strict=True):
        parameter.add_(size * change)


def at(parameters, direction, size, value):
    """A value with moved weights, which are moved back."""
    move(parameters, direction, size)
    found = float(value().detach())
    move(parameters, direction, -size)
    return found


def gradient_of(pair, term):
    parameters = [parameter for parameter in pair.model.parameters() if parameter.requires_grad]
    found = torch.autograd.grad(term, parameters, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]


@on_bert
@pytest.mark.parametrize(("direction", "steps"), [*((direction, 1) for direction in DIRECTIONS), ("predicted", 2)])
def test_the_gradient_of_r_is_that_of_finite_differences(exact, monkeypatch, direction, steps):
    smart = exact.smart(direction=direction, steps=steps, epsilon=0.1, step_size=0.06, weight=2.0)
    deltas = []

    def kept(*arguments):
        deltas.append(type(smart).perturbation(smart, *arguments))
        return deltas[-1]

    monkeypatch.setattr(smart, "perturbation", kept)
    gradient = gradient_of(exact, term_of(exact, smart))
    monkeypatch.setattr(smart, "perturbation", lambda *_: deltas[0])
    assert_gradient_is_that_of(exact, lambda: term_of(exact, smart), gradient)


@on_bert
def test_the_gradient_of_d_is_that_of_finite_differences(exact):
    mbpp = exact.mbpp()
    parameters = list(exact.model.parameters())
    numbers = torch.Generator().manual_seed(5)
    move(parameters, [torch.randn(p.shape, generator=numbers, dtype=p.dtype) for p in parameters], 0.02)
    gradient = gradient_of(exact, term_of(exact, mbpp))
    assert_gradient_is_that_of(exact, lambda: term_of(exact, mbpp), gradient)
