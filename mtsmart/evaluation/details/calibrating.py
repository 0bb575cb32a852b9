"""Temperatures: fitted on the outputs for a labelled split, and applied to predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from mtsmart.evaluation.details.parts import Calibration
from mtsmart.metrics.calibration import fit_temperature, reliability
from mtsmart.task_types import Outputs, TaskType
from mtsmart.task_types.details.interface import HasProbabilities

_PREDICTION = "prediction"


def divided(outputs: Outputs, temperature: float) -> Outputs:
    """The outputs with logits that are divided by a temperature.

    They are float64, in which different float32 numbers stay different, so that no decision changes by rounding.
    """
    return Outputs([row.double() / temperature for row in outputs.logits], outputs.features)


def calibration_of(task: TaskType, outputs: Outputs, references: Sequence[Any]) -> Calibration | None:
    """The temperature of a task and what it changes; None if the task has no probabilities, or there are no rows.

    Args:
        task: the task.
        outputs: the model's outputs for a labelled split.
        references: the gold values of the split.
    """
    if not isinstance(task, HasProbabilities) or not len(references):
        return None
    kind = task

    def loss(temperature: float) -> float:
        return float(np.mean(kind.costs(divided(outputs, temperature), references)))

    temperature = fit_temperature(loss)
    return Calibration(
        temperature,
        loss(1.0),
        loss(temperature),
        reliability(*kind.events(divided(outputs, 1.0), references)),
        reliability(*kind.events(divided(outputs, temperature), references)),
    )


def described(
    task: TaskType, outputs: Outputs, tokenizer: PreTrainedTokenizerBase, temperature: float | None
) -> list[dict[str, Any]]:
    """What ``task.describe`` gives, with the probabilities of a temperature. The predictions are the same as without.

    Args:
        task: a task, which has probabilities if there is a temperature.
        outputs: the model's outputs.
        tokenizer: the encoder's.
        temperature: divides all logits; None: they stay as they are.
    """
    plain = task.describe(outputs, tokenizer)
    if temperature is None:
        return plain
    calibrated = task.describe(divided(outputs, temperature), tokenizer)
    return [{**row, _PREDICTION: before[_PREDICTION]} for row, before in zip(calibrated, plain, strict=True)]
