"""Losses that count rare labels more, smooth labels, or count easy rows less: options of several task types."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

import datasets
import numpy as np
import torch
from pydantic import BeforeValidator, Field
from torch import Tensor

from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.losses import Criterion
from mtsmart.losses.criteria import FOCAL_GAMMA
from mtsmart.task_types.interface.base import TaskOptions, TaskType, loss_of
from mtsmart.task_types.interface.learns_from_labels import LearnsFromLabels, Numbers
from mtsmart.task_types.shared.labels import Kind, LabelNames


def _with_text_keys(value: Any) -> Any:
    """YAML reads a label such as 1 or true as a number or a truth value."""
    if not isinstance(value, Mapping):
        return value
    return {str(key).lower() if isinstance(key, bool) else str(key): weight for key, weight in value.items()}


class ClassWeightOptions(TaskOptions):
    """How much each label counts in the loss."""

    of_loss = ("class_weights", "label_smoothing", "gamma")

    class_weights: Annotated[Literal["balanced"] | dict[str, float] | None, BeforeValidator(_with_text_keys)] = Field(
        None,
        description="label -> its weight in the loss, 1 for labels that are not named; balanced: weights that make all "
        "labels of the training rows count alike",
    )


class LossOptions(ClassWeightOptions):
    """How much each label counts in the loss, and what else the loss does."""

    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of each gold label that is spread over all labels evenly"
    )
    gamma: float | None = Field(
        None, ge=0, description=f"how much less the focal loss counts rows that are right; null: {FOCAL_GAMMA:g}"
    )


class WeighsLabels(LearnsFromLabels, TaskType):
    """A task type whose options have ``class_weights``, for labels (...,) int64 or sets of labels (..., C).

    Balanced weights are those of the training rows when the run began.

    Attributes:
        options: a subclass of :class:`ClassWeightOptions`.
    """

    options: ClassWeightOptions
    _balanced: dict[str, float] | None = None

    @abstractmethod
    def count_each(self, features: datasets.Dataset) -> tuple[Sequence[float], float]:
        """How many training rows, tokens or candidates have each of the C labels, and how many there are."""

    def balanced_weight(self, count: float, total: float, present: int) -> float:
        """The weight of a label that ``count`` of ``total`` rows have, of ``present`` labels: as scikit-learn's."""
        return total / (present * count)

    def check_loss_options(self, smoothed: str, focal: str) -> None:
        """Refuse options that do not fit the labels or the loss.

        Args:
            smoothed: the only loss that smooths labels.
            focal: the only loss with a gamma.

        Raises:
            ConfigError: names the option.
        """
        options = self.options
        weights = options.class_weights
        for name, weight in weights.items() if isinstance(weights, dict) else ():
            key = f"{self.name}.options.class_weights"
            if name not in self.labels:
                kind, place = LabelNames(self.labels).meaning(name)
                hint = did_you_mean(self.labels[place] if kind is Kind.NAME else name, self.labels)
                raise ConfigError("is not one of the task's labels", key=key, value=name, hint=hint)
            if weight <= 0:
                raise ConfigError("should be above 0", key=f"{key}.{name}", value=weight)
        if not isinstance(options, LossOptions):
            return
        loss = loss_of(self)
        for option, is_set, needed in (
            ("label_smoothing", options.label_smoothing > 0, smoothed),
            ("gamma", options.gamma is not None, focal),
        ):
            if is_set and loss != needed:
                hint = f"Say loss: {needed}, or leave it out"
                raise ConfigError(f"does not go with loss '{loss}'", key=f"{self.name}.options.{option}", hint=hint)

    def with_gamma(self, criterion: Criterion, focal: Callable[..., Tensor]) -> Criterion:
        """The criterion, with the user's gamma if it is the focal loss."""
        gamma = self.options.gamma if isinstance(self.options, LossOptions) else None
        return criterion if gamma is None or criterion is not focal else partial(focal, gamma=gamma)

    def label_weights(self, device: torch.device | str = "cpu") -> Tensor | None:
        """(C,) float32: the weight of each label; None if they count alike."""
        given = self.options.class_weights
        weights = self._balanced if given == "balanced" else given
        if not weights:
            return None
        return torch.tensor([weights.get(label, 1.0) for label in self.labels], dtype=torch.float32, device=device)

    # Balanced weights ---------------------------------------------------------------------------------------------

    def learn(self, features: datasets.Dataset) -> None:
        """Count the labels of the training rows, if the weights are to be balanced."""
        if self.options.class_weights != "balanced":
            return
        counts, total = self.count_each(features)
        present = int(np.count_nonzero(np.asarray(counts)))
        weights = [self.balanced_weight(float(count), float(total), present) if count else 1.0 for count in counts]
        self._balanced = dict(zip(self.labels, weights, strict=True))

    def learnt(self) -> dict[str, float]:
        """Label -> its balanced weight; empty if the weights are the user's own."""
        return dict(self._balanced or {})

    def use(self, numbers: Numbers) -> None:
        """Use balanced weights of an interrupted run, unless that had none or other labels."""
        if self.options.class_weights == "balanced" and set(numbers) == set(self.labels):
            self._balanced = dict(numbers)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """sum(weights * values) / sum(weights), a scalar; 0 if all weights are 0."""
    return (weights * values).sum() / weights.sum().clamp_min(torch.finfo(torch.float32).tiny)
