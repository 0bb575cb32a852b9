"""Turns an experiment file into a validated RunConfig: YAML -> extends -> key=value -> validate."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from mtsmart.config.document import (
    COMMAND_LINE,
    MAX_BYTES,
    Document,
    document_of,
    dump_yaml,
    parse_value,
    parse_yaml,
    read_yaml,
)
from mtsmart.config.reading.kinds import check_experiment
from mtsmart.config.regularizers import REGULARIZERS, is_off
from mtsmart.config.sections import RunConfig
from mtsmart.config.sweeps.folds import expand_folds
from mtsmart.config.trackers import expand_tracking
from mtsmart.config.validate import validate
from mtsmart.config.weightings import expand_weighting
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.resources import shipped_experiments
from mtsmart.user_paths import HUB_PREFIX, paths_in, user_path

_MAPPING = "experiment"  # what errors call an experiment that is no file
_PLACES = (
    ("init", "run"),
    ("data", "hub_dir"),
    ("data", "cache_dir"),
    ("grid", "conclusions"),
)
_SECTIONS_OF_TASKS = ("dataset", "head", "init", "missing", "options", "project", "splits")  # that are no methods
_GRID_PIECES = ("arms", "tables", "starts")


class Place(Enum):
    """What a setting names."""

    FILE = auto()  # a file or a folder; of a run also an address on the Hub
    ENCODER = auto()  # a folder, a Hub id, or a folder in a package
    DATA_SET = auto()  # a Hub id, which may also be that of a local clone


Change = Callable[[Any, Place], Any]
"""What a setting holds, valid or not, and what it names -> what the setting holds from now on."""


@dataclass(frozen=True)
class Experiment:
    """A validated configuration and its document, which gives later errors their places."""

    config: RunConfig
    document: Document


def find_experiment(name: str | Path) -> Path:
    """The YAML file of an experiment.

    Args:
        name: the path of a file, or the name of a shipped experiment.

    Raises:
        ConfigError: there is no such file.
    """
    path = Path(name)
    if path.is_file():
        return path
    known = shipped_experiments()
    if str(name) in known:
        return known[str(name)]
    if path.is_dir():
        is_run = (path / "config.yaml").is_file()
        again = f"To train it again: mtsmart train {path / 'config.yaml'}"
        hint = f"{again}; to continue it: mtsmart train FILE -o {path} --resume"
        kind = "the folder of a run" if is_run else "a folder"
        message = f"is {kind}, and an experiment is a YAML file"
        raise ConfigError(message, file=path, hint=hint if is_run else None)
    raise ConfigError("there is no such experiment file", value=str(name), hint=did_you_mean(name, known))


def load_experiment(path: str | Path, overrides: Iterable[str] = ()) -> Experiment:
    """Read an experiment file.

    Args:
        path: the YAML file. ``extends: other.yaml`` lays it over another file. Relative ``task_files``, ``init.run``,
            ``distill.teachers``, data folders and an encoder's ``./folder`` are relative to the file that names them.
        overrides: items of the form ``dotted.key=value``, whose values are read as YAML. Their paths are relative to
            the working directory.

    Raises:
        ConfigError: the file or an override contains a mistake. The error names the place.
    """
    return build_experiment(_read(Path(path), ()), overrides)


def mapping_experiment(data: Mapping[str, Any], overrides: Iterable[str] = ()) -> Experiment:
    """An experiment that a program gives as a mapping.

    Args:
        data: the same keys as in a YAML file. Paths are relative to the working directory.
        overrides: as for :func:`load_experiment`.

    Raises:
        ConfigError: the mapping or an override contains a mistake.
    """
    document = _absolute_paths(document_of(data, _MAPPING), Path.cwd(), _MAPPING)
    return build_experiment(_over_base(document, Path.cwd(), ()), overrides)


def build_experiment(document: Document, overrides: Iterable[str] = ()) -> Experiment:
    """Apply overrides to a document and validate it."""
    document = _short_forms(document)
    earlier: list[str] = []
    for item in overrides:
        over = parse_override(item)
        _refuse_undoing(item, earlier)
        earlier.append(item)
        search = over.data.get("search")
        if isinstance(search, dict) and "space" in search:  # Otherwise no setting could be taken out of a space.
            document = document.without(("search", "space"))
        document = lay_over(document, over)
    return Experiment(validate(RunConfig, document), document)


def _refuse_undoing(item: str, earlier: list[str]) -> None:
    """Refuse an override that throws an earlier one away: ``sam=paper`` after ``sam.rho=0.1``.

    A list of tasks keeps what was said of them, a mapping is laid over the earlier values, and what is off needs none.
    """
    key = key_of(item)
    text = item.partition("=")[2]
    lost = next((other for other in earlier if other.startswith(f"{key}.")), None)
    if lost is None or key == "tasks" or text.lstrip().startswith("{") or is_off(parse_value(text)):
        return
    hint = f"Put it before {lost}, or leave {lost} out"
    raise ConfigError(f"would undo {lost}", file=COMMAND_LINE.file, key=key, value=text, hint=hint)


def parse_override(item: str) -> Document:
    """One ``a.b=value`` as a document.

    Raises:
        ConfigError: there is no ``=`` or an empty key.
    """
    dotted, equals, text = item.partition("=")
    keys = dotted.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(
            "is not of the form key=value", file=COMMAND_LINE.file, value=item, hint="Example: training.epochs=2"
        )
    if text.startswith(("[", "{")) and not text.rstrip().endswith(("]", "}")):
        message = "is not valid YAML: it ends within a list or mapping"
        hint = f"If the shell has cut it at a blank, quote it: '{dotted}=[one, another]'"
        raise ConfigError(message, file=COMMAND_LINE.file, value=item, hint=hint)
    document = Document.of(keys, parse_value(text, tuple(keys)), COMMAND_LINE)
    return _absolute_paths(document, Path.cwd(), COMMAND_LINE.file)


def key_of(item: str) -> str:
    """The key of one ``a.b=value``, with its dots."""
    return item.partition("=")[0].strip()


def dump_config(config: RunConfig) -> str:
    """The YAML text of a configuration. Loading the text gives an equal configuration.

    Raises:
        ConfigError: the text is too large to be read again. The tasks of many files together can be too large.
    """
    text = dump_yaml(config.model_dump(exclude_none=True))
    try:
        if len(text.encode()) > MAX_BYTES:
            raise ConfigError(f"more than {MAX_BYTES:,} bytes")
        parse_yaml(text, "")
    except ConfigError as error:
        message = f"together they could not be read again from the folder of a run: {error.message}"
        raise ConfigError(message, key="tasks") from None
    return text


def _read(path: Path, seen: tuple[Path, ...]) -> Document:
    read = read_yaml(path)
    check_experiment(read, str(path))
    document = _absolute_paths(read, path.parent, str(path))
    return _over_base(document, path.parent, (*seen, path.resolve()))


def _over_base(document: Document, folder: Path, seen: tuple[Path, ...]) -> Document:
    """A document laid over the file that it extends.

    Args:
        document: the document.
        folder: its file is relative to this folder.
        seen: the files that extend each other, this one included.
    """
    base = document.data.pop("extends", None)
    if base is None:
        return document
    if not isinstance(base, str):
        raise document.error("must name one YAML file", ("extends",), value=base)
    target = folder / base
    if target.resolve() in seen:
        raise document.error("extends itself", ("extends",), value=base)
    if not target.is_file():
        raise document.error("there is no such file", ("extends",), value=base)
    return lay_over(_short_forms(_read(target, seen)), document)


def lay_over(base: Document, over: Document) -> Document:
    """Lay a document over an expanded one. A list of tasks drops the other tasks and keeps the settings of its own."""
    known = base.data.get("tasks", {})
    listed = isinstance(over.data.get("tasks"), (list, str))
    if over.data.get("weighting") is not None:
        # Another weighting has other settings, so it replaces the base's weighting with all its settings.
        base = Document({key: value for key, value in base.data.items() if key != "weighting"}, base.origins)
    if isinstance(tasks := over.data.get("tasks"), dict):
        over = Document({**over.data, "tasks": _without_nulls(tasks)}, over.origins)
    merged = _short_forms(base.merged(over))
    if listed and isinstance(merged.data["tasks"], dict):
        merged.data["tasks"] = {name: known.get(name, {}) for name in merged.data["tasks"]}
    return merged


def absolute_files(task: Any, folder: Path) -> None:
    """Resolve the relative paths in one task's mapping against ``folder``, in place."""
    change_places_of_task(task, _resolver(folder, None))


