"""Regularisers by name: the table that training reads, so that it knows none of them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mtsmart.config.regularization import resolve_mbpp, resolve_smart
from mtsmart.config.sections import RunConfig
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.registry import Registry
from mtsmart.regularizers.base import CleanPass, Regularizer
from mtsmart.regularizers.distillation import DistillationRegularizer
from mtsmart.regularizers.mbpp import MbppRegularizer
from mtsmart.regularizers.smart import SmartRegularizer
from mtsmart.task_types.base import TaskType

__all__ = ["REGULARIZERS", "CleanPass", "Regularizer", "Setting", "build_regularizers"]


@dataclass(frozen=True)
class Setting:
    """What a regulariser is built from."""

    model: MultiTaskModel
    tasks: Mapping[str, TaskType]
    config: RunConfig
    total_updates: int


REGULARIZERS: Registry[Callable[[Setting], Regularizer | None]] = Registry("regulariser")


@REGULARIZERS.register("smart")
def _smart(setting: Setting) -> Regularizer | None:
    configs = {name: resolve_smart(setting.config.smart, task.definition.smart) for name, task in setting.tasks.items()}
    return SmartRegularizer(setting.model, configs) if any(c.weight > 0 for c in configs.values()) else None


@REGULARIZERS.register("mbpp")
def _mbpp(setting: Setting) -> Regularizer | None:
    config = resolve_mbpp(setting.config.mbpp)
    return MbppRegularizer(setting.model, config, setting.total_updates) if config.weight > 0 else None


@REGULARIZERS.register("distillation")
def _distillation(setting: Setting) -> Regularizer | None:
    config = setting.config.distill
    if config is None or config.weight == 0:
        return None
    return DistillationRegularizer(config.weight, config.temperature)


def build_regularizers(setting: Setting) -> dict[str, Regularizer]:
    """The regularisers that the configuration switches on, by name."""
    built = {name: REGULARIZERS[name](setting) for name in REGULARIZERS}
    return {name: regularizer for name, regularizer in built.items() if regularizer is not None}
