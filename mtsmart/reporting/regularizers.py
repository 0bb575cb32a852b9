"""Describes regularisers, weightings and transforms of the encoder in text, from the code itself."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic.fields import FieldInfo

from mtsmart.config.regularizers import DEFAULT, OFF, REGULARIZERS, Figure, Method
from mtsmart.config.strict import StrictModel
from mtsmart.config.transforms import TRANSFORMS
from mtsmart.config.weightings import WEIGHTINGS, WeightingMethod
from mtsmart.errors import ConfigError, nearest
from mtsmart.registry import Registry, told_together
from mtsmart.reporting.shown import default_of

_WIDTH = 79
_FACTS = ("formula", "paper", "cost", "use", "evidence")


def methods_table() -> str:
    """The name of each regulariser, weighting and transform of the encoder, and what it does."""
    with told_together():
        tables: dict[str, Mapping[str, object]] = {
            "regularisers ('mtsmart methods NAME' explains one of them):": REGULARIZERS.ordered(),
            "weightings (weighting: NAME; 'mtsmart methods NAME' explains one of them):": {
                name: WEIGHTINGS[name] for name in WEIGHTINGS
            },
            "transforms of the encoder (encoder: {NAME: VALUE}; 'mtsmart methods NAME' explains one of them):": {
                name: TRANSFORMS[name] for name in TRANSFORMS
            },
        }
    return "\n\n".join("\n".join([*_paragraph(title, 2), *_table(entries)]) for title, entries in tables.items())


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
    """One method: what it is, formula, paper, cost, use, evidence, settings with presets, figures.

    Args:
        name: a regulariser, a weighting or a transform of the encoder.

    Raises:
        ConfigError: there is no such method.
    """
    if name in REGULARIZERS:
        return "\n".join(_regularizer(REGULARIZERS[name]))
    if name in WEIGHTINGS:
        return "\n".join(_weighting(name, WEIGHTINGS[name]))
    if name in TRANSFORMS:
        return "\n".join(_transform(name, TRANSFORMS[name]))
    registries: tuple[Registry[Any], ...] = (REGULARIZERS, WEIGHTINGS, TRANSFORMS)
    reason = next(filter(None, (registry.reason_missing(name) for registry in registries)), None)
    near = nearest(name, [known for registry in registries for known in registry])
    guess = "'mtsmart methods' lists them" if near is None else f"Did you mean '{near}'?"
    raise ConfigError("there is no method of this name", value=name, hint=reason or guess)


def _regularizer(method: type[Method]) -> Iterator[str]:
    yield from _top(method)
    types = {"types": ", ".join(method.task_types)} if method.task_types else {}
    yield from _facts(method, {"tasks": _of_tasks(method), **types})
    yield from ("", "settings:", *_settings(method))
    if method.presets:
        yield from ("", "presets (single values are laid over the first; without any the method is off):")
        for preset in method.presets:
            yield from _paragraph(f"  {preset.name}: {preset.source}", 4)
        if DEFAULT not in [preset.name for preset in method.presets]:
            on = f"{method.name}: {method.presets[0].name}"
            yield from _paragraph(f"  {DEFAULT}, {OFF}: the method is off; write '{on}' to switch it on", 4)
    yield from _figures(method.figures)


def _weighting(name: str, method: type[WeightingMethod]) -> Iterator[str]:
    yield from _top(method)
    yield from _facts(method, {"write": f"weighting: {name}"})
    fields = method.Settings.model_fields
    if fields:
        yield from ("", f"settings (weighting: {{{name}: {{...}}}}):")
        yield from _fields(method.Settings)
    yield from _figures(method.figures)


def _transform(name: str, transform: type[Any]) -> Iterator[str]:
    yield from _top(transform)
    section = transform.section()
    if isinstance(section, type) and issubclass(section, StrictModel):
        yield f"settings (encoder: {{{name}: {{...}}}}):"
        yield from _fields(section)
        return
    yield f"value (encoder: {{{name}: VALUE}}):"
    described = [one.description for one in get_args(section) if isinstance(one, FieldInfo)]
    yield from _paragraph(f"  {' '.join(filter(None, described))}", 2)


def _top(method: object) -> Iterator[str]:
    for paragraph in _paragraphs(method):
        yield from (*_paragraph(paragraph, 0), "")


def _facts(method: type[Method] | type[WeightingMethod], further: Mapping[str, str]) -> Iterator[str]:
    text = method.text
    facts = {} if text is None else {name: getattr(text, name) for name in _FACTS}
    for fact, value in {**facts, **further}.items():
        yield from _paragraph(f"{fact + ':':<10}{value}", 10)


def _figures(figures: Iterable[Figure]) -> Iterator[str]:
    lines = [line for figure in figures for line in _paragraph(f"  {figure.legend} ({figure.unit})", 4)]
    if lines:
        yield from ("", "figures in metrics.jsonl:", *lines)


def _fields(settings: type[StrictModel]) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        yield from _paragraph(f"  {name}: {field.description} ({default_of(field)})", 4)


def _settings(method: type[Method]) -> Iterator[str]:
    if not method.presets:
        yield from _fields(method.Settings)
        return
    for name, field in method.Settings.model_fields.items():
        values = [f"{preset.name} {getattr(preset.settings, name)}" for preset in method.presets]
        yield from _paragraph(f"  {name}: {field.description} ({', '.join(values)})", 4)


def _paragraphs(entry: object) -> list[str]:
    """The text at the top of an entry's module, each paragraph on one line."""
    text = inspect.getdoc(inspect.getmodule(entry)) or ""
    return [" ".join(paragraph.split()) for paragraph in text.replace("``", "").split("\n\n")]


def _paragraph(text: str, indent: int) -> Iterable[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=" " * indent)
