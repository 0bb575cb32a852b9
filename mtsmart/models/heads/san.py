"""The stochastic answer network for pairs. It reads the first text in several steps and averages their answers."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtsmart.errors import ConfigError
from mtsmart.models.encoder import Encoder
from mtsmart.models.heads.base import (
    FIRST,
    HEAD_CHECKS,
    HEADS,
    HEADS_OF_PAIRS,
    SECOND,
    HeadSpec,
    check_kind_of_pairs,
    segments_of,
)
from mtsmart.models.heads.plain import attend, dropout_of, initialised

STEPS = 5
SAN = "san"
HEADS_OF_PAIRS.add(SAN)


@HEAD_CHECKS.register("san")
def _check(spec: HeadSpec) -> None:
    check_kind_of_pairs(spec)
    if spec.pooling is not None:
        raise ConfigError("does not go with head type 'san'", key="head.pooling", value=spec.pooling)
    if spec.layers == 0:
        raise ConfigError("must be at least 1: it is the number of steps", key="head.layers", value=0)


@HEADS.register("san")
def san_head(encoder: Encoder, spec: HeadSpec) -> nn.Module:
    """A stochastic answer network with ``layers`` steps (default 5)."""
    return initialised(SanHead(encoder, spec), encoder)


class SanHead(nn.Module):
    """The answer module of Liu, Duh and Gao 2018, "Stochastic Answer Networks for Natural Language Inference".

    M1 and M2 are the memories of the first and the second text. s_0 = sum_j softmax(w M2_j) M2_j. At step t
    x_t = sum_j softmax(s_t W M1_j) M1_j, P_t = softmax(V [s_t; x_t; |s_t - x_t|; s_t * x_t]), s_t+1 = GRU(x_t, s_t).
    The prediction is the mean of the P_t. In training, each step is left out of a row's mean with the probability of
    dropout, but at least one step stays. torch's generator draws this choice, as it draws dropout masks, so that the
    same state of the generator gives the same choice.
    """

    def __init__(self, encoder: Encoder, spec: HeadSpec) -> None:
        super().__init__()
        width = encoder.hidden_size
        self.steps = spec.layers or STEPS
        self.dropout = nn.Dropout(dropout_of(encoder, spec))
        self.summary = nn.Linear(width, 1)
        self.bilinear = nn.Linear(width, width)
        self.recurrent = nn.GRUCell(width, width)
        self.classifier = nn.Linear(4 * width, spec.num_labels)

    def forward(self, outputs: Any, inputs: dict[str, Tensor]) -> Tensor:
        """The logarithm of the averaged probabilities (B, C). With one output it is the averaged score (B, 1).

        Args:
            outputs: the encoder's outputs. The first one is (B, T, H).
            inputs: the inputs. ``segments`` (B, T) int64 is 1 for tokens of the first text and 2 for the second.

        Raises:
            ConfigError: the task does not say which tokens belong to which text.
        """
        memory = self.dropout(outputs[0])
        segments = segments_of(inputs, SAN)
        first = segments == FIRST
        second = segments == SECOND
        state = attend(self.summary(memory).squeeze(-1), memory, second)
        answers = []
        for step in range(self.steps):
            scores = torch.bmm(memory, self.bilinear(state).unsqueeze(-1)).squeeze(-1)
            read = attend(scores, memory, first)
            features = torch.cat([state, read, (state - read).abs(), state * read], dim=-1)
            answers.append(self.classifier(self.dropout(features)))
            if step + 1 < self.steps:
                state = self.recurrent(read, state)
        return average(torch.stack(answers, dim=1), self._kept(memory))

    def _kept(self, memory: Tensor) -> Tensor:
        """Which steps belong to each row's mean: (B, S) bool."""
        rows = memory.shape[0]
        if not self.training or self.dropout.p == 0:
            return torch.ones(rows, self.steps, dtype=torch.bool, device=memory.device)
        draws = torch.rand(rows, self.steps, device=memory.device)
        return (draws >= self.dropout.p) | (draws == draws.amax(1, keepdim=True))


def average(answers: Tensor, kept: Tensor) -> Tensor:
    """The mean of the ``kept`` (B, S) answers (B, S, C) in float32. For C > 1 it is the log of the mean probability."""
    count = kept.sum(1, keepdim=True).float()
    if answers.shape[-1] == 1:
        return (answers.float() * kept.unsqueeze(-1)).sum(1) / count
    left_out = (~kept).unsqueeze(-1) * -1e4
    return torch.logsumexp(F.log_softmax(answers.float(), dim=-1) + left_out, dim=1) - count.log()
