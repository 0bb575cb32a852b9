"""Random directions in which a divergence grows, for the one-pass attack (docs/one-pass-attack.md).

To second order a divergence of two near predictions is div(z + d, z) = d^T H(z) d / 2 for logits z. Each entry stands
for one divergence and has its signature: logits and target (..., C) -> (...). It is linear in the logits, <u, logits>,
where u is drawn anew with mean 0 and a covariance that is H(target) up to a constant factor. So whatever averages a
divergence over a batch (over tokens, labels, candidates; without what is ignored) averages these in the same way, and
one vector-Jacobian product of the average gives every row a direction of its own.
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
"""Normal numbers of the shape, dtype and device of a tensor."""
_normal: ContextVar[Normal] = ContextVar("normal", default=torch.randn_like)


@contextmanager
def drawing(normal: Normal) -> Iterator[None]:
    """Inside it the directions are drawn by ``normal``, and not from torch's own generator."""
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

    u = sqrt(p) xi - p sum(sqrt(p) xi) with xi ~ N(0, I) has it for its covariance.
    """
    root = (torch.log_softmax(target.float(), dim=-1) / 2).exp()
    drawn = root * _normal.get()(root)
    u = drawn - root.square() * drawn.sum(-1, keepdim=True)
    return (logits.float() * u).sum(-1)


@DIRECTIONS.register("bernoulli_symmetric_kl")
@DIRECTIONS.register("bernoulli_kl")
@DIRECTIONS.register("bernoulli_js")
def bernoulli(logits: Tensor, target: Tensor) -> Tensor:
    """For the mean over labels of f-divergences of Bernoulli distributions: H is diagonal, p (1 - p)."""
    p = torch.sigmoid(target.float())
    u = (p * (1 - p)).sqrt() * _normal.get()(p)
    return (logits.float() * u).mean(-1)


@DIRECTIONS.register("mse")
def gaussian(values: Tensor, target: Tensor) -> Tensor:
    """For squared errors: H is a multiple of the identity, u ~ N(0, I)."""
    return (values.float() * _normal.get()(target.float())).mean(-1)
