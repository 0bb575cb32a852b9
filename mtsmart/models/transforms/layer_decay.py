"""``encoder.layer_decay``: the lower a layer of the encoder is, the lower is its learning rate.

Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text Classification", section 3.2 (discriminative
fine-tuning); Clark et al. 2020, "ELECTRA", appendix B.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from mtsmart.errors import CheckpointError, warn
from mtsmart.models.encoder import Encoder
from mtsmart.models.transforms import TRANSFORMS, Order, Transform
from mtsmart.models.weights import trained

_BELOW = "embed"  # a part of the names of what feeds the first layer


@TRANSFORMS.register("layer_decay")
class LayerDecay(Transform[float]):
    """Multiplies the learning rate of layer l of L, counted from 0, by ``settings`` ** (L - l).

    The embeddings, and all else that stands before the layers, get the factor ``settings`` ** (L + 1). The pooler, what
    else follows the layers, and the heads keep the full rate. An adapter has the rate of its layer.
    """

    settings_type: ClassVar[Any] = Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="each layer learns at this many times the rate of the layer above it; the last layer at this "
            "many times the rate of heads and pooler, the embeddings at this many times that of the first layer; 0.9 "
            "is usual; null or 1: all at one rate",
        ),
    ]
    order = Order.RATES

    @classmethod
    def expand(cls, value: Any) -> Any:
        """1 is the same as nothing."""
        return None if isinstance(value, int | float) and not isinstance(value, bool) and value == 1 else value

    @classmethod
    def summary(cls, settings: float) -> str:
        """How the rate falls."""
        return f"each layer learns at {settings:g} times the rate of the layer above it"

    def apply(self, encoder: Encoder) -> None:
        """Note the factors in ``encoder.rate_factors``. See :class:`Transform`.

        Raises:
            CheckpointError: the layers share their weights.
        """
        if encoder.layers is None:
            message = f"does not go with {type(encoder.model).__name__}, whose layers share their weights"
            raise CheckpointError(message, key="encoder.layer_decay", value=self.settings, hint="Leave the key out")
        encoder.rate_factors = self._factors(encoder)
        if not encoder.rate_factors.keys() & trained(encoder).keys():
            text = "encoder.layer_decay has no effect, because no layer of the encoder is trained"
            warn(text)

    def _factors(self, encoder: Encoder) -> dict[str, float]:
        layers = list(encoder.layers or [])
        places = {parameter: number for number, layer in enumerate(layers) for parameter in layer.parameters()}
        factors = {}
        reached = False
        for name, parameter in encoder.named_parameters():
            place = places.get(parameter)
            if place is not None:
                reached = True
                factors[name] = self.settings ** (len(layers) - place)
            elif not reached or _BELOW in name:
                factors[name] = self.settings ** (len(layers) + 1)
        return factors
