"""The error of an extension that gives something else than it must."""

from __future__ import annotations

from typing import Any

from mtsmart.errors import TrainingError
from mtsmart.registry.titles import title_of
from mtsmart.text.counts import counted


def wrong_result(
    entry: Any, what: str, hint: str, *, hook: str | None = None, task: str | None = None
) -> TrainingError:
    """The error, which names the extension and its package. Its title is looked for only when there is an error.

    Args:
        entry: the registered class or function.
        what: what it gave, such as ``gives None``.
        hint: what it must give.
        hook: the method that gave it; None where the extension is a function.
        task: the task for which it was asked.
    """
    details = [part for part in (hook, f"task {task}" if task else None) if part]
    where = f" ({', '.join(details)})" if details else ""
    return TrainingError(f"{title_of(entry)}{where}: {what}", hint=hint)


def wrong_count(values: Any, noun: str, count: int, of: str) -> str | None:
    """What is wrong with a series that must have one item for each of several things; None: nothing.

    Args:
        values: what was given.
        noun: one item of it.
        count: how many things there are.
        of: one of them.
    """
    if not hasattr(values, "__len__"):
        return f"gives {form_of(values)} for {counted(count, of)}"
    return None if len(values) == count else f"gives {counted(len(values), noun)} for {counted(count, of)}"


def form_of(value: Any) -> str:
    """What a wrong result is: of which shape a tensor or array is, or else of which type."""
    shape = getattr(value, "shape", None)
    kind = "None" if value is None else f"of the type {type(value).__name__}"
    return kind if shape is None else f"{kind} and of shape {tuple(shape)}"
