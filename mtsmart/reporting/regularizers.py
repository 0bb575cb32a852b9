"""Describes the regularisers in text, from the code itself."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Iterator

from mtsmart.config.regularizers import REGULARIZERS, Method

_WIDTH = 100  # the width of a paragraph


def methods_table() -> str:
    """A line for each method: its name and what it does."""
    methods = REGULARIZERS.ordered()
    width = max(map(len, methods))
    return "\n".join(f"{name:<{width}}  {_first_sentence(method)}" for name, method in methods.items())


def describe_method(name: str) -> str:
    """One method: its description, formula, paper, cost, use, evidence, settings with presets, and figures.

    Raises:
        ConfigError: there is no such method.
    """
    method = REGULARIZERS[name]
    text = method.text
    facts = {
        "formula": text.formula,
        "paper": text.paper,
        "cost": text.cost,
        "use": text.use,
        "evidence": text.evidence,
        "tasks": f"may have settings of their own: tasks.NAME.{name}" if method.per_task else "share its settings",
    }
    lines = [f"{text.title}: {inspect.getdoc(inspect.getmodule(method))}", ""]
    lines += [line for fact, value in facts.items() for line in _paragraph(f"{fact + ':':<10}{value}", 10)]
    lines += ["", "settings:", *_settings(method)]
    if method.presets:
        lines += ["presets (single values are laid over the first; without any the method is off):"]
        lines += [f"  {preset.name}: {preset.source}" for preset in method.presets]
    if method.figures:
        lines += ["figures in metrics.jsonl:"]
        lines += [f"  {figure.name} ({figure.unit}): {figure.legend}" for figure in method.figures]
    return "\n".join(lines)


def _settings(method: type[Method]) -> Iterator[str]:
    for name, field in method.Settings.model_fields.items():
        values = {preset.name: getattr(preset.settings, name) for preset in method.presets}
        if not values:
            values = {"required": ""} if field.is_required() else {"default": field.default}
        shown = ", ".join(f"{preset} {value}".strip() for preset, value in values.items())
        yield from _paragraph(f"  {name}: {field.description} ({shown})", 6)


def _paragraph(text: str, indent: int) -> Iterable[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=" " * indent)


def _first_sentence(method: type[Method]) -> str:
    return (inspect.getdoc(inspect.getmodule(method)) or "").partition("\n")[0]
