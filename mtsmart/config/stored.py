"""The stored configuration of a run, where a package is missing that the run was trained with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mtsmart.config.document import Document, Key
from mtsmart.config.open_section import OpenSection
from mtsmart.config.regularizers import is_off
from mtsmart.config.sections import RunConfig
from mtsmart.errors import MissingPackageError, MtsmartError, nearest
from mtsmart.registry import Extension, no_package_has

_TASKS = "tasks"


def without_off(document: Document, task: type[OpenSection]) -> Document:
    """The document without sections of unknown methods that are off: nothing of their packages is needed.

    Args:
        document: a run's stored configuration.
        task: the type of a task's definition.
    """
    for path, section, value in list(_entries(document.data, task)):
        if is_off(value) and path[-1] not in section.registry:
            document = document.without(path)
    return document


def check_packages(
    document: Document, task: type[OpenSection], recorded: Callable[[], Iterable[Extension]], above: Key = ()
) -> None:
    """Refuse a stored configuration with sections of entries that no installed package has.

    Args:
        document: a run's stored configuration.
        task: the type of a task's definition.
        recorded: gives the entries of packages that the run says that it uses.
        above: only what stands below this key is looked at.

    Raises:
        MissingPackageError: there is such a section. The message names the package, if the run has recorded it.
    """
    for path, section, _ in _entries(document.data, task):
        if path[: len(above)] == above and path[-1] not in section.registry:
            origin = document.origin(path)
            hint = _hint_for_missing(path[-1], section, recorded())
            raise MissingPackageError("unknown key", file=origin.file, line=origin.line, key=".".join(path), hint=hint)


def _hint_for_missing(name: str, section: type[OpenSection], recorded: Iterable[Extension]) -> str:
    """Which package a run needs. The choices would be of no use, because nobody wrote the run's configuration."""
    registry = section.registry
    reason = registry.reason_missing(name)
    hint = reason or no_package_has(registry.kind)
    near = nearest(name, section.known_keys())
    extension = next((each for each in recorded if (each.group, each.name) == (registry.group, name)), None)
    if extension is not None:
        return f"{hint}. {extension.advice}"
    return hint if reason or near is None else f"{hint}. Did you mean '{near}'?"


@contextmanager
def naming_packages(recorded: Callable[[], Iterable[Extension]]) -> Iterator[None]:
    """Inside it an error about the name of an entry whose package is not installed any more names the package.

    Args:
        recorded: gives the entries of packages that the run says that it uses.
    """
    try:
        yield
    except MissingPackageError:
        raise
    except MtsmartError as error:
        extension = next((each for each in recorded() if each.name == error.value and each.is_missing), None)
        if extension is None:
            raise
        hint = extension.describe_missing()
        place: dict[str, Any] = {"file": error.file, "line": error.line, "key": error.key}
        raise MissingPackageError(error.message, value=error.value, hint=hint, **place) from None


def _entries(data: dict[str, Any], task: type[OpenSection]) -> Iterator[tuple[tuple[str, ...], type[OpenSection], Any]]:
    """The path, the section and the value of each key that only an entry of a registry can have."""
    for above, section, values in _sections(data, task):
        if isinstance(values, dict):
            for key in values:
                if key not in section.model_fields:
                    yield (*above, key), section, values[key]


def _sections(
    data: dict[str, Any], task: type[OpenSection]
) -> Iterator[tuple[tuple[str, ...], type[OpenSection], Any]]:
    yield (), RunConfig, data
    for name, field in RunConfig.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, OpenSection):
            yield (name,), kind, data.get(name)
    tasks = data.get(_TASKS)
    for name, values in tasks.items() if isinstance(tasks, dict) else ():
        yield (_TASKS, name), task, values
