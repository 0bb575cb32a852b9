"""JSON schemas of task files and experiment files, with which editors complete and check them.

They come from the models that validate the files, and from the entries of the registries, those of installed packages
included. A schema is not stricter than validation: what only the whole of a file shows is left to validation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from mtsmart.config.open_section import PARTS, OpenSection
from mtsmart.config.regularizers import DEFAULT, OFF, Method
from mtsmart.config.sections import EncoderConfig, RunConfig
from mtsmart.config.sweeps.folds import FoldsConfig
from mtsmart.config.trackers import TRACKERS, TrackingConfig
from mtsmart.config.transforms import TRANSFORMS
from mtsmart.config.weightings import WEIGHTINGS, WeightingConfig
from mtsmart.data.perturbations import PERTURBATIONS
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.losses import CRITERIA, DIVERGENCES, Role
from mtsmart.metrics import METRICS
from mtsmart.models.heads import HEADS
from mtsmart.registry import Registry
from mtsmart.regularizers import REGULARIZERS
from mtsmart.storage.durable import read_json
from mtsmart.task_types import TASK_TYPES
from mtsmart.tasks.dataset import PerturbConfig
from mtsmart.tasks.definition import AUTO, HeadConfig, TaskDefinition

Schema: TypeAlias = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_SEEDS: Schema = {"type": "array", "items": {"type": "integer"}, "minItems": 1}
_NULL: Schema = {"type": "null"}
_TEXT_OR_TEXTS: Schema = {"anyOf": [_TEXT, _TEXTS]}
_SCALARS: Schema = {"type": "array", "items": {"type": ["string", "number", "boolean"]}}
_OF_TASKS = "TaskChanges"
_OF_PIECES = "Piece"


class SchemaKind(StrEnum):
    """The kinds of files that have a schema."""

    TASK = "task"
    EXPERIMENT = "experiment"


class _PlainSchema(GenerateJsonSchema):
    """Without titles that only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_of(kind: SchemaKind) -> Schema:
    """The JSON schema (draft 2020-12) of a kind of file."""
    sections = _sections()
    types = {name: TASK_TYPES[name].Options for name in TASK_TYPES}
    models = {**sections, **{_options(name): options for name, options in types.items()}}
    models |= {"RunConfig": RunConfig, "TaskDefinition": TaskDefinition}
    inputs = [(name, "validation", TypeAdapter(model)) for name, model in models.items()]
    found, shared = TypeAdapter.json_schemas(inputs, schema_generator=_PlainSchema)  # type: ignore[arg-type]
    definitions: Schema = shared["$defs"]
    # What has no definition of its own, such as a number or a word, stands where it is used.
    values: dict[str, Schema] = {name: found[name, "validation"] for name in models}
    _open(definitions, values)
    _complete_tasks(definitions, values)
    _complete_experiments(definitions)
    if kind is SchemaKind.EXPERIMENT:  # A file that extends another one may say any part of a section.
        definitions = {name: _without_required(schema) for name, schema in definitions.items()}
    root = _task_file() if kind is SchemaKind.TASK else _experiment_file(definitions)
    used = _used(root, definitions)
    head = {"$schema": GenerateJsonSchema.schema_dialect, "title": f"mtsmart: {kind.value} file"}
    return {**head, **root, "$defs": {name: definitions[name] for name in sorted(used)}}


def schema_text(kind: str) -> str:
    """The schema of a kind of file, as the text of a JSON file.

    Raises:
        ConfigError: there is no such kind.
    """
    if kind not in list(SchemaKind):
        hint = did_you_mean(kind, SchemaKind)
        raise ConfigError("is no kind of file that has a schema", argument="kind", value=kind, hint=hint)
    return json.dumps(schema_of(SchemaKind(kind)), indent=1, ensure_ascii=False) + "\n"


def is_schema(file: Path) -> bool:
    """Whether a file holds a JSON schema, as an earlier call wrote it."""
    try:
        data = read_json(file)
    except (OSError, ValueError):
        return False
    return isinstance(data, dict) and "$schema" in data


