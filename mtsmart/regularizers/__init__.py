"""Regularisers by name: the table that training reads, so that it knows none of them by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mtsmart.config.regularization import MbppSettings, SmartSettings, resolve_mbpp, resolve_smart
from mtsmart.config.sections import RunConfig
from mtsmart.errors import MtsmartWarning
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.registry import Registry
from mtsmart.regularizers.base import CleanPass, Regularizer
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
    shared = setting.config.smart
    configs = {name: resolve_smart(shared, task.definition.smart) for name, task in setting.tasks.items()}
    _tell_if_unused("smart", shared, resolve_smart(shared).weight)
    for name, task in setting.tasks.items():
        _tell_if_unused(f"tasks.{name}.smart", task.definition.smart, configs[name].weight)
    for every in {config.every for config in configs.values() if config.weight > 0}:
        _tell_if_never("smart.every", every, setting.total_updates)
    return SmartRegularizer(setting.model, configs) if any(c.weight > 0 for c in configs.values()) else None


@REGULARIZERS.register("mbpp")
def _mbpp(setting: Setting) -> Regularizer | None:
    config = resolve_mbpp(setting.config.mbpp)
    _tell_if_unused("mbpp", setting.config.mbpp, config.weight)
    if config.weight == 0:
        return None
    _tell_if_never("mbpp.every", config.every, setting.total_updates)
    return MbppRegularizer(setting.model, config, setting.total_updates)


def _tell_if_unused(section: str, settings: SmartSettings | MbppSettings | None, weight: float) -> None:
    given = settings.model_dump(exclude_none=True, exclude={"preset", "weight"}) if settings and weight == 0 else {}
    for key, value in given.items():
        text = f"{section}.{key}={value}: has no effect, because {section} is off; {section}.weight=1 switches it on"
        warnings.warn(text, MtsmartWarning, stacklevel=2)


def _tell_if_never(key: str, every: int, updates: int) -> None:
    if every > updates:
        text = f"{key}={every}: the run has only {updates} updates, so the term is never added"
        warnings.warn(text, MtsmartWarning, stacklevel=2)


def build_regularizers(setting: Setting) -> dict[str, Regularizer]:
    """The regularisers that the configuration switches on, by name."""
    built = {name: REGULARIZERS[name](setting) for name in REGULARIZERS}
    return {name: regularizer for name, regularizer in built.items() if regularizer is not None}
