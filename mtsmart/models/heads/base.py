"""The description from which each head is built, and the registry of head types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from mtsmart.errors import ConfigError
from mtsmart.models.encoder import Encoder
from mtsmart.registry import Registry

KINDS = ("sequence_classification", "multiple_choice", "token_classification", "question_answering", "masked_lm")


@dataclass(frozen=True)
class HeadSpec:
    """All values from which a head can be built again. They are stored beside the head's weights.

    Attributes:
        kind: the kind of prediction, one of ``KINDS``.
        num_labels: C, the width of the logits; 0 for masked_lm, whose width is the size of the encoder's vocabulary.
        type: the name of the head type in the registry.
        dropout: the head's dropout; None means that of the architecture.
        labels: the names of the C outputs; None if they have no names.
        layers: the number of hidden layers (plain) or steps (san).
        pooling: how tokens become one vector, for head types with several poolings.
        windows: how the logits of the windows of a long text become one row; None if the task reads no windows.
    """

    kind: str
    num_labels: int
    type: str = "native"
    dropout: float | None = None
    labels: list[str] | None = None
    layers: int | None = None
    pooling: str | None = None
    windows: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON mapping. ``HeadSpec(**mapping)`` gives an equal object."""
        return asdict(self)


HEADS: Registry[Callable[[Encoder, HeadSpec], nn.Module]] = Registry(
    "head type", group="mtsmart.heads", needs=["__call__"]
)
HEADS_OF_PAIRS: set[str] = set()
"""The head types that read ``inputs["segments"]`` (B, T) int64: which text of a pair each token belongs to."""
FIRST = 1
"""The segment of tokens of the first text; special tokens and padding have 0."""
SECOND = 2
"""The segment of tokens of the second text."""
# Head type -> a check that raises ConfigError if a spec does not suit the type. Types that accept any spec have none.
HEAD_CHECKS: Registry[Callable[[HeadSpec], None]] = Registry("check of a head type")


def check_head(spec: HeadSpec) -> None:
    """Refuse a spec that does not suit its head type. The check needs no encoder.

    Raises:
        ConfigError: the spec does not suit the type. The error names the key below the task.
    """
    if spec.type in HEAD_CHECKS:
        HEAD_CHECKS[spec.type](spec)


def build_head(encoder: Encoder, spec: HeadSpec) -> nn.Module:
    """A new head. Its initial weights come from torch's global generator.

    The module maps (encoder outputs, inputs) to float logits: (B, C) for sequence kinds, (B, 1) for the candidates of
    multiple choice (one row each), (B, T, C) for token kinds, (B, T, 2) for question answering, and (B, P, V) for
    masked_lm, where ``inputs["positions"]`` (B, P) int64 are the tokens that the head predicts.

    Raises:
        ConfigError: the spec does not suit the head type.
    """
    check_head(spec)
    return HEADS[spec.type](encoder, spec)


def check_kind_of_pairs(spec: HeadSpec) -> None:
    """Refuse a head of pairs for a kind of prediction that is not about a whole input.

    Raises:
        ConfigError: the kind is another one.
    """
    if spec.kind != "sequence_classification":
        message = f"is for pairs of texts and does not go with {spec.kind}"
        raise ConfigError(message, key="head.type", value=spec.type)


def segments_of(inputs: Mapping[str, Tensor], head_type: str) -> Tensor:
    """Which text each token belongs to: (B, T) int64, 1 for the first text, 2 for the second and 0 for all others.

    Raises:
        ConfigError: the task does not say which tokens belong to which text.
    """
    if "segments" not in inputs:
        raise ConfigError("this task type does not distinguish two texts", key="head.type", value=head_type)
    return inputs["segments"]


def gather_positions(hidden: Tensor, positions: Tensor) -> Tensor:
    """Select the vectors at some positions: (B, T, H) and positions (B, P) int64 -> (B, P, H)."""
    return hidden.gather(1, positions.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))
