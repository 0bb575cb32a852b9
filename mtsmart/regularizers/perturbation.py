"""The perturbation of word embeddings: noise, ascend, project.

Lengths here are absolute; (B, T, H) tensors throughout; positions where ``mask`` is 0 stay exactly 0.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mtsmart.config.regularization import Smart

_TINY = 1e-30  # keeps a zero gradient (its norm is 0) from giving 0 / 0


def find_perturbation(
    divergence: Callable[[Tensor], Tensor],
    like: Tensor,
    mask: Tensor,
    config: Smart,
    unit: float = 1.0,
    direction: Tensor | None = None,
    normal: Callable[[Tensor], Tensor] = torch.randn_like,
) -> Tensor:
    """The perturbation that a few projected ascent steps find (SMART, algorithm 1, lines 5 to 9).

    delta_0 ~ N(0, sigma^2); then K times: g = grad div(f(x + delta), f(x)), delta <- P(delta + eta g / ||g||).
    With ``direction`` the first of the K steps starts at 0 and goes along it, so there is neither noise nor a gradient.

    Args:
        divergence: (B, T, H) perturbation -> the divergence from the clean prediction, a scalar.
        like: (B, T, H) embeddings, for shape, dtype and device.
        mask: (B, T), 1 on real tokens.
        config: its epsilon, step_size and noise are multiplied by ``unit``.
        unit: length of one unit.
        direction: (B, T, H), of any length.
        normal: gives the noise.

    Returns:
        (B, T, H), detached, with norm at most (``normalize``: exactly) epsilon.
    """
    real = mask.unsqueeze(-1).to(like.dtype)

    def step(delta: Tensor | float, gradient: Tensor) -> Tensor:
        gradient = gradient.detach() * real
        unit_step = gradient / norm(gradient, config).clamp_min(_TINY)
        return constrain(delta + config.step_size * unit * unit_step, config, unit)

    if direction is None:
        delta, steps = normal(like.detach()) * (config.noise * unit) * real, config.steps
    else:
        delta, steps = step(0.0, direction), config.steps - 1
    for _ in range(steps):
        at = delta.detach().requires_grad_(True)
        delta = step(at.detach(), gradient_of(divergence(at), at))
    return constrain(delta, config, unit).detach()


def gradient_of(output: Tensor, inputs: Tensor, retain_graph: bool = False) -> Tensor:
    """The gradient of a scalar in ``inputs``, in their shape and dtype.

    A backward pass has the dtypes of its forward pass. Under autocast it would round once more what is float32 in it.
    """
    with torch.autocast(inputs.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(output, inputs, retain_graph=retain_graph)
    return gradient


def norm(tensor: Tensor, config: Smart) -> Tensor:
    """linf or l2 norm per token (B, T, 1) or per sentence (B, 1, 1)."""
    dims = (-1,) if config.scope == "token" else (-2, -1)
    if config.norm == "linf":
        return tensor.abs().amax(dim=dims, keepdim=True)
    length: Tensor = torch.linalg.vector_norm(tensor, dim=dims, keepdim=True)
    return length


def constrain(delta: Tensor, config: Smart, unit: float = 1.0) -> Tensor:
    """Project onto the ball of radius epsilon, or scale onto its surface."""
    radius = config.epsilon * unit
    if config.constraint == "normalize":
        return delta * (radius / norm(delta, config).clamp_min(_TINY))
    if config.norm == "linf":
        return delta.clamp(-radius, radius)
    return delta * (radius / norm(delta, config).clamp_min(_TINY)).clamp_max(1.0)
