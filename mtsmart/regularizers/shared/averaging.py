"""What methods share that score and keep an average of the weights instead of the weights themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import Field

from mtsmart.config.regularizers import MethodSettings
from mtsmart.regularizers.shared.base import STUDENT, Context, Regularizer

if TYPE_CHECKING:  # the configuration and the tables of sweeps read methods without torch
    from torch import Tensor

    from mtsmart.models.multitask import MultiTaskModel


class AveragingSettings(MethodSettings):
    """Settings of a method that averages weights."""

    keep: Literal["average", "better"] = Field(
        "average",
        description="whose weights are scored and kept as the run's model; better: whichever of the average and the "
        "model itself scores better",
    )


A = TypeVar("A", bound=AveragingSettings)


class Averaging(Regularizer[A], Generic[A]):
    """Offers an average of the weights to evaluations. A subclass moves ``average``.

    Until there is an average (``count`` is 0), the model itself is scored.

    Attributes:
        average: the averaged model, in evaluation mode.
        count: how many weights it is of.
    """

    def __init__(self, context: Context, settings: Mapping[str, A]) -> None:
        from mtsmart.regularizers.shared.teacher import MovingAverage

        super().__init__(context, settings)
        self.config = next(iter(settings.values()))
        self.average = MovingAverage(context.model)
        self.count = 0

    def candidates(self, models: dict[str, MultiTaskModel]) -> dict[str, MultiTaskModel]:
        """With the average, or the average instead of the model itself."""
        if self.count == 0:
            return models
        others = {name: model for name, model in models.items() if self.config.keep == "better" or name != STUDENT}
        return {**others, self.name: self.average.model}

    def add(self, model: MultiTaskModel) -> None:
        """Count the model's weights in a plain mean: m <- m + (w - m) / n."""
        self.count += 1
        self.average.follow(model, 1 - 1 / self.count)

    def start(self, model: MultiTaskModel, updates: int) -> None:
        """Nothing of what was before counts."""
        super().start(model, updates)
        self.average.copy(model)
        self.count = 0

    def tensors(self) -> dict[str, Tensor]:
        """The averaged weights."""
        return self.average.tensors()

    def state_dict(self) -> dict[str, Any]:
        """With the number of averaged weights."""
        return {**super().state_dict(), "count": self.count}

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Continue with the average of a resume point."""
        super().load_state(state, tensors)
        self.count = int(state["count"])
        self.average.load(tensors)
