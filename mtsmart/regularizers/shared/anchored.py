"""What methods share that work on the pretrained weights, and that remember those of the start of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mtsmart.regularizers.shared.base import Context, Regularizer, S

if TYPE_CHECKING:  # the configuration and the tables of sweeps read methods without torch
    from torch import Tensor, nn

    from mtsmart.models.multitask import MultiTaskModel


class OnPretrained(Regularizer[S]):
    """Works on the weights of the pretrained encoder.

    Attributes:
        config: the settings, which are the same for all tasks.
    """

    def __init__(self, context: Context, settings: Mapping[str, S]) -> None:
        super().__init__(context, settings)
        self.config = next(iter(settings.values()))

    @classmethod
    def reason_idle(cls, context: Context) -> str | None:
        """The encoder is frozen."""
        from mtsmart.regularizers.shared.pretrained import reason_without

        return reason_without(context.model)


class Anchored(OnPretrained[S]):
    """Works on pretrained weights w, and keeps their values w0 at the start of a new run.

    Attributes:
        first: w0 by name.
    """

    def __init__(self, context: Context, settings: Mapping[str, S]) -> None:
        from mtsmart.regularizers.shared.pretrained import Start

        super().__init__(context, settings)
        self.first = Start(self.chosen(context.model))

    def chosen(self, model: MultiTaskModel) -> dict[str, nn.Parameter]:
        """The weights that the method works on: all pretrained ones, unless a subclass takes some of them."""
        from mtsmart.regularizers.shared.pretrained import pretrained

        return pretrained(model)

    def weights(self, model: MultiTaskModel) -> dict[str, nn.Parameter]:
        """The same, found by the names of the start."""
        from mtsmart.regularizers.shared.pretrained import named

        return named(model, self.first.tensors())

    def start(self, model: MultiTaskModel, updates: int) -> None:
        """A new run's weights may have changed since they were loaded; a resumed run keeps the loaded ones."""
        super().start(model, updates)
        if updates == 0:
            self.first.follow(self.weights(model))

    def tensors(self) -> dict[str, Tensor]:
        """The weights of the start."""
        return self.first.tensors()

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Continue with the start of the interrupted run."""
        super().load_state(state, tensors)
        self.first.load(tensors)
