"""mtsmart's own head for every kind. It works on any encoder, also on one without Hugging Face task classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtsmart.errors import ConfigError
from mtsmart.models.encoder import Encoder
from mtsmart.models.heads.base import HEAD_CHECKS, HEADS, HeadSpec, gather_positions

CLS = "cls"
MEAN = "mean"
CLS_MEAN = "cls_mean"
"""The pooling that gives the head both the first token and the mean of all tokens."""
POOLED = ("sequence_classification", "multiple_choice")
_WIDTHS = {"multiple_choice": 1, "question_answering": 2}


@HEAD_CHECKS.register("plain")
def _check(spec: HeadSpec) -> None:
    if spec.pooling is not None and spec.kind not in POOLED:
        message = f"does not go with {spec.kind}, which keeps every token"
        raise ConfigError(message, key="head.pooling", value=spec.pooling, hint="Leave it out")


@HEADS.register("plain")
def plain_head(encoder: Encoder, spec: HeadSpec) -> nn.Module:
    """A head of ``layers`` hidden layers, dropout and a linear map to the logits.

    Sequence kinds first pool the tokens (default: mean) and have tanh layers. Token kinds have gelu layers for each
    token. masked_lm has dense-gelu-LayerNorm layers, one by default. The initial weights come from
    N(0, initializer_range).
    """
    head: nn.Module
    if spec.kind == "masked_lm":
        head = MaskedLMHead(encoder, spec)
    elif spec.kind in POOLED:
        head = SequenceHead(encoder, spec)
    else:
        head = TokenHead(encoder, spec)
    return initialised(head, encoder)


class SequenceHead(nn.Module):
    """Computes logits (B, C) from pooled tokens; (B, 1) for multiple choice."""

    def __init__(self, encoder: Encoder, spec: HeadSpec) -> None:
        super().__init__()
        self.pool = Pooling(encoder, spec.pooling or MEAN)
        self.layers = hidden_layers(encoder, spec, nn.Tanh, self.pool.width)
        self.output = output_layer(encoder, spec, self.pool.width)

    def forward(self, outputs: Any, inputs: dict[str, Tensor]) -> Tensor:
        """The logits (B, C) from the encoder's output (B, T, H)."""
        logits: Tensor = self.output(self.layers(self.pool(outputs[0], inputs["attention_mask"])))
        return logits


class TokenHead(nn.Module):
    """Computes logits (B, T, C) for each token. For question answering C is 2: start and end."""

    def __init__(self, encoder: Encoder, spec: HeadSpec) -> None:
        super().__init__()
        self.layers = hidden_layers(encoder, spec, nn.GELU, encoder.hidden_size)
        self.output = output_layer(encoder, spec, encoder.hidden_size)

    def forward(self, outputs: Any, inputs: dict[str, Tensor]) -> Tensor:
        """The logits (B, T, C) from the encoder's output (B, T, H)."""
        logits: Tensor = self.output(self.layers(outputs[0]))
        return logits


class MaskedLMHead(nn.Module):
    """Computes logits (B, P, V) at ``inputs["positions"]``. The output matrix is the matrix of word embeddings."""

    def __init__(self, encoder: Encoder, spec: HeadSpec) -> None:
        super().__init__()
        hidden = encoder.hidden_size
        count = 1 if spec.layers is None else spec.layers
        self.dropout = nn.Dropout(0.0 if spec.dropout is None else spec.dropout)
        self.layers = nn.Sequential(
            *(nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden)) for _ in range(count))
        )
        self.tied: nn.Parameter = encoder.word_embeddings
        vocabulary, width = self.tied.shape
        self.project = nn.Identity() if width == hidden else nn.Linear(hidden, width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, outputs: Any, inputs: dict[str, Tensor]) -> Tensor:
        """The logits (B, P, V) from the encoder's output (B, T, H) and positions (B, P)."""
        chosen = gather_positions(outputs[0], inputs["positions"])
        return F.linear(self.project(self.layers(self.dropout(chosen))), self.tied, self.bias)


