"""A head that reads the first token alone."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mtsmart.models.encoder import Encoder
from mtsmart.models.heads import HEADS, HeadSpec


@HEADS.register("first_token")
class FirstTokenHead(nn.Module):
    """One linear map from the first token to the logits (B, C)."""

    def __init__(self, encoder: Encoder, spec: HeadSpec) -> None:
        super().__init__()
        self.output = nn.Linear(encoder.hidden_size, spec.num_labels)

    def forward(self, outputs: Any, inputs: dict[str, Tensor]) -> Tensor:
        """(B, C) from the encoder's (B, T, H)."""
        logits: Tensor = self.output(outputs[0][:, 0])
        return logits
