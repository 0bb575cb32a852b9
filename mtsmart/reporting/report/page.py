"""The pages of reports, made by jinja2. Whatever comes from data, names and settings is escaped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mtsmart.config.loader import dump_config
from mtsmart.data.sources import source_name
from mtsmart.evaluation.details.worst_rows import SHOWN
from mtsmart.regularizers import REGULARIZERS
from mtsmart.reporting.report import pictures
from mtsmart.reporting.report.compared_rows import ComparedRows
from mtsmart.reporting.report.comparison import DIFFERENT_TASKS, Comparison
from mtsmart.reporting.report.content import RunContent
from mtsmart.reporting.report.drawing import INSTALL, can_draw
from mtsmart.reporting.report.figures import COLOURS, Picture, as_svg
from mtsmart.reporting.report.record import RunRecord
from mtsmart.reporting.report.setting_differences import setting_text
from mtsmart.reporting.report.units import date_text, duration, memory
from mtsmart.runs.folder import resolved_config
from mtsmart.text.escaping import each_line
from mtsmart.text.scores import score_cell

SIGN = '<meta name="generator" content="mtsmart report">'
"""Stands at the top of each page, so that a page of ours is known when it is replaced."""

_LONGEST = 600  # characters of a text
_LONGEST_SETTINGS = 40_000
_SETTINGS_AT_ONCE = 25  # rows of a table that are seen without a click
_MOST_LABELS = 60  # rows of a table
_WIDEST_MATRIX = 12  # labels
_HINT = f"The curves need matplotlib: {INSTALL}"


def run_page(content: RunContent) -> str:
    """The report of one run, as HTML."""
    record = content.record
    config = dump_config(resolved_config(record.config, record.definitions))
    return _render(
        "run.html.j2",
        content=content,
        record=record,
        settings=config,
        tasks={name: _task(content, name) for name in record.definitions},
        overall=_drawn(pictures.pictures_of_run(content)),
        picture_note=None if can_draw() else _HINT,
        encoder=_encoder(record),
    )


def comparison_page(comparison: Comparison, compared: Mapping[str, ComparedRows]) -> str:
    """The report of several runs side by side, as HTML.

    Args:
        comparison: the runs.
        compared: task -> its rows under these runs.
    """
    drawn = {task: _drawn(pictures.pictures_of_runs(comparison.runs, task)) for task in comparison.tasks}
    return _render(
        "comparison.html.j2",
        comparison=comparison,
        compared=compared,
        drawn=drawn,
        picture_note=None if can_draw() else _HINT,
        encoders={name: _encoder(record) for name, record in comparison.runs.items()},
    )


def _encoder(record: RunRecord) -> str:
    config = record.config
    return f"the run {config.init.run}" if config.init else str(config.encoder.path)


def _task(content: RunContent, name: str) -> dict[str, Any]:
    """What the page shows of one task."""
    definition = content.record.definitions[name]
    result = content.results.get(name)
    details = None if result is None else result.details
    scores = content.record.results.tasks.get(name, {})
    source = "data files" if definition.dataset.files is not None else source_name(definition.dataset)
    parts = {} if details is None else pictures.pictures_of_details(name, details)
    reliability = parts.get("reliability")
    return {
        "definition": definition,
        "source": source,
        "details": details,
        "scores": scores,
        "baselines": content.record.results.baselines.get(name, {}),
        "notes": content.notes.get(name, []),
        "curves": _drawn(pictures.pictures_of_task(content, name)),
        "is_best_marked": content.record.results.best is not None and name in content.record.curves.scores,
        "legends": _legends(content.record.curves.figures.get(name, {})),
        "reliability": _drawn([reliability] if reliability else []),
        "confusions": [] if details is None or details.confusion is None else details.confusion.mistaken()[:SHOWN],
    }


def _legends(names: Iterable[str]) -> list[str]:
    """A sentence on each of the regularisers' figures among some names."""
    return [figure.legend for figure in REGULARIZERS.figures() if figure.name in set(names)]


def _drawn(wanted: Sequence[Picture]) -> list[tuple[str, Markup]]:
    """What each picture shows, and its SVG, in which matplotlib has escaped all texts."""
    if not can_draw():
        return []
    elements = map(Markup, as_svg(wanted))
    return list(zip((picture.title for picture in wanted), elements, strict=True))


def _render(template: str, **values: Any) -> str:
    style = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    return _environment().get_template(template).render(style=Markup(style), sign=Markup(SIGN), **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__, ""),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "short": _shortened,
        "score": score_cell,
        "duration": duration,
        "memory": memory,
        "date": date_text,
        "share": _share,
        "setting": setting_text,
    }
    limits = {
        "MOST_LABELS": _MOST_LABELS,
        "WIDEST": _WIDEST_MATRIX,
        "SETTINGS": _LONGEST_SETTINGS,
        "SETTINGS_AT_ONCE": _SETTINGS_AT_ONCE,
    }
    environment.globals |= {**limits, "COLOURS": COLOURS, "SHOWN": SHOWN, "DIFFERENT_TASKS": DIFFERENT_TASKS}
    return environment


def _visible(value: Any) -> Any:
    """A text whose control codes and marks of direction are escapes; jinja2 escapes HTML after this."""
    return each_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _shortened(text: str, longest: int = _LONGEST) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … ({len(text) - longest:,} more characters)"


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole and not math.isnan(part) else "-"
