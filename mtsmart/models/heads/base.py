"""What every head is built from, and the table of head types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from mtsmart.models.encoder import Encoder
from mtsmart.registry import Registry

KINDS = ("sequence_classification", "multiple_choice", "token_classification", "question_answering", "masked_lm")


@dataclass(frozen=True)
class HeadSpec:
    """Everything that is needed to build a head again; it is stored beside the head's weights.

    Attributes:
        kind: what the head predicts, one of ``KINDS``.
        num_labels: C, the width of the logits; 0 for masked_lm, whose width is the encoder's vocabulary.
        type: entry of the head registry.
        dropout: None means the architecture's own.
        labels: names of the C outputs; None where they have none.
        layers: hidden layers (plain) or steps (san).
        pooling: how tokens become one vector, for the types that have a choice.
    """

    kind: str
    num_labels: int
    type: str = "native"
    dropout: float | None = None
    labels: list[str] | None = None
    layers: int | None = None
    pooling: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON mapping; ``HeadSpec(**mapping)`` gives an equal one."""
        return asdict(self)


HEADS: Registry[Callable[[Encoder, HeadSpec], nn.Module]] = Registry("head type", group="mtsmart.heads")
# Head type -> a check that raises ConfigError where a spec does not suit the type; types that take any spec have none.
HEAD_CHECKS: Registry[Callable[[HeadSpec], None]] = Registry("check of a head type")


def check_head(spec: HeadSpec) -> None:
    """Refuse a spec that does not suit its type of head; no encoder is needed for that.

    Raises:
        ConfigError: names the key below the task.
    """
    if spec.type in HEAD_CHECKS:
        HEAD_CHECKS[spec.type](spec)


def build_head(encoder: Encoder, spec: HeadSpec) -> nn.Module:
    """A freshly initialised head, drawn from torch's global generator.

    The module maps (encoder outputs, inputs) to float logits: (B, C) for sequence kinds, (B, 1) a candidate for
    multiple choice, (B, T, C) for token kinds, (B, T, 2) for question answering, and (B, P, V) for masked_lm, where
    ``inputs["positions"]`` (B, P) int64 are the tokens to predict.

    Raises:
        ConfigError: the spec does not suit the type of head.
    """
    check_head(spec)
    return HEADS[spec.type](encoder, spec)


def gather_positions(hidden: Tensor, positions: Tensor) -> Tensor:
    """(B, T, H) at positions (B, P) int64 -> (B, P, H)."""
    return hidden.gather(1, positions.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))