def _absolute_paths(document: Document, folder: Path, source: str) -> Document:
    """Resolve the relative paths that a document names against ``folder``; ``source`` is the document's name."""
    change_places(document.data, _resolver(folder, source))
    return document


def _resolver(folder: Path, source: str | None) -> Change:
    def resolved(path: Any, place: Place) -> Any:
        # A data set's clone is looked for below data.hub_dir, so its path is not relative to the file.
        if not isinstance(path, str) or path.startswith(HUB_PREFIX) or place is Place.DATA_SET:
            return path
        if place is Place.ENCODER and not path.startswith(("./", "../", "~")):
            return path  # Any text that is not plainly a folder may be a Hub id.
        # Path.resolve would fail on names that are not valid for a file, and on links that lead to themselves.
        return os.path.abspath(folder / user_path(path, file=source))

    return resolved


def change_places(data: dict[str, Any], change: Change) -> None:
    """Change the settings of an experiment that name files and folders, in place. No other text changes.

    Args:
        data: the experiment's mapping, which need not be valid. Its task files become a list.
        change: called with each of them, and with each item of a list of them.
    """
    if data.get("task_files") is not None:
        data["task_files"] = _all_changed(_as_list(data["task_files"]), change, Place.FILE)
    for section, key in _PLACES:
        _change(data.get(section), key, change, Place.FILE)
    for name in _methods_in(data):
        _change_method(name, data[name], change)
    for task in _values_of(data.get("tasks")):
        change_places_of_task(task, change)
    _change(data.get("encoder"), "path", change, Place.ENCODER)
    searched = _value_of(_value_of(data.get("search"), "space"), "encoder.path")
    if isinstance(_value_of(searched, "choices"), list):
        _change(searched, "choices", change, Place.ENCODER)
    for name in _GRID_PIECES:
        for piece in _values_of(_value_of(data.get("grid"), name)):
            if isinstance(piece, dict):
                change_places(piece, change)