def _sections() -> dict[str, Any]:
    """Name -> the type of what the user may write, for the entries of all registries."""
    registries: dict[str, Registry[Any]] = {
        "method": REGULARIZERS,
        "transform": TRANSFORMS,
        "weighting": WEIGHTINGS,
        "tracker": TRACKERS,
    }
    return {f"{kind} {name}": entries[name].section() for kind, entries in registries.items() for name in entries}


def _options(task_type: str) -> str:
    return f"options {task_type}"


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _open(definitions: Schema, values: Mapping[str, Schema]) -> None:
    """Give each open section the keys of its registry."""
    methods = {name: _method(REGULARIZERS[name], values[f"method {name}"]) for name in REGULARIZERS.ordered()}
    transforms = {name: _or_null(_described(values[f"transform {name}"], TRANSFORMS[name])) for name in TRANSFORMS}
    weightings = {name: _or_null(values[f"weighting {name}"]) for name in WEIGHTINGS}
    trackers = {name: _or_null(values[f"tracker {name}"]) for name in TRACKERS}
    opened: list[tuple[type[OpenSection], Mapping[str, Schema]]] = [
        (RunConfig, methods),
        (TaskDefinition, methods),
        (EncoderConfig, transforms),
        (WeightingConfig, weightings),
        (TrackingConfig, trackers),
    ]
    for section, keys in opened:
        properties = definitions[section.__name__]["properties"]
        del properties[PARTS]
        properties.update({name: schema for name, schema in keys.items() if section.has_key(name)})
    definitions[WeightingConfig.__name__]["maxProperties"] = 1


def _method(method: type[Method], section: Schema) -> Schema:
    """A regulariser's section, the name of a preset, or nothing."""
    presets = [DEFAULT, *(preset.name for preset in method.presets)] if method.presets else []
    words = {"enum": [*dict.fromkeys([*presets, OFF]), False, None]}
    return {"anyOf": [words, section], "description": method.text.title}


def _or_null(schema: Schema) -> Schema:
    described = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [schema, _NULL], **described}


def _described(schema: Schema, transform: Any) -> Schema:
    """With the description that the type carries as a whole, which its alternatives lack."""
    field = FieldInfo.from_annotation(transform.section())
    return {**schema, "description": field.description} if field.description else schema


def _complete_tasks(definitions: Schema, values: Mapping[str, Schema]) -> None:
    """The short forms of a task's keys, and what each task type takes."""
    definition = definitions[TaskDefinition.__name__]
    properties = definition["properties"]
    _put(properties, "task_type", {"enum": sorted(TASK_TYPES)})
    _put(properties, "text", {"anyOf": [_TEXT, {**_TEXTS, "minItems": 1, "maxItems": 2}]})
    _put(properties, "labels", {"anyOf": [{**_SCALARS, "minItems": 2}, _NULL]})
    files = {"anyOf": [_TEXT_OR_TEXTS, {"type": "object", "additionalProperties": _TEXT_OR_TEXTS}, _NULL]}
    _put(definitions["DatasetSource"]["properties"], "files", files)
    kinds = {"enum": sorted(PERTURBATIONS)}
    _put(definitions[PerturbConfig.__name__]["properties"], "kind", kinds)
    perturb = {"anyOf": [kinds, _reference(PerturbConfig.__name__), _NULL]}
    _put(definitions["DatasetSource"]["properties"], "perturb", perturb)
    heads = {"enum": [AUTO, *sorted(HEADS)]}
    _put(definitions[HeadConfig.__name__]["properties"], "type", heads)
    _put(properties, "head", {"anyOf": [heads, _reference(HeadConfig.__name__)]})
    # A task of an experiment only says what differs, so nothing is required.
    changes = _without_required(definition)
    _loosen_options(definitions, values)
    definitions[_OF_TASKS] = {**changes, "title": _OF_TASKS}
    definition["allOf"] = [_of_type(name, values[_options(name)]) for name in sorted(TASK_TYPES)]


def _without_required(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "required"}


def _put(properties: Schema, key: str, schema: Schema) -> None:
    """Another schema for a key, with the description and the default that it has."""
    kept = {word: properties[key][word] for word in ("description", "default") if word in properties[key]}
    properties[key] = {**schema, **kept}


