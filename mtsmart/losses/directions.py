"""Random directions in which a divergence grows, for the one-pass attack (docs/one-pass-attack.md).

For logits z and a small difference d, a divergence is div(z + d, z) = d^T H(z) d / 2 up to second order. Here each
divergence has one entry of the same signature: logits and target (..., C) -> (...). The entry is linear in the logits:
<u, logits>. Each call draws u anew, with mean 0 and a covariance that is H(target) up to a constant factor. A task type
averages it over a batch exactly as it averages a divergence: over tokens, labels or candidates, without what is
ignored. One vector-Jacobian product of that average then gives each row a direction of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

from mtsmart.losses.divergences import Divergence
from mtsmart.registry import Registry

DIRECTIONS: Registry[Divergence] = Registry("direction")
Normal = Callable[[Tensor], Tensor]
"""A tensor -> normally distributed numbers of its shape, dtype and device."""
_normal: ContextVar[Normal] = ContextVar("normal", default=torch.randn_like)


@contextmanager
def drawing(normal: Normal) -> Iterator[None]:
    """Within this context ``normal`` draws the directions, instead of torch's global generator."""
    token = _normal.set(normal)
    try:
        yield
    finally:
        _normal.reset(token)


@DIRECTIONS.register("symmetric_kl")
@DIRECTIONS.register("kl")
@DIRECTIONS.register("js")
@DIRECTIONS.register("hellinger")
def categorical(logits: Tensor, target: Tensor) -> Tensor:
    """For f-divergences of softmax distributions: H is a multiple of Fisher's information diag(p) - p p^T.

    u = sqrt(p) xi - p sum(sqrt(p) xi) with xi ~ N(0, I) has this covariance.
    """
    root = (torch.log_softmax(target.float(), dim=-1) / 2).exp()
    drawn = root * _normal.get()(root)
    u = drawn - root.square() * drawn.sum(-1, keepdim=True)
    return (logits.float() * u).sum(-1)


@DIRECTIONS.register("bernoulli_symmetric_kl")
@DIRECTIONS.register("bernoulli_kl")
@DIRECTIONS.register("bernoulli_js")
def bernoulli(logits: Tensor, target: Tensor) -> Tensor:
    """For the mean over labels of f-divergences of Bernoulli distributions: H is diagonal, with entries p (1 - p)."""
    p = torch.sigmoid(target.float())
    u = (p * (1 - p)).sqrt() * _normal.get()(p)
    return (logits.float() * u).mean(-1)


@DIRECTIONS.register("mse")
def gaussian(values: Tensor, target: Tensor) -> Tensor:
    """For squared errors: H is a multiple of the identity, u ~ N(0, I)."""
    return (values.float() * _normal.get()(target.float())).mean(-1)
