"""The seam from the losses of an update to its gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from torch import Tensor, nn

from mtsmart.config.weightings import WEIGHTINGS, WeightingConfig, WeightingMethod, WeightingSettings
from mtsmart.errors import ConfigError
from mtsmart.task_types import TaskType

S = TypeVar("S", bound=WeightingSettings)


@dataclass(frozen=True)
class BatchLoss:
    """The objective of one batch.

    Attributes:
        task: the batch's task.
        objective: w_k * (L_k + the terms of the regularisers), a scalar, part of the graph.
    """

    task: str
    objective: Tensor


class Losses(Protocol):
    """The losses of one update's batches. Each is computed when it is asked for, and its graph lives until then.

    Attributes:
        again: whether the update's losses have been computed before. A regulariser may ask for them once more, with
            other weights of the model. A weighting that remembers losses remembers those of the first time alone.
    """

    again: bool

    def __len__(self) -> int:
        """How many batches the update has."""

    def __iter__(self) -> Iterator[BatchLoss]:
        """One loss after the other."""

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a scalar to those of the parameters."""

    def parameters(self) -> Sequence[nn.Parameter]:
        """What is trained."""

    def averaged(self, gradients: Tensor) -> Tensor:
        """The mean of a tensor over the processes that share the batches."""


@dataclass(frozen=True)
class WeightingContext:
    """The run that a weighting works in.

    Attributes:
        tasks: names of the trained tasks.
        total_updates: the length of training.
        updates_per_epoch: the length of an epoch.
        task_types: task -> its type.
    """

    tasks: Sequence[str]
    total_updates: int
    updates_per_epoch: int = 1
    task_types: Mapping[str, TaskType] = field(default_factory=dict)


class Weighting(WeightingMethod, nn.Module, ABC, Generic[S]):
    """One way to make one gradient of the losses of an update's batches.

    Parameters of this module are learnt: they get an optimizer group of their own, without weight decay, and a place
    in resume points.

    Args:
        context: the run.
        settings: the weighting's settings.

    Attributes:
        needs_rounds: whether each update must hold one batch of each task (``mixing.strategy: rounds``).
        needs_task_gradients: whether the gradients of each batch are needed apart, which several processes must not
            add up on their own, and which a sharded run does not have.
        learning_rate_factor: factor of the learning rate of the weighting's own parameters.
    """

    needs_rounds: ClassVar[bool] = False
    needs_task_gradients: ClassVar[bool] = False
    learning_rate_factor: float = 1.0

    def __init__(self, context: WeightingContext, settings: S) -> None:
        super().__init__()
        self.context = context
        self.settings = settings

    @abstractmethod
    def combine(self, losses: Losses) -> None:
        """Leave the update's gradients in the parameters.

        It goes over the losses once, and calls ``losses.backward`` with each of them, or with what it makes of several.
        An update without any gradient is refused.
        """

    @abstractmethod
    def factor(self, task: str, batches: int) -> float:
        """What ``combine`` multiplies the objective of a task's batch by, in an update of so many batches.

        Regularisers that differentiate inside the forward pass multiply by it too.
        """

    @classmethod
    def summary(cls, settings: Any) -> str:
        """A few words on the weighting with these settings, for a run's card and for the console."""
        return str(settings)

    @classmethod
    def check_installed(cls) -> None:
        """Refuse the weighting where a library that it needs is not installed.

        Raises:
            ConfigError: says how it is installed.
        """

    def notices(self, parameters: Sequence[nn.Parameter], batches: int) -> list[str]:
        """What the user is told before training.

        Args:
            parameters: what is trained.
            batches: those of an update.
        """
        return []

    def measure(self) -> dict[str, float]:
        """Figures of the weighting, computed when a line is logged (this may wait for the device)."""
        return {}


def check_weighting(config: WeightingConfig, in_rounds: bool, sharded: bool) -> None:
    """Refuse a weighting that the rest of an experiment does not go with.

    Args:
        config: names the weighting.
        in_rounds: whether each update holds one batch of each task.
        sharded: whether several processes each keep a part of the weights.

    Raises:
        ConfigError: names the key.
    """
    method = cast(type[Weighting[Any]], WEIGHTINGS[config.name])
    if method.needs_rounds and not in_rounds:
        hint = "Say mixing.strategy=rounds"
        raise ConfigError("needs a batch of each task in every update", key="weighting", value=config.name, hint=hint)
    if method.needs_task_gradients and sharded:
        hint = "Leave training.shard out"
        raise ConfigError("does not go with sharded weights", key="weighting", value=config.name, hint=hint)
    method.check_installed()


def summary_of_weighting(config: WeightingConfig) -> str:
    """One short text: the weighting's name, and what it says about its settings."""
    method = cast(type[Weighting[Any]], WEIGHTINGS[config.name])
    return ": ".join(filter(None, ["weighting", config.name, method.summary(config.settings)]))


def build_weighting(config: WeightingConfig, context: WeightingContext) -> Weighting[Any]:
    """The weighting that a configuration names."""
    method = cast(type[Weighting[Any]], WEIGHTINGS[config.name])
    return method(context, config.settings)
