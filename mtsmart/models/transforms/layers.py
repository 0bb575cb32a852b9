"""``encoder.layers``: a smaller encoder, made of some of the layers of a pretrained one."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field
from torch import nn

from mtsmart.errors import CheckpointError
from mtsmart.models.encoder import Encoder
from mtsmart.models.transforms import TRANSFORMS, Order, Transform
from mtsmart.text.counts import counted

_PLACES = ("encoder.layer", "transformer.layer", "layer")  # where architectures keep layers that are all alike


@TRANSFORMS.register("layers")
class KeepLayers(Transform[int]):
    """Keeps ``settings`` of the layers, evenly spaced up to the last; 3 of 6 are the second, fourth and sixth."""

    settings_type: ClassVar[Any] = Annotated[
        int, Field(ge=1, description="keep this many of its layers, evenly spaced up to the last; null: all")
    ]
    order = Order.LAYERS

    @classmethod
    def summary(cls, settings: int) -> str:
        """How many layers stay."""
        return f"{settings} of its layers {'is' if settings == 1 else 'are'} kept"

    def apply(self, encoder: Encoder) -> None:
        """See :class:`Transform`.

        Raises:
            CheckpointError: the encoder has fewer layers, or they are not alike (ALBERT has only one, T5's first layer
                holds what all need, ModernBERT's layers take turns).
        """
        count = self.settings
        place = self._place(encoder)
        layers = list(encoder.model.get_submodule(place).children())
        if count > len(layers):
            message = f"the encoder has only {counted(len(layers), 'layer')}"
            raise CheckpointError(message, key="encoder.layers", value=count)
        kept = [-(-(number + 1) * len(layers) // count) - 1 for number in range(count)]
        encoder.model.set_submodule(place, nn.ModuleList(layers[index] for index in kept))
        encoder.config.num_hidden_layers = count

    def _place(self, encoder: Encoder) -> str:
        modules = dict(encoder.model.named_modules())
        place = next((name for name in _PLACES if isinstance(modules.get(name), nn.ModuleList)), None)
        if place is None:
            raise CheckpointError(
                f"cannot lose layers: its architecture is not known ({type(encoder.model).__name__})",
                key="encoder.layers",
                value=self.settings,
                hint="Known are BERT, RoBERTa, DistilBERT, ELECTRA, MPNet, DeBERTa, XLNet and what is built like them",
            )
        return place
