"""Divergences between two predictions: the measure of regularisers and of distillation.

All take logits of shape (..., C) and return (...,), computed in float32 and log space. The first argument is the
prediction, the second is its target. Gradients flow to both; a caller detaches what must stay fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mtsmart.registry import Registry

Divergence = Callable[[Tensor, Tensor], Tensor]
"""(logits, target), both (..., C) -> (...,)."""
DIVERGENCES: Registry[Divergence] = Registry("divergence", group="mtsmart.divergences", needs=["__call__"])
# Our divergences of one kind of distribution, the default one first.
OF_SOFTMAX = ("symmetric_kl", "symmetric_kl_detached", "kl", "js", "hellinger")
OF_BITS = ("bernoulli_symmetric_kl", "bernoulli_symmetric_kl_detached", "bernoulli_kl", "bernoulli_js")


def _log_probs(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    return torch.log_softmax(logits.float(), dim=-1), torch.log_softmax(target.float(), dim=-1)


@DIVERGENCES.register("symmetric_kl")
def symmetric_kl(logits: Tensor, target: Tensor) -> Tensor:
    """KL(p || q) + KL(q || p) = sum_c (p_c - q_c)(log p_c - log q_c): SMART's l_s for distributions (its section 3.1).

    The sum of non-negative products is exactly 0 for equal logits, and never negative.
    """
    log_p, log_q = _log_probs(logits, target)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-1)


@DIVERGENCES.register("symmetric_kl_detached")
def symmetric_kl_detached(logits: Tensor, target: Tensor) -> Tensor:
    """The symmetric KL as SMART's authors have released it: each of its two terms takes its target as a constant.

    The value is that of ``symmetric_kl``. Its gradient, for a small difference of two predictions of the same model, is
    half as large, so a weight of 1 here has the effect of 0.5 there.
    """
    return kl(logits, target.detach()) + kl(target, logits.detach())


@DIVERGENCES.register("kl")
def kl(logits: Tensor, target: Tensor) -> Tensor:
    """KL(q || p) from the target q to the prediction p, as in distillation."""
    log_p, log_q = _log_probs(logits, target)
    p = log_p.exp()
    q = log_q.exp()
    # sum(p - q) is 0. With it each summand is non-negative, so rounding cannot make the sum negative.
    return (q * (log_q - log_p) + (p - q)).sum(-1)


@DIVERGENCES.register("js")
def js(logits: Tensor, target: Tensor) -> Tensor:
    """Jensen-Shannon divergence: (KL(p || m) + KL(q || m)) / 2 with the mixture m = (p + q) / 2; at most log 2."""
    log_p, log_q = _log_probs(logits, target)
    # log(p / m) as a function of log q - log p, so that it is exactly 0 where p and q agree.
    p_over_m = math.log(2) - F.softplus(log_q - log_p)
    q_over_m = math.log(2) - F.softplus(log_p - log_q)
    return (log_p.exp() * p_over_m + log_q.exp() * q_over_m).sum(-1) / 2


@DIVERGENCES.register("hellinger")
def hellinger(logits: Tensor, target: Tensor) -> Tensor:
    """Squared Hellinger distance: sum_c (sqrt p_c - sqrt q_c)^2 / 2; between 0 and 1.

    It is squared because the gradient of the distance itself is unbounded at 0.
    """
    log_p, log_q = _log_probs(logits, target)
    return ((log_p / 2).exp() - (log_q / 2).exp()).square().sum(-1) / 2


@DIVERGENCES.register("mse")
def mse(values: Tensor, target: Tensor) -> Tensor:
    """The mean over C of the squared difference: SMART's l_s for regression (C = 1)."""
    return (values.float() - target.float()).square().mean(-1)


def _decisions(logits: Tensor) -> Tensor:
    """A logit z as the two logits (z, 0), whose softmax is the Bernoulli distribution of z. (..., C) -> (..., C, 2)."""
    values = logits.float()
    return torch.stack([values, torch.zeros_like(values)], dim=-1)


@DIVERGENCES.register("bernoulli_symmetric_kl")
def bernoulli_symmetric_kl(logits: Tensor, target: Tensor) -> Tensor:
    """The mean over C labels of the symmetric KL of their Bernoulli distributions: for labels that may hold together.

    It is a mean, as the criterion is, so that a weight means the same for 5 labels and for 500.
    """
    return symmetric_kl(_decisions(logits), _decisions(target)).mean(-1)


@DIVERGENCES.register("bernoulli_symmetric_kl_detached")
def bernoulli_symmetric_kl_detached(logits: Tensor, target: Tensor) -> Tensor:
    """The mean over C labels of ``symmetric_kl_detached`` between their Bernoulli distributions."""
    return symmetric_kl_detached(_decisions(logits), _decisions(target)).mean(-1)


@DIVERGENCES.register("bernoulli_kl")
def bernoulli_kl(logits: Tensor, target: Tensor) -> Tensor:
    """The mean over C labels of KL(q || p) between their Bernoulli distributions."""
    return kl(_decisions(logits), _decisions(target)).mean(-1)


@DIVERGENCES.register("bernoulli_js")
def bernoulli_js(logits: Tensor, target: Tensor) -> Tensor:
    """The mean over C labels of the Jensen-Shannon divergence of their Bernoulli distributions."""
    return js(_decisions(logits), _decisions(target)).mean(-1)
