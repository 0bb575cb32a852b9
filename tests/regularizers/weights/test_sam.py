"""SAM and ASAM against the formulas of their papers, written plainly in float64."""

import pytest
import torch
from torch import nn

from mtsmart.config.regularizers import REGULARIZERS
from tests.regularizers.weights.cycle import method_of, steps_of, update

SAM = REGULARIZERS["sam"]


class Quadratic(nn.Module):
    """1/2 (w - c)' A (w - c) with w in two parameters, of 3 and of 2 x 2 numbers."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        root = torch.randn(7, 7, generator=generator, dtype=torch.float64)
        self.curvature = root @ root.T / 7 + torch.eye(7, dtype=torch.float64)
        self.centre = torch.randn(7, generator=generator, dtype=torch.float64)
        self.vector = nn.Parameter(torch.randn(3, generator=generator, dtype=torch.float64))
        self.matrix = nn.Parameter(torch.randn(2, 2, generator=generator, dtype=torch.float64))

    @property
    def weights(self):
        return torch.cat([self.vector, self.matrix.flatten()])

    def loss(self):
        away = self.weights - self.centre
        return away @ self.curvature @ away / 2


def reference(model, rho, adaptive, updates, rate):
    """w <- w - rate A (w + e - c), e = rho T^2 g / ||T g|| with T = |w| + 0.01 or T = 1."""
    w = model.weights.detach().clone()
    for _ in range(updates):
        gradient = model.curvature @ (w - model.centre)
        scale = w.abs() + 0.01 if adaptive else torch.ones_like(w)
        e = rho * scale**2 * gradient / (scale * gradient).norm()
        w = w - rate * model.curvature @ (w + e - model.centre)
    return w


@pytest.mark.parametrize(("rho", "adaptive"), [(0.05, False), (0.5, True), (2.0, False)])
def test_twenty_updates_equal_the_paper_on_a_quadratic(rho, adaptive):
    model = Quadratic()
    expected = reference(model, rho, adaptive, 20, 0.1)
    sam = method_of(SAM, model, SAM.Settings(rho=rho, adaptive=adaptive))
    optimizer = steps_of(model, 0.1)
    for _ in range(20):
        update([sam], model, model.loss, optimizer)
    torch.testing.assert_close(model.weights.detach(), expected, atol=1e-5, rtol=0)


def test_the_weights_are_back_to_the_bit_before_the_step():
    model = Quadratic()
    before = model.weights.detach().clone()
    sam = method_of(SAM, model, SAM.preset("paper"))
    model.loss().backward()
    places = []

    def again():
        places.append(model.weights.detach().clone())
        model.zero_grad()
        model.loss().backward()

    sam.before_step(model, again)
    assert torch.equal(model.weights, before)
    assert [float((place - before).norm()) for place in places] == pytest.approx([0.05])


def test_a_gradient_of_zero_moves_nothing():
    model = Quadratic()
    with torch.no_grad():
        model.vector.copy_(model.centre[:3])
        model.matrix.copy_(model.centre[3:].view(2, 2))
    sam = method_of(SAM, model, SAM.preset("adaptive"))
    update([sam], model, model.loss, steps_of(model))
    assert torch.equal(model.weights, model.centre)
