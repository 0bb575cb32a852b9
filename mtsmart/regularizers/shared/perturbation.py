"""The perturbation of embeddings: noise, ascent steps, projection.

Lengths here are absolute; tensors are (B, T, H) throughout; positions where ``mask`` is 0 stay exactly 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import torch
from torch import Tensor

Length = float | Tensor
"""One length, or one a token (B, T, 1) or sentence (B, 1, 1)."""
_TINY = 1e-30  # keeps a zero gradient (its norm is 0) from giving 0 / 0


class Norm(StrEnum):
    """How a perturbation is measured."""

    LINF = "linf"
    L2 = "l2"


class Scope(StrEnum):
    """What the norm is taken over."""

    TOKEN = "token"
    SENTENCE = "sentence"


class Constraint(StrEnum):
    """How a perturbation is brought into the ball."""

    PROJECT = "project"
    NORMALIZE = "normalize"


@dataclass(frozen=True)
class Ball:
    """Where a perturbation must stay.

    Attributes:
        radius: epsilon, the largest norm.
        norm: how it is measured.
        scope: whether each token or each sentence has the radius for itself.
        constraint: ``PROJECT`` leaves a shorter perturbation as it is, ``NORMALIZE`` gives it the radius exactly.
    """

    radius: Length
    norm: Norm = Norm.LINF
    scope: Scope = Scope.TOKEN
    constraint: Constraint = Constraint.PROJECT

    def length(self, tensor: Tensor) -> Tensor:
        """The norm per token (B, T, 1) or per sentence (B, 1, 1)."""
        dims = (-1,) if self.scope is Scope.TOKEN else (-2, -1)
        if self.norm is Norm.LINF:
            return tensor.abs().amax(dim=dims, keepdim=True)
        length: Tensor = torch.linalg.vector_norm(tensor, dim=dims, keepdim=True)
        return length

    def unit(self, tensor: Tensor) -> Tensor:
        """The tensor scaled to norm 1; what is 0 stays 0."""
        return tensor / self.length(tensor).clamp_min(_TINY)

    def bring_in(self, delta: Tensor) -> Tensor:
        """Project onto the ball, or scale onto its surface."""
        if self.constraint is Constraint.NORMALIZE:
            return delta * (self.radius / self.length(delta).clamp_min(_TINY))
        if self.norm is Norm.LINF:
            radius = torch.as_tensor(self.radius, dtype=delta.dtype, device=delta.device)
            return delta.clamp(-radius, radius)
        return delta * (self.radius / self.length(delta).clamp_min(_TINY)).clamp_max(1.0)


@dataclass(frozen=True)
class Ascent:
    """How the perturbation is searched.

    Attributes:
        steps: K, how many gradient steps.
        step_size: eta, length of a step.
        noise: sigma, standard deviation of the start.
    """

    steps: int
    step_size: Length
    noise: Length


def find_perturbation(
    divergence: Callable[[Tensor], Tensor],
    like: Tensor,
    mask: Tensor,
    ball: Ball,
    ascent: Ascent,
    direction: Tensor | None = None,
    normal: Callable[[Tensor], Tensor] = torch.randn_like,
) -> Tensor:
    """The perturbation that a few projected ascent steps find (Jiang et al. 2020, algorithm 1, lines 5 to 9).

    delta_0 ~ N(0, sigma^2); then K times: g = grad div(f(x + delta), f(x)), delta <- P(delta + eta g / ||g||).
    With ``direction`` the first of the K steps starts at 0 and goes along it, so there is neither noise nor a gradient.

    Args:
        divergence: (B, T, H) perturbation -> the divergence from the clean prediction, a scalar.
        like: (B, T, H) embeddings, for shape, dtype and device.
        mask: (B, T), 1 on real tokens.
        ball: where the perturbation must stay.
        ascent: how it is searched.
        direction: (B, T, H), of any length.
        normal: gives standard normal numbers like a tensor.

    Returns:
        (B, T, H), detached, with norm at most (``normalize``: exactly) the ball's radius.
    """
    real = mask.unsqueeze(-1).to(like.dtype)
    step = partial(ascend, real, ball, ascent.step_size)
    steps = ascent.steps
    if direction is None:
        delta = normal(like.detach()) * ascent.noise * real
    else:
        delta = step(0.0, direction)
        steps -= 1
    for _ in range(steps):
        at = delta.detach().requires_grad_(True)
        delta = step(at.detach(), gradient_of(divergence(at), at))
    return ball.bring_in(delta).detach()


def ascend(real: Tensor, ball: Ball, size: Length, delta: Tensor | float, gradient: Tensor) -> Tensor:
    """One projected step: P(delta + size * gradient / ||gradient||).

    Args:
        real: (B, T, 1), 1 on real tokens.
        ball: where the perturbation must stay.
        size: length of the step.
        delta: (B, T, H), or 0.
        gradient: (B, T, H).
    """
    return ball.bring_in(delta + size * ball.unit(gradient.detach() * real))


def power_iteration(
    divergence: Callable[[Tensor], Tensor], start: Tensor, mask: Tensor, ball: Ball, steps: int, xi: Length
) -> Tensor:
    """The perturbation along which the divergence grows most (Miyato et al. 2018, section 3.3).

    At a small perturbation xi d the gradient of the divergence is about xi H d, so that d <- grad / ||grad|| is power
    iteration with the Hessian H.

    Args:
        divergence: (B, T, H) perturbation -> the divergence from the clean prediction, a scalar.
        start: (B, T, H) random numbers, the first direction.
        mask: (B, T), 1 on real tokens.
        ball: its radius is the length of the perturbation, and its norm that of directions.
        steps: K.
        xi: length of the perturbation that the gradient is taken at.

    Returns:
        (B, T, H), detached; 0 where the gradient is 0.
    """
    real = mask.unsqueeze(-1).to(start.dtype)
    direction = ball.unit(start.detach() * real)
    for _ in range(steps):
        at = (xi * direction).requires_grad_(True)
        direction = ball.unit(gradient_of(divergence(at), at) * real)
    return ball.radius * direction


def root_mean_square(inputs_embeds: Tensor, mask: Tensor, scope: Scope) -> Tensor:
    """The RMS of each token's embedding (B, T, 1), or of all real tokens of each sentence (B, 1, 1).

    Scale-invariant fine-tuning (He et al. 2021, DeBERTa, section 5) perturbs normalised embeddings for the same reason:
    the lengths of word embeddings differ between tokens and between models.
    """
    squares = inputs_embeds.square().mean(-1, keepdim=True)
    if scope is Scope.TOKEN:
        return squares.sqrt()
    real = mask.unsqueeze(-1).to(squares.dtype)
    return ((squares * real).sum(1, keepdim=True) / real.sum(1, keepdim=True)).sqrt()


def gradient_of(output: Tensor, inputs: Tensor, retain_graph: bool = False) -> Tensor:
    """The gradient of a scalar in ``inputs``, in their shape and dtype.

    A backward pass has the dtypes of its forward pass. Under autocast it would round once more what is float32 in it.
    """
    with torch.autocast(inputs.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(output, inputs, retain_graph=retain_graph)
    return gradient
