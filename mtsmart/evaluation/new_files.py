"""New data files, read as the files that a task was trained on are read."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from mtsmart.arguments import items_of
from mtsmart.data.derived import source_columns
from mtsmart.data.readers import kind_of_file, whole_rows
from mtsmart.errors import ConfigError, DataError, MtsmartError, did_you_mean
from mtsmart.log import log_notice
from mtsmart.tasks.dataset import INTO_DATASET, DatasetSource, FileKind, problem_of_columns
from mtsmart.tasks.definition import TaskDefinition

ErrorT = TypeVar("ErrorT", bound=MtsmartError)
_FORM = ("format", "columns", "delimiter", "escape", "field", "explode")
"""The settings that say how a file is written. ``parse`` is not among them: it is about single columns."""
_OF_OTHER_KINDS = ("format", "delimiter", "escape", "field", "explode")
"""Those of them that say nothing about a file of another kind."""
_WITH_LINES = ("csv", "tsv", "conll")
_SETTINGS = (INTO_DATASET, "labels_from:", "missing: drop")
_WHERE = "The run has a task of its own, so write it into a task file that has this task too, and give that"


@dataclass(frozen=True)
class GivenForm:
    """How a new file is written, where the user says it.

    Attributes:
        format: what the file is; None: as the training files, or as its ending says.
        columns: the names of its columns, if it has no header; None: as the training files.
    """

    format: str | None = None
    columns: Sequence[str] | None = None


def form_of(
    file: str | Path | None, file_format: str | None, columns: Iterable[str] | None, **of_splits: str | None
) -> GivenForm:
    """What the user says about a new file.

    Args:
        file: the file; None: a split is scored.
        file_format: see :class:`GivenForm`.
        columns: see :class:`GivenForm`.
        of_splits: argument -> value of what goes with a split alone.

    Raises:
        ConfigError: something is said about a file and there is none, or about a split and there is a file.
    """
    names = None if columns is None else items_of("columns", columns)
    of_files = {"file_format": file_format, "columns": None if names is None else ",".join(names)}
    message = "goes with a new file" if file is None else "does not go with a new file"
    for argument, value in (of_files if file is None else of_splits).items():
        if value is not None:
            raise ConfigError(message, argument=argument, value=value)
    return GivenForm(file_format, names)


AS_TRAINED = GivenForm()
"""Nothing is said about the file."""


@contextmanager
def of_new_file() -> Iterator[None]:
    """Errors and warnings that name a setting of the task say where it is written for a new file.

    Raises:
        MtsmartError: what is raised within, with a longer hint.
    """
    told: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as told:
            yield
    except MtsmartError as error:
        raise with_place_of_settings(error) from None
    finally:
        for each in told:
            message = each.message
            if _names_a_setting(str(message)):
                message = each.category(f"{message}. {_WHERE} with --task-file (task_files in Python)")
            warnings.warn_explicit(message, each.category, each.filename, each.lineno)


def with_place_of_settings(error: ErrorT) -> ErrorT:
    """An error about a new file, with a longer hint if the hint names a setting of the task; else the same error."""
    if error.hint is None or not _names_a_setting(error.hint):
        return error
    return error.with_hint(f"{error.hint}. {_WHERE} as `task_files`; or convert the file")


def _names_a_setting(text: str) -> bool:
    return any(words in text for words in _SETTINGS) and "--format" not in text


def source_of(file: str | Path, definition: TaskDefinition, columns: Iterable[str], given: GivenForm) -> DatasetSource:
    """How a new file is read: as the task's training files, unless its ending, its header or the user says otherwise.

    Args:
        file: the new file.
        definition: the task's.
        columns: the columns that the task reads.
        given: what the user says about the file.

    Raises:
        ConfigError: what the user says does not fit.
        DataError: the file cannot be read.
    """
    if given.format is not None and given.format not in get_args(FileKind):
        hint = did_you_mean(given.format, get_args(FileKind))
        raise ConfigError("is no kind of data file", argument="file_format", value=given.format, hint=hint)
    trained = definition.dataset
    settings = trained.model_dump(include={*_FORM, "parse"}) if trained.files is not None else {}
    if given.format is not None or not _is_of_same_kind(file, trained):
        settings |= dict.fromkeys(_OF_OTHER_KINDS)
    settings["format"] = given.format or settings.get("format")
    source = DatasetSource.model_construct(**{**_nothing(), **settings, "files": {"new": str(file)}})
    if given.columns is not None:
        if (problem := problem_of_columns(given.columns, source.format)) is not None:
            raise ConfigError(problem, argument="columns", value=",".join(given.columns))
        return source.model_copy(update={"columns": list(given.columns)})
    kind = kind_of_file(file, source)
    if source.columns is not None and (kind not in _WITH_LINES or _has_header(file, source, columns)):
        return source.model_copy(update={"columns": None})
    return source


def _nothing() -> dict[str, Any]:
    return {name: field.get_default(call_default_factory=True) for name, field in DatasetSource.model_fields.items()}


def _is_of_same_kind(file: str | Path, trained: DatasetSource) -> bool:
    """Whether the settings of the training files are about files like this one."""
    if trained.files is None:
        return False
    plain = trained.model_copy(update={"format": None, "delimiter": None})
    ending = kind_of_file(file, plain)
    if ending not in ("csv", "tsv", "jsonl", "json", "parquet"):
        return True
    endings = {kind_of_file(name, plain) for name in trained.file_names}
    return ending in endings | {kind_of_file(name, trained) for name in trained.file_names}


def _has_header(file: str | Path, source: DatasetSource, columns: Iterable[str]) -> bool:
    """Whether the first line names the columns, although the training files had no such line."""
    first = next(iter(whole_rows(file, source.model_copy(update={"columns": None}))), {})
    named = set(source.columns or ()) & set(source_columns(columns))
    if not named or not named <= first.keys():
        return False
    log_notice(f"{file}: its first line names the columns, so it is read as a header")
    return True


def common_source(file: str | Path, sources: Mapping[str, DatasetSource]) -> DatasetSource:
    """How several tasks read one file.

    Args:
        file: the file.
        sources: task -> how it reads the file.

    Raises:
        DataError: two tasks read it in different ways.
    """
    first, *others = sources.values()
    for name in _FORM:
        ways = [getattr(source, name) for source in (first, *others)]
        other = next((way for way in ways if way != ways[0]), ways[0])
        if other != ways[0]:
            hint = "Predict these tasks one by one"
            message = f"the tasks read it in different ways: {ways[0]} and {other}"
            raise DataError(message, file=file, key=name, hint=hint)
    return first


def as_split(file: str | Path, definition: TaskDefinition, source: DatasetSource, split: str) -> TaskDefinition:
    """The task's definition with a new file, of which all rows count, as its only data: the split ``split``."""
    dataset = source.model_copy(update={"files": {split: str(file)}})
    return definition.model_copy(update={"dataset": dataset, "splits": {}, "shots": None})


def tasks_for(tasks: str | Iterable[str] | None, what: str, known: Collection[str]) -> list[str]:
    """The names of the tasks that a new file, or another head, is for.

    Args:
        tasks: what was asked for; None: the only task.
        what: ``file`` or ``head``.
        known: the tasks of the run.

    Raises:
        ConfigError: nothing was asked for, and it is not clear which task is meant.
    """
    if tasks is not None:
        return [tasks] if isinstance(tasks, str) else list(tasks)
    if len(known) > 1 or what == "head":
        hint = f"The run has: {', '.join(known)}"
        raise ConfigError(f"must say which task the {what} is for", argument="task", value=None, hint=hint)
    return list(known)
