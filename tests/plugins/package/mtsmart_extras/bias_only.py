"""``encoder.bias_only``: of the encoder, only the biases are trained.

Ben Zaken et al. 2022, "BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked Language-models".
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from mtsmart.models.encoder import Encoder
from mtsmart.models.transforms import TRANSFORMS, Order, Transform


@TRANSFORMS.register("bias_only")
class BiasOnly(Transform[bool]):
    """Freezes all weights of the encoder that are no biases."""

    settings_type: ClassVar[Any] = Annotated[bool, Field(description="train only the biases of the encoder")]
    order = Order.FREEZE

    @classmethod
    def expand(cls, value: Any) -> Any:
        """False is the same as nothing."""
        return None if value is False else value

    def apply(self, encoder: Encoder) -> None:
        """Freeze what is no bias. Weights that the checkpoint lacks stay trained: frozen, they would stay random."""
        for name, parameter in encoder.model.named_parameters():
            if not name.endswith("bias") and name not in encoder.drawn:
                parameter.requires_grad_(False)
