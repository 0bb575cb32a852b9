"""Describes the task types in text, from the code itself."""

from __future__ import annotations

import inspect
from typing import Any

from mtsmart.losses import CRITERIA, DIVERGENCES
from mtsmart.metrics import METRICS
from mtsmart.registry import Registry
from mtsmart.reporting.shown import default_of
from mtsmart.task_types import TASK_TYPES


def types_table() -> str:
    """A line for each task type."""
    width = max(map(len, TASK_TYPES))
    return "\n".join(f"{name:<{width}}  {_first_line(inspect.getmodule(TASK_TYPES[name]))}" for name in TASK_TYPES)


def describe_type(name: str) -> str:
    """One task type: its description, options, losses, divergences and metrics. The default of each comes first.

    Raises:
        ConfigError: there is no such type.
    """
    kind = TASK_TYPES[name]
    lines = [f"{name}: {inspect.getdoc(inspect.getmodule(kind))}", "", inspect.getdoc(kind) or "", ""]
    parts: tuple[tuple[str, Registry[Any], tuple[str, ...]], ...] = (
        ("loss", CRITERIA, (*kind.losses, *CRITERIA.fitting(name))),
        ("adv_loss, prox_loss, kd_loss", DIVERGENCES, (*kind.divergences, *DIVERGENCES.fitting(name))),
        ("metrics", METRICS, (*kind.metrics, *METRICS.fitting(name))),
    )
    for key, registry, entries in parts:
        lines.append(f"{key} (the first is the default):")
        lines += [f"  {entry}: {_first_line(registry[entry])}" for entry in entries]
    if kind.Options.model_fields:
        lines.append("options:")
    for option, field in kind.Options.model_fields.items():
        lines.append(f"  {option}: {field.description or ''} ({default_of(field)})")
    return "\n".join(lines)


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]
