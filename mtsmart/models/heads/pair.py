"""A head for pairs of texts. It compares what the encoder makes of the first text with what it makes of the second."""

from __future__ import annotations

from typing import Any

import torch
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
from mtsmart.models.heads.plain import MEAN, hidden_layers, initialised, output_layer, pooled

PAIR = "pair"
HEADS_OF_PAIRS.add(PAIR)
_PARTS = 4  # both texts, their difference and their product


@HEAD_CHECKS.register(PAIR)
def _check(spec: HeadSpec) -> None:
    check_kind_of_pairs(spec)
    if spec.pooling is not None:
        message = "does not go with head type 'pair', which takes the mean of each text"
        raise ConfigError(message, key="head.pooling", value=spec.pooling, hint="Leave it out")


@HEADS.register(PAIR)
def pair_head(encoder: Encoder, spec: HeadSpec) -> nn.Module:
    """A comparison of two texts, ``layers`` hidden tanh layers (default none), dropout and a linear map to the logits.

    The initial weights come from N(0, initializer_range).
    """
    return initialised(PairHead(encoder, spec), encoder)


class PairHead(nn.Module):
    """Computes logits (B, C) from two texts that the encoder has read together.

    The features are those with which Conneau et al. 2017, "Supervised Learning of Universal Sentence Representations
    from Natural Language Inference Data", compare two sentences. There the encoder reads each sentence alone.
    """

    def __init__(self, encoder: Encoder, spec: HeadSpec) -> None:
        super().__init__()
        width = _PARTS * encoder.hidden_size
        self.layers = hidden_layers(encoder, spec, nn.Tanh, width)
        self.output = output_layer(encoder, spec, width)

    def forward(self, outputs: Any, inputs: dict[str, Tensor]) -> Tensor:
        """The logits (B, C) from the encoder's output (B, T, H).

        Args:
            outputs: the encoder's outputs. The first one is (B, T, H).
            inputs: the inputs. ``segments`` (B, T) int64 is 1 for tokens of the first text and 2 for the second.

        Raises:
            ConfigError: the task does not say which tokens belong to which text.
        """
        logits: Tensor = self.output(self.layers(compared(outputs[0], segments_of(inputs, PAIR))))
        return logits


def compared(hidden: Tensor, segments: Tensor) -> Tensor:
    """The means u and v of two texts' tokens as [u; v; |u - v|; u * v].

    Args:
        hidden: (B, T, H) float.
        segments: (B, T) int64; 1 for tokens of the first text and 2 for the second. A text without tokens has mean 0.

    Returns:
        (B, 4 H) in the dtype of ``hidden``.
    """
    first = pooled(MEAN, hidden, segments == FIRST)
    second = pooled(MEAN, hidden, segments == SECOND)
    return torch.cat([first, second, (first - second).abs(), first * second], dim=-1)