def change_places_of_task(task: Any, change: Change) -> None:
    """What :func:`change_places` does, for the mapping of one task."""
    if not isinstance(task, dict):
        return
    _change(task.get("init"), "run", change, Place.FILE)
    for name, section in task.items():
        # Whether any other word is a method is not asked, because the answer may import all packages.
        if isinstance(section, dict) and name not in _SECTIONS_OF_TASKS and name in REGULARIZERS:
            _change_method(name, section, change)
    dataset = task.get("dataset")
    _change(dataset, "path", change, Place.DATA_SET)
    files = _value_of(dataset, "files")
    if isinstance(files, dict):
        for split in files:
            _change(files, split, change, Place.FILE)
    elif files is not None:
        _change(dataset, "files", change, Place.FILE)


def _change_method(name: str, section: Any, change: Change) -> None:
    """Change the settings of a regulariser that name files or folders."""
    method = REGULARIZERS[name]
    for key in dict.fromkeys([*method.paths, *paths_in(method.Settings)]):
        _change(section, key, change, Place.FILE)


def _change(section: Any, key: str, change: Change, place: Place) -> None:
    """Change a setting, if it is there."""
    if isinstance(section, dict) and key in section:
        section[key] = _all_changed(section[key], change, place)


def _all_changed(value: Any, change: Change, place: Place) -> Any:
    return [change(one, place) for one in value] if isinstance(value, list) else change(value, place)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _value_of(section: Any, key: str) -> Any:
    return section.get(key) if isinstance(section, dict) else None


def _values_of(section: Any) -> list[Any]:
    return list(section.values()) if isinstance(section, dict) else []


def _methods_in(data: Mapping[str, Any]) -> list[str]:
    """The keys of an experiment that are sections of regularisers."""
    return [key for key in data if key not in RunConfig.model_fields and RunConfig.has_key(key)]


def _without_nulls(tasks: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of tasks. A task without a value changes nothing."""
    return {name: {} if value is None else value for name, value in tasks.items()}


def _short_forms(document: Document) -> Document:
    """Expand ``tasks: [a, b]``, ``tasks: a`` and the name of a regulariser's preset to mappings.

    A base is expanded before another document is laid over it, and that document is expanded afterwards. So a list of
    tasks replaces the base's tasks, and a mapping of tasks changes or adds some.
    """
    data = dict(document.data)
    origins = dict(document.origins)
    tasks = data.get("tasks")
    if isinstance(tasks, str):
        data["tasks"] = {tasks: {}}
    elif isinstance(tasks, list) and all(isinstance(name, str) for name in tasks):
        data["tasks"] = {name: {} for name in tasks}
        origins.update({("tasks", name): document.origin(("tasks", index)) for index, name in enumerate(tasks)})
        if len(data["tasks"]) < len(tasks):
            twice = next(name for name in tasks if tasks.count(name) > 1)
            raise document.error("names a task twice", ("tasks",), value=twice)
    elif isinstance(tasks, dict):
        data["tasks"] = _without_nulls(tasks)
    if "weighting" in data:
        data["weighting"] = expand_weighting(data["weighting"])
    if "folds" in data:
        data["folds"] = expand_folds(data["folds"])
    if "tracking" in data:
        data["tracking"] = expand_tracking(data["tracking"])
    for section in _methods_in(data):
        data[section] = REGULARIZERS[section].expand(data[section])
    return Document(data, origins)
