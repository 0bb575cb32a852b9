"""Describes regularisers, weightings and transforms of the encoder in text, from the code itself."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from mtsmart.config.regularizers import REGULARIZERS, Method
from mtsmart.config.transforms import TRANSFORMS
from mtsmart.config.weightings import WEIGHTINGS

_WIDTH = 79


def methods_table() -> str:
    """The name of each regulariser, weighting and transform of the encoder, and what it does."""
    tables: dict[str, Mapping[str, object]] = {
        "regularisers ('mtsmart methods NAME' explains one of them):": REGULARIZERS.ordered(),
        "weightings (weighting: NAME):": {name: WEIGHTINGS[name] for name in WEIGHTINGS},
        "transforms of the encoder (encoder: {NAME: VALUE}):": {name: TRANSFORMS[name] for name in TRANSFORMS},
    }
    return "\n\n".join("\n".join([title, *_table(entries)]) for title, entries in tables.items())


def _of_tasks(method: type[Method]) -> str:
    """Which settings a task may have of its own."""
    if not method.per_task:
        return "share its settings"
    own = " and ".join(method.own_settings) or "settings"
    return f"may have {own} of their own: tasks.NAME.{method.name}"


def _table(entries: Mapping[str, object]) -> Iterator[str]:
    width = max(map(len, entries)) + 2
    for name, entry in entries.items():
        yield from _paragraph(f"  {name:<{width}}{_paragraphs(entry)[0]}", width + 2)


def describe_method(name: str) -> str:
    """One method: what it is, formula, paper, cost, use, evidence, settings with their presets, figures.

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
        "tasks": _of_tasks(method),
    }
    lines: list[str] = []
    for paragraph in _paragraphs(method):
        lines += [*_paragraph(paragraph, 0), ""]
    for fact, value in facts.items():
        lines += _paragraph(f"{fact + ':':<10}{value}", 10)
    lines += ["", "settings:", *_settings(method)]
    if method.presets:
        lines += ["", "presets (single values are laid over the first; without any the method is off):"]
        for preset in method.presets:
            lines += _paragraph(f"  {preset.name}: {preset.source}", 4)
    if method.figures:
        lines += ["", "figures in metrics.jsonl:"]
        for figure in method.figures:
            lines += _paragraph(f"  {figure.legend} ({figure.unit})", 4)
    return "\n".join(lines)


def _settings(method: type[Method]) -> Iterator[str]:
    for name, field in method.Settings.model_fields.items():
        values = [f"{preset.name} {getattr(preset.settings, name)}" for preset in method.presets]
        if not values:
            values = ["required"] if field.is_required() else [f"default {field.default}"]
        yield from _paragraph(f"  {name}: {field.description} ({', '.join(values)})", 4)


def _paragraphs(entry: object) -> list[str]:
    """The text at the top of an entry's module, each paragraph on one line."""
    text = inspect.getdoc(inspect.getmodule(entry)) or ""
    return [" ".join(paragraph.split()) for paragraph in text.replace("``", "").split("\n\n")]


def _paragraph(text: str, indent: int) -> Iterable[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=" " * indent)
