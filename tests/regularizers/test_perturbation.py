"""The perturbation engine against closed forms, for every norm, scope and constraint."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsmart.regularizers.shared.perturbation import (
    Ascent,
    Ball,
    Constraint,
    Norm,
    Scope,
    find_perturbation,
    gradient_of,
    root_mean_square,
)

BALLS = [Ball(0.1, norm, scope, constraint) for norm in Norm for scope in Scope for constraint in Constraint]


def ids(ball):
    return f"{ball.norm}-{ball.scope}-{ball.constraint}"


def shape():
    return torch.zeros(3, 5, 8), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]])


@pytest.mark.parametrize("ball", BALLS, ids=ids)
@given(steps=st.integers(0, 3), noise=st.sampled_from([0.0, 0.01, 10.0]))
@settings(max_examples=12, deadline=None)
def test_stays_in_the_ball_and_off_the_padding(ball, steps, noise):
    like, mask = shape()
    target = torch.randn_like(like)
    ascent = Ascent(steps, step_size=1.0, noise=noise)
    delta = find_perturbation(lambda d: ((d - target) ** 2).sum(), like, mask, ball, ascent)
    assert torch.equal(delta[mask == 0], torch.zeros_like(delta[mask == 0]))
    lengths = ball.length(delta)
    assert float(lengths.max()) <= ball.radius * (1 + 1e-5)
    assert not delta.requires_grad
    if ball.constraint is Constraint.NORMALIZE and (steps or noise):
        full = lengths.squeeze(-1)[mask == 1] if ball.scope is Scope.TOKEN else lengths
        torch.testing.assert_close(full, torch.full_like(full, ball.radius))


@pytest.mark.parametrize("ball", BALLS, ids=ids)
def test_one_long_step_finds_the_maximum_of_a_linear_function(ball):
    """Over the ball, g . delta is largest at epsilon * sign(g) (linf), or at epsilon * g / ||g|| (l2)."""
    like, mask = shape()
    gradient = torch.randn_like(like)
    delta = find_perturbation(lambda d: (gradient * d).sum(), like, mask, ball, Ascent(1, step_size=1e6, noise=0.0))
    masked = gradient * mask.unsqueeze(-1)
    best = ball.radius * masked / ball.length(masked).clamp_min(1e-12)
    if ball.norm is Norm.LINF and ball.constraint is Constraint.PROJECT:
        best = ball.radius * masked.sign()
    torch.testing.assert_close(delta, best, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("ball", [ball for ball in BALLS if ball.constraint is Constraint.PROJECT], ids=ids)
def test_projection_leaves_the_inside_alone(ball):
    delta = torch.randn(2, 3, 4) * 1e-4
    assert torch.equal(ball.bring_in(delta), delta)


def test_the_start_has_the_stated_deviation():
    like, mask = torch.zeros(64, 50, 32), torch.ones(64, 50)
    delta = find_perturbation(lambda d: d.sum(), like, mask, Ball(10.0), Ascent(0, step_size=1e-3, noise=0.05))
    assert float(delta.std()) == pytest.approx(0.05, rel=0.01)
    assert float(delta.mean()) == pytest.approx(0.0, abs=1e-3)


def test_more_steps_climb_higher():
    like, mask = torch.zeros(1, 2, 16), torch.ones(1, 2)
    peak = torch.linspace(-0.5, 0.5, 32).view(1, 2, 16)

    def value(delta):
        return -((delta - peak) ** 2).sum()

    heights = []
    for steps in (0, 1, 4, 12):
        torch.manual_seed(0)
        ascent = Ascent(steps, step_size=0.1, noise=1e-3)
        heights.append(float(value(find_perturbation(value, like, mask, Ball(1.0), ascent))))
    assert heights == sorted(heights)


def test_a_flat_function_gives_no_nan():
    like, mask = shape()
    delta = find_perturbation(lambda d: (d * 0).sum(), like, mask, Ball(1e-5), Ascent(1, step_size=1e-3, noise=1e-5))
    assert torch.isfinite(delta).all()


def test_a_gradient_is_not_rounded_by_the_autocast_around_it():
    weight = torch.randn(8, 8)
    inputs = torch.randn(4, 8, requires_grad=True)
    output = (inputs @ weight).square().sum()  # in float32
    with torch.autocast("cpu", torch.bfloat16):
        found = gradient_of(output, inputs, retain_graph=True)
        (rounded,) = torch.autograd.grad(output, inputs, retain_graph=True)
    (exact,) = torch.autograd.grad(output, inputs)
    assert torch.equal(found, exact) and not torch.equal(rounded, exact)


def test_the_root_mean_square_of_a_token_and_of_the_real_tokens_of_a_sentence():
    embeddings = torch.tensor([[[3.0, 4.0], [0.0, 2.0], [9.0, 9.0]]])
    mask = torch.tensor([[1, 1, 0]])
    tokens = root_mean_square(embeddings, mask, Scope.TOKEN)
    torch.testing.assert_close(tokens[0, :2, 0], torch.tensor([12.5**0.5, 2**0.5]))
    sentence = root_mean_square(embeddings, mask, Scope.SENTENCE)
    torch.testing.assert_close(sentence, torch.tensor([[[7.25**0.5]]]))
