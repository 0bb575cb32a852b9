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


def with_average(
    models: Mapping[str, MultiTaskModel], name: str, average: MultiTaskModel, keep: str
) -> dict[str, MultiTaskModel]:
    """The models that an evaluation scores, with an average of the weights.

    Args:
        models: those so far, by name.
        name: that of the average.
        average: the averaged model.
        keep: ``better`` leaves the model itself among them; anything else puts the average in its place.
    """
    others = {other: model for other, model in models.items() if keep == "better" or other != STUDENT}
    return {**others, name: average}


A = TypeVar("A", bound=AveragingSettings)


class Averaging(Regularizer[A], Generic[A]):
    """Offers an average of the weights to evaluations. A subclass moves ``average``.

    Until there is an average (``count`` is 0), the model itself is scored. A subclass that stores more weights than
    those of ``average`` extends ``head_rests``, so that no old head comes back from there.

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
        return with_average(models, self.name, self.average.model, self.config.keep)

    def add(self, model: MultiTaskModel) -> None:
        """Count the model's weights in a plain mean: m <- m + (w - m) / n."""
        self.count += 1
        self.average.follow(model, 1 - 1 / self.count)

    def start(self, model: MultiTaskModel, updates: int) -> None:
        """Nothing of what was before counts."""
        super().start(model, updates)
        self.average.copy(model)
        self.count = 0

    def head_rests(self, head: Mapping[str, Tensor]) -> None:
        """The average has this head, too, and keeps it, because the model's own head is the same from now on."""
        self.average.replace(head)

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
