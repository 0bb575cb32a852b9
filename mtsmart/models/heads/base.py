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
    """All that is needed to build a head again; stored beside its weights.

    Attributes:
        kind: what the head predicts, one of ``KINDS``.
        num_labels: C, width of the logits; for masked_lm 0: the encoder's vocabulary says it.
        type: entry of the head registry.
        dropout: None leaves the architecture's own.
        labels: names of the C outputs; None where they have none.
        layers: hidden layers (plain) or steps (san).
        pooling: how tokens become one vector, for types that choose.
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


HEADS: Registry[Callable[[Encoder, HeadSpec], nn.Module]] = Registry("head type")
HEAD_CHECKS: Registry[Callable[[HeadSpec], None]] = Registry("check of a head type")  # of types that not all fits


def check_head(spec: HeadSpec) -> None:
    """Refuse a form that the type of head does not have; needs no encoder.

    Raises:
        ConfigError: names the key below the task.
    """
    if spec.type in HEAD_CHECKS:
        HEAD_CHECKS[spec.type](spec)


def build_head(encoder: Encoder, spec: HeadSpec) -> nn.Module:
    """A freshly initialised head, drawn from torch's global generator.

    The module maps (encoder outputs, inputs) to float logits: (B, C) for sequence kinds, (B, 1) a candidate for
    multiple choice, (B, T, C) for token kinds, (B, T, 2) for question answering, and (B, P, V) for masked_lm, where
    ``inputs["positions"]`` (B, P) int64 says which tokens to predict.

    Raises:
        ConfigError: the type of head does not have this form.
    """
    check_head(spec)
    return HEADS[spec.type](encoder, spec)


def gather_positions(hidden: Tensor, positions: Tensor) -> Tensor:
    """(B, T, H) at positions (B, P) int64 -> (B, P, H)."""
    return hidden.gather(1, positions.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))
