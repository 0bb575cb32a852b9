"""Directions in which a divergence grows, for the one-pass attack (docs/one-pass-attack.md).

Each divergence has two functions of its own signature: logits and target (..., C) -> (...). They are linear in the
logits: <u, logits>. A task type averages them over a batch exactly as it averages a divergence: over tokens, labels or
candidates, without what is ignored. One vector-Jacobian product of that average then gives each row a direction of its
own.

- ``fisher``: for logits z and a small difference d, a divergence is div(z + d, z) = d^T H(z) d / 2 up to second order.
  Each call draws u anew, with mean 0 and a covariance that is H(target) up to a constant factor.
- ``predicted``: u is the gradient of the cross-entropy of the target's own decision, so that the perturbation leads
  away from it. Nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor

from mtsmart.losses.divergences import OF_BITS, OF_SOFTMAX, Divergence
from mtsmart.losses.roles import OnePass
from mtsmart.registry import Registry


@dataclass(frozen=True)
class Directions:
    """The directions of one divergence; each takes logits and target (..., C) and returns (...).

    Attributes:
        fisher: drawn by the divergence's Hessian.
        predicted: away from the target's own decision.
    """

    fisher: Divergence
    predicted: Divergence

    def of(self, kind: OnePass) -> Divergence:
        """The direction of this kind."""
        return self.fisher if kind is OnePass.FISHER else self.predicted


DIRECTIONS: Registry[Directions] = Registry("direction")
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


def categorical(logits: Tensor, target: Tensor) -> Tensor:
    """For f-divergences of softmax distributions: H is a multiple of Fisher's information diag(p) - p p^T.

    u = sqrt(p) xi - p sum(sqrt(p) xi) with xi ~ N(0, I) has this covariance.
    """
    root = (torch.log_softmax(target.float(), dim=-1) / 2).exp()
    drawn = root * _normal.get()(root)
    u = drawn - root.square() * drawn.sum(-1, keepdim=True)
    return (logits.float() * u).sum(-1)


def away_from_class(logits: Tensor, target: Tensor) -> Tensor:
    """For softmax distributions: u = p - onehot(argmax p), the gradient of -log p at the most probable class."""
    p = torch.softmax(target.float(), dim=-1)
    decision = torch.zeros_like(p).scatter_(-1, p.argmax(-1, keepdim=True), 1.0)
    return (logits.float() * (p - decision)).sum(-1)


def bernoulli(logits: Tensor, target: Tensor) -> Tensor:
    """For the mean over labels of f-divergences of Bernoulli distributions: H is diagonal, with entries p (1 - p)."""
    p = torch.sigmoid(target.float())
    u = (p * (1 - p)).sqrt() * _normal.get()(p)
    return (logits.float() * u).mean(-1)


def away_from_labels(logits: Tensor, target: Tensor) -> Tensor:
    """For Bernoulli distributions: u = p - [p > 1/2], the gradient of the mean of the labels' cross-entropies."""
    p = torch.sigmoid(target.float())
    return (logits.float() * (p - (p > 0.5).float())).mean(-1)


def gaussian(values: Tensor, target: Tensor) -> Tensor:
    """For squared errors: H is a multiple of the identity, u ~ N(0, I)."""
    return (values.float() * _normal.get()(target.float())).mean(-1)


_CATEGORICAL = Directions(fisher=categorical, predicted=away_from_class)
_BERNOULLI = Directions(fisher=bernoulli, predicted=away_from_labels)
# A number has no decision to lead away from. It has one degree of freedom, so any draw gives the best direction.
_NUMBER = Directions(fisher=gaussian, predicted=gaussian)

for _name in OF_SOFTMAX:
    DIRECTIONS.register(_name)(_CATEGORICAL)
for _name in OF_BITS:
    DIRECTIONS.register(_name)(_BERNOULLI)
DIRECTIONS.register("mse")(_NUMBER)
