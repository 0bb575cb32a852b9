"""Which pictures a report has, for one run and for several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mtsmart.evaluation.details.parts import TaskDetails
from mtsmart.reporting.report.content import RunContent
from mtsmart.reporting.report.figures import COLOURS, Picture, confusion_matrix, curves, reliability_diagram
from mtsmart.reporting.report.record import RunRecord
from mtsmart.runs.journal import Curves, Points
from mtsmart.text.names import file_stem, told_apart

_MOST_SCORES = 4  # lines of one picture


def pictures_of_task(content: RunContent, task: str) -> list[Picture]:
    """The learning curves of a task: its scores, then each figure that training logs about it."""
    found = content.record.curves
    best = content.record.results.best
    scores = _without_labels(found.scores.get(task, {}))
    pictures = []
    if scores:
        marked = None if best is None else best.update
        pictures.append(curves(_name(task, "scores"), "scores on validation", scores, marked))
    figures = found.figures.get(task, {})
    return [*pictures, *(curves(_name(task, name), name, {name: points}) for name, points in figures.items())]


def pictures_of_run(content: RunContent) -> list[Picture]:
    """The curves of what belongs to no single task."""
    overall = content.record.curves.overall
    return [curves(_name("run", name), name.replace("_", " "), {name: points}) for name, points in overall.items()]


def pictures_of_details(task: str, details: TaskDetails) -> dict[str, Picture]:
    """``reliability`` and ``confusion`` of a task, as far as it has them."""
    found = {}
    if details.calibration is not None:
        name = _name(task, "reliability")
        found["reliability"] = reliability_diagram(name, details.calibration)
    if details.confusion is not None:
        found["confusion"] = confusion_matrix(_name(task, "confusion"), f"confusion of {task}", details.confusion)
    return found


def pictures_of_runs(names: Mapping[str, RunRecord], task: str) -> list[Picture]:
    """The main score and each logged figure of a task, with one line for each run.

    Args:
        names: what each run is called -> the run.
        task: a task of at least one of them.
    """
    shown = dict(list(names.items())[: len(COLOURS)])
    colours = dict(zip(shown, COLOURS, strict=False))
    by_run = {name: _lines_of(record.curves, task) for name, record in shown.items()}
    kinds = dict.fromkeys(kind for lines in by_run.values() for kind in lines)
    found = {kind: {name: lines[kind] for name, lines in by_run.items() if kind in lines} for kind in kinds}
    return [curves(_name(task, kind), kind, lines, colours=colours) for kind, lines in found.items()]


def all_pictures(content: RunContent) -> list[Picture]:
    """Each picture of a run's report, for files."""
    found = list(pictures_of_run(content))
    for task in content.record.definitions:
        found += pictures_of_task(content, task)
        result = content.results.get(task)
        if result is not None and result.details is not None:
            found += pictures_of_details(task, result.details).values()
    return found


def _lines_of(found: Curves, task: str) -> dict[str, Points]:
    """The main score of a task and its figures."""
    scores = list(found.scores.get(task, {}).items())[:1]
    return {**dict(scores), **found.figures.get(task, {})}


def _without_labels(scores: Mapping[str, Points]) -> dict[str, Points]:
    """The first scores of a task, without those of single labels."""
    whole: Iterable[str] = (name for name in scores if "[" not in name)
    return {name: scores[name] for name in list(whole)[:_MOST_SCORES]}


def _name(*parts: str) -> str:
    return "-".join(file_stem(part, "figure") for part in parts)


def distinct(pictures: Sequence[Picture]) -> dict[str, Picture]:
    """File's name without ending -> picture; a name that occurs again gets a number."""
    return dict(zip(told_apart(picture.name for picture in pictures), pictures, strict=True))