class Pooling(nn.Module):
    """Turns the real tokens into one vector: (B, T, H), mask (B, T) -> (B, W). Padding may be on either side.

    ``cls`` takes the first real token. In architectures that summarise at the end (XLNet) it takes the last one.

    Attributes:
        width: W, which is H, and 2 H for ``cls_mean``.
    """

    def __init__(self, encoder: Encoder, how: str) -> None:
        super().__init__()
        self.how = how
        self.at_end = encoder.summary_at_end
        self.width = encoder.hidden_size * len(parts_of(how))
        if how == "attention":
            self.score = nn.Linear(encoder.hidden_size, 1)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """The pooled vectors."""
        if self.how == "attention":
            return attend(self.score(hidden).squeeze(-1), hidden, mask)
        return pooled(self.how, hidden, mask, self.at_end)


def pooled(how: str, hidden: Tensor, mask: Tensor, at_end: bool = False) -> Tensor:
    """One vector of the real tokens, by a pooling without weights.

    Args:
        how: ``cls``, ``mean``, ``max``, or ``cls_mean``, which is the vectors of the first two one after the other.
            Where ``cls`` is the last token, the mean comes first: sentence-transformers has them in this order.
        hidden: (B, T, H) float.
        mask: (B, T); 0 for padding, which may be on either side.
        at_end: whether ``cls`` is the last real token, not the first.

    Returns:
        (B, H), or (B, 2 H) for ``cls_mean``, in the dtype of ``hidden``.
    """
    if how == CLS_MEAN:
        parts = reversed(parts_of(how)) if at_end else parts_of(how)
        return torch.cat([pooled(part, hidden, mask, at_end) for part in parts], dim=-1)
    if how == CLS:
        last = mask.shape[1] - 1 - mask.flip(1).argmax(1, keepdim=True)
        position = last if at_end else mask.argmax(1, keepdim=True)
        return gather_positions(hidden, position).squeeze(1)
    if how == "max":
        return hidden.masked_fill(mask.unsqueeze(-1) == 0, torch.finfo(hidden.dtype).min).amax(1)
    real = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * real).sum(1) / real.sum(1).clamp_min(1.0)


def parts_of(how: str) -> tuple[str, ...]:
    """The poolings whose vectors a pooling puts one after the other; most have one."""
    return (CLS, MEAN) if how == CLS_MEAN else (how,)


def attend(scores: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
    """The mean of ``memory`` (B, T, H), weighted by the softmax of ``scores`` (B, T) over the tokens of the mask.

    Args:
        scores: (B, T) float.
        memory: (B, T, H) float.
        mask: (B, T); 0 for tokens without weight.

    Returns:
        (B, H) in the dtype of ``memory``.
    """
    weights = torch.softmax(scores.float().masked_fill(mask == 0, -1e4), dim=-1).to(memory.dtype)
    return torch.bmm(weights.unsqueeze(1), memory).squeeze(1)


def dropout_of(encoder: Encoder, spec: HeadSpec) -> float:
    """The dropout of the spec; otherwise the architecture's dropout for heads, or for hidden states."""
    names = ("classifier_dropout", "classifier_dropout_prob", "hidden_dropout_prob", "dropout", "dropout_rate")
    found = [spec.dropout, *(getattr(encoder.config, name, None) for name in names)]
    return next((float(value) for value in found if isinstance(value, float | int)), 0.1)


def initialised(head: nn.Module, encoder: Encoder) -> nn.Module:
    """Draw the weights of linear maps from N(0, initializer_range) with torch's global generator. Biases are 0."""
    scale = getattr(encoder.config, "initializer_range", 0.02)
    for module in head.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, scale)
            nn.init.zeros_(module.bias)
    return head


def hidden_layers(encoder: Encoder, spec: HeadSpec, activation: Callable[[], nn.Module], width: int) -> nn.Sequential:
    """``layers`` layers (none by default) of one width, each with dropout before it and ``activation`` after it."""
    dropout = dropout_of(encoder, spec)
    return nn.Sequential(
        *(nn.Sequential(nn.Dropout(dropout), nn.Linear(width, width), activation()) for _ in range(spec.layers or 0))
    )


def output_layer(encoder: Encoder, spec: HeadSpec, width: int) -> nn.Sequential:
    """Dropout and the linear map from ``width`` features to the logits."""
    outputs = _WIDTHS.get(spec.kind, spec.num_labels)
    return nn.Sequential(nn.Dropout(dropout_of(encoder, spec)), nn.Linear(width, outputs))