def _loosen_options(definitions: Schema, values: Mapping[str, Schema]) -> None:
    """Options that take a list also take one item, where the model makes a list of it."""
    for task_type in TASK_TYPES:
        model: type[BaseModel] = TASK_TYPES[task_type].Options
        validators = model.__pydantic_decorators__.field_validators.values()
        fields = {name for each in validators if each.info.mode == "before" for name in each.info.fields}
        properties = definitions[values[_options(task_type)]["$ref"].rpartition("/")[2]].get("properties", {})
        for name in sorted(fields & properties.keys()):
            kept = {word: properties[name].pop(word) for word in ("description", "default") if word in properties[name]}
            properties[name] = {"anyOf": [properties[name], _TEXT], **kept}


def _of_type(name: str, options: Schema) -> Schema:
    """What the keys of a task hold if it is of a type."""
    kind = TASK_TYPES[name]
    divergences = {"enum": [*dict.fromkeys([*kind.divergences, *DIVERGENCES.fitting(name)]), None]}
    metrics = list(dict.fromkeys([*kind.metrics, *METRICS.fitting(name)]))
    properties = {
        "options": options,
        "loss": {"enum": [*dict.fromkeys([*kind.losses, *CRITERIA.fitting(name)]), None]},
        "metrics": {"anyOf": [{"type": "array", "items": {"enum": metrics}}, _NULL]},
        **{role.value: divergences for role in Role},
    }
    return {
        "if": {"properties": {"task_type": {"const": name}}, "required": ["task_type"]},
        "then": {"properties": properties},
    }


def _complete_experiments(definitions: Schema) -> None:
    """The short forms of an experiment's keys, and the pieces of a grid, which are parts of an experiment."""
    run = definitions[RunConfig.__name__]
    properties = run["properties"]
    of_name: Schema = {"type": "object", "additionalProperties": {"anyOf": [_reference(_OF_TASKS), _NULL]}}
    _put(properties, "tasks", {"anyOf": [of_name, _TEXT_OR_TEXTS]})
    _put(properties, "task_files", _TEXT_OR_TEXTS)
    words = {"enum": [*WEIGHTINGS, None]}
    _put(properties, "weighting", {"anyOf": [words, _reference(WeightingConfig.__name__)]})
    trackers = {"enum": [*TRACKERS]}
    listed = {"type": "array", "items": trackers}
    _put(properties, "tracking", {"anyOf": [trackers, listed, _NULL, _reference(TrackingConfig.__name__)]})
    _put(properties, "folds", {"anyOf": [{"type": "integer", "minimum": 2}, _NULL, _reference(FoldsConfig.__name__)]})
    own = {key: value for key, value in properties.items() if key not in ("grid", "folds", "search")}
    texts = {"start": _or_null(_TEXT), "arms": _or_null(_TEXTS), "baseline": _or_null(_TEXT)}
    of_grid = {**texts, "seeds": _or_null(_SEEDS)}
    definitions[_OF_PIECES] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {**own, **of_grid},
    }
    grid = definitions["GridConfig"]["properties"]
    for section in ("arms", "tables", "starts"):
        pieces = {"type": "object", "additionalProperties": {"anyOf": [_reference(_OF_PIECES), _NULL]}}
        _put(grid, section, pieces)


def _task_file() -> Schema:
    return {
        "description": "Task name -> definition.",
        "type": "object",
        "additionalProperties": _reference(TaskDefinition.__name__),
    }


def _experiment_file(definitions: Schema) -> Schema:
    run = definitions[RunConfig.__name__]
    extends = {**_TEXT, "description": "the file that this one is laid over"}
    return {
        **{key: run[key] for key in ("description", "type", "additionalProperties")},
        "properties": {"extends": extends, **run["properties"]},
        "anyOf": [{"required": ["tasks"]}, {"required": ["extends"]}],
    }


def _used(schema: Any, definitions: Schema) -> set[str]:
    """The definitions that a schema refers to, directly or through others."""
    found: set[str] = set()
    waiting = list(_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(definitions[name])
    return found


def _references(schema: Any) -> Iterable[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _references(item)
    elif isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from _references(value)
