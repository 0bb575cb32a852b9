"""``encoder.freeze``: parts of the encoder that keep their pretrained weights while the rest is trained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from torch import nn

from mtsmart.errors import CheckpointError
from mtsmart.models.encoder import Encoder
from mtsmart.models.transforms import TRANSFORMS, Order, Transform
from mtsmart.text.counts import counted


@TRANSFORMS.register("freeze")
class Freeze(Transform[int | Literal["all", "embeddings"]]):
    """Freezes the whole encoder, its embeddings, or its embeddings and the first ``settings`` layers.

    Frozen tensors get no gradient, take no memory in the optimizer and in resume points, and an averaging teacher
    shares them.
    """

    settings_type: ClassVar[Any] = Annotated[
        Annotated[int, Field(ge=1, title="a number of layers")] | Literal["all", "embeddings"],
        Field(
            description="what is not trained. embeddings: word, position and type embeddings; a number n: these and "
            "the first n layers; all: the whole encoder, so that only heads are trained; null: nothing"
        ),
    ]
    order = Order.FREEZE

    @classmethod
    def summary(cls, settings: int | Literal["all", "embeddings"]) -> str:
        """What is not trained."""
        if settings == "all":
            return "the whole encoder is not trained"
        if settings == "embeddings":
            return "the embeddings are not trained"
        layers = "layer" if settings == 1 else f"{settings} layers"
        return f"the embeddings and the first {layers} are not trained"

    def apply(self, encoder: Encoder) -> None:
        """See :class:`Transform`.

        Raises:
            CheckpointError: the encoder has fewer layers, or its layers share their weights.
        """
        for module in self._modules(encoder):
            module.requires_grad_(False)
        for name, parameter in encoder.model.named_parameters():
            if name in encoder.drawn:  # a pooler that the checkpoint lacks: frozen, it would stay random
                parameter.requires_grad_(True)

    def _modules(self, encoder: Encoder) -> Iterable[nn.Module]:
        if self.settings == "all":
            return [encoder.model]
        # An architecture may hold the lookup table outside of its embeddings module.
        embeddings = [encoder.embeddings, encoder.model.get_input_embeddings()]
        return embeddings if self.settings == "embeddings" else [*embeddings, *self._first_layers(encoder)]

    def _first_layers(self, encoder: Encoder) -> Iterable[nn.Module]:
        count = int(self.settings)
        layers = encoder.layers
        if layers is None:
            message = f"cannot be a number here: the layers of {type(encoder.model).__name__} share their weights"
            raise CheckpointError(message, key="encoder.freeze", value=count, hint="Use 'embeddings' or 'all'")
        if count > len(layers):
            message = f"the encoder has only {counted(len(layers), 'layer')}"
            raise CheckpointError(message, key="encoder.freeze", value=count)
        return layers[:count]
