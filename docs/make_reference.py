"""Write docs/reference.md and docs/schema: every key of a task file and an experiment file, from the code.

python docs/make_reference.py            # write them
python docs/make_reference.py --check    # exit 1 if one is not up to date
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mtsmart.config import sections
from mtsmart.config.open_section import PARTS, OpenSection
from mtsmart.config.regularizers import REGULARIZERS, Method
from mtsmart.config.sweeps import folds, grid, search
from mtsmart.config.trackers import TRACKERS, TrackingConfig
from mtsmart.config.transforms import TRANSFORMS
from mtsmart.config.weightings import WEIGHTINGS
from mtsmart.reporting.schema import SchemaKind, schema_text
from mtsmart.tasks import dataset, definition

PAGE = Path(__file__).with_name("reference.md")
SCHEMAS = Path(__file__).with_name("schema")
INTRODUCTION = """# Reference

Every key of a task file and of an experiment file. Written by `python docs/make_reference.py`.
"""


def main() -> int:
    """Write the page and the schemas, or check them."""
    texts = {PAGE: "\n".join([INTRODUCTION, *_tasks(), *_experiment()]) + "\n"}
    texts |= {SCHEMAS / f"{kind}.json": schema_text(kind) for kind in SchemaKind}
    if "--check" in sys.argv:
        return int(any(not file.is_file() or file.read_text(encoding="utf-8") != text for file, text in texts.items()))
    SCHEMAS.mkdir(exist_ok=True)
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8")
    return 0


def _tasks() -> list[str]:
    lines = ["## A task file", "", "Task name -> definition.", "", *_table(definition.TaskDefinition)]
    lines += ["### dataset", "", *_table(dataset.DatasetSource)]
    lines += ["### dataset.fold", "", _first_line(dataset.FoldConfig), "", *_table(dataset.FoldConfig)]
    lines += ["### dataset.perturb", "", _first_line(dataset.PerturbConfig), "", *_table(dataset.PerturbConfig)]
    lines += ["### head", "", *_table(definition.HeadConfig)]
    lines += ["### init of a task", "", _first_line(definition.HeadInitConfig), "", *_table(definition.HeadInitConfig)]
    lines += ["What each task type takes (losses, divergences, metrics, options): `mtsmart tasks types [NAME]`."]
    return [*lines, ""]


def _experiment() -> list[str]:
    lines = ["## An experiment file", "", "`extends: other.yaml` lays the file over another one.", ""]
    lines += _table(sections.RunConfig)
    for name in ("encoder", "init", "data", "mixing", "optimizer", "training"):
        model = getattr(sections, f"{name.capitalize()}Config")
        lines += [f"### {name}", "", _first_line(model), "", *_table(model)]
        lines += _sections_of_transforms() if name == "encoder" else []
    lines += ["### weighting", "", _first_line(sections.WeightingConfig), "", *_weightings()]
    lines += ["### tracking", "", _first_line(TrackingConfig), "[How they are used](tracking.md).", "", *_trackers()]
    lines += ["### grid", "", _first_line(grid.GridConfig), "", *_table(grid.GridConfig)]
    short = "`folds: 5` is short for `folds: {count: 5}`."
    lines += ["### folds", "", f"{_first_line(folds.FoldsConfig)} {short}", "", *_table(folds.FoldsConfig)]
    lines += ["### search", "", _first_line(search.SearchConfig), "", *_table(search.SearchConfig)]
    lines += ["A setting in `space`:", "", *_table(search.RangeConfig)]
    for name, method in REGULARIZERS.ordered().items():
        lines += [f"### {name}", "", *_method(method)]
    return lines


def _of_part(section: type[OpenSection], name: str) -> str:
    title = section.registry[name].text.title
    return title if section is sections.RunConfig else f"what differs from the experiment's {title}"


def _method(method: type[Method]) -> list[str]:
    lines = [f"{_first_line(sys.modules[method.__module__])} `mtsmart methods {method.name}` tells more.", ""]
    if method.per_task:
        lines += [f"A task may have settings of its own: `tasks: {{NAME: {{{method.name}: ...}}}}`.", ""]
    return [*lines, *(_presets(method) if method.presets else _table(method.Settings))]


def _table(model: type[BaseModel]) -> list[str]:
    rows = [
        f"| `{name}` | {_kind(field)} | {_default(field)} | {field.description or ''} |"
        for name, field in model.model_fields.items()
        if name != PARTS
    ]
    if issubclass(model, OpenSection):
        rows += _transforms() if model.registry is TRANSFORMS else _methods(model)
    return ["| key | type | default | |", "|---|---|---|---|", *rows, ""]


def _methods(section: type[OpenSection]) -> list[str]:
    names = [name for name in REGULARIZERS.ordered() if section.has_key(name)]
    return [f"| `{name}` | section | | {_of_part(section, name)} |" for name in names]


def _transforms() -> list[str]:
    fields = {name: FieldInfo.from_annotation(TRANSFORMS[name].section()) for name in TRANSFORMS}
    texts = {name: field.description or _first_line(field.annotation) for name, field in fields.items()}
    return [f"| `{name}` | {_kind(field)} |  | {texts[name]} |" for name, field in fields.items()]


def _sections_of_transforms() -> list[str]:
    """A table for each transform with settings of its own."""
    lines = []
    for name in TRANSFORMS:
        section = TRANSFORMS[name].section()
        if isinstance(section, type) and issubclass(section, BaseModel):
            lines += [f"`encoder.{name}`:", "", *_table(section)]
    return lines


def _weightings() -> list[str]:
    rows = [f"| `{name}` | {_first_line(sys.modules[WEIGHTINGS[name].__module__])} |" for name in WEIGHTINGS]
    return ["| name | |", "|---|---|", *rows, ""]


def _trackers() -> list[str]:
    """A table of settings for each tracker that has any."""
    lines = []
    for name in TRACKERS:
        settings = TRACKERS[name].Settings
        table = _table(settings) if settings.model_fields else ["It has no settings.", ""]
        lines += [f"`{name}`: {_first_line(sys.modules[TRACKERS[name].__module__])}", "", *table]
    return lines


def _presets(method: type[Method]) -> list[str]:
    names = [preset.name for preset in method.presets]
    lines = [
        f"Write `{method.name}: {{preset: NAME}}`, or `{method.name}: NAME` for short. NAME is one of "
        f"{', '.join(f'`{name}`' for name in dict.fromkeys(['default', *names, 'off']))}. Single values replace those "
        f"of the preset. If you write single values without a preset, the other values come from `{names[0]}`. If you "
        f"write nothing, the preset is `default`, which is off ([why](../experiments/evidence/RESULTS.md)).",
        "",
        *(f"- `{preset.name}`: {preset.source}" for preset in method.presets),
        "",
        "| key | type | " + " | ".join(names) + " | |",
        "|" + "---|" * (len(names) + 3),
    ]
    for name, field in method.Settings.model_fields.items():
        values = [f"`{getattr(preset.settings, name)}`" for preset in method.presets]
        lines.append(f"| `{name}` | {_kind(field)} | {' | '.join(values)} | {field.description or ''} |")
    return [*lines, ""]


def _kind(field: FieldInfo) -> str:
    return _name(field.annotation)


def _name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " \\| ".join(str(choice) for choice in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "section"
    arguments = [argument for argument in get_args(kind) if argument is not type(None)]
    if get_origin(kind) is dict:
        return "mapping"
    if get_origin(kind) is list:
        name = _name(arguments[0])
        return f"list of {name}" if name == "text" else f"list of {name}s"
    if get_origin(kind) is Annotated:
        del arguments[1:]  # the rest describes the type
    if arguments:
        return " \\| ".join(_name(argument) for argument in arguments)
    return {str: "text", int: "whole number", float: "number", bool: "true \\| false"}.get(kind, str(kind))


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "" if field.default_factory is not None else "required"
    return (
        ""
        if field.default in (None, "")
        else f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"
    )


def _first_line(thing: Any) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
