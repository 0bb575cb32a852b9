"""What kind of file a YAML mapping is, by its keys: an experiment, task definitions, or one task's settings alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtsmart.config.document import Document

_OF_TASKS = frozenset(("dataset", "text"))
_OF_EXPERIMENTS = ("tasks", "encoder", "task_files", "init", "extends")

_MAX_SHOWN = 3  # names in a hint


def check_experiment(document: Document, file: str) -> None:
    """Refuse a file of tasks where an experiment is wanted.

    Raises:
        ConfigError: says which command takes it, and what an experiment is.
    """
    data = document.data
    if any(key in data for key in _OF_EXPERIMENTS) or not (_is_task(data) or any(map(_is_task, data.values()))):
        return
    names = [name for name, task in data.items() if _is_task(task)] or ["NAME"]
    wanted = f"task_files: [{file}], tasks: [{', '.join(names[:_MAX_SHOWN])}] and encoder: {{path: ...}}"
    hint = f"'mtsmart tasks check {file}' checks it. To train, write an experiment with {wanted}"
    raise document.error("is a file of tasks, and an experiment is wanted", (), hint=hint)


def check_tasks(document: Document, file: str) -> None:
    """Refuse an experiment, and settings without a task's name above them, where task definitions are wanted.

    Raises:
        ConfigError: says which command takes it, or which line is missing or too much.
    """
    data = document.data
    tasks = data.get("tasks")
    wrapped = isinstance(tasks, Mapping) and bool(tasks) and all(map(_is_task, tasks.values()))
    if wrapped and not any(key in data for key in _OF_EXPERIMENTS if key != "tasks"):
        hint = "Leave the line 'tasks:' out, and begin the lines with the names of the tasks at the left edge"
        raise document.error("a file of tasks has their names at its top level", ("tasks",), hint=hint)
    if _is_task(data):
        _refuse_bare(document)
    found = next((key for key in _OF_EXPERIMENTS if key in data and not _may_be_task(data[key])), None)
    if found is not None:
        hint = (
            f"'mtsmart train {file}' trains it, and checks its tasks before. Here, give the files under its task_files"
        )
        raise document.error("is an experiment, and a file of tasks is wanted", (), hint=hint)


def _refuse_bare(document: Document) -> None:
    """Refuse the settings of a task at the top level of its file."""
    first = next(iter(document.data))
    if document.data[first] is None:
        message = f"the settings of '{first}' stand beside it, not below it"
        raise document.error(message, (first,), hint=f"Indent the lines below '{first}:' by two blanks")
    hint = f"Write a name such as 'my_task:' on a line above '{first}', and indent the lines below by two blanks"
    raise document.error("the settings of a task stand without its name", (first,), hint=hint)


def _is_task(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    is_typed = isinstance(value.get("task_type"), str)
    return is_typed or (value.keys() >= _OF_TASKS and not any(map(_may_be_task, value.values())))


def _may_be_task(value: Any) -> bool:
    """Whether a value is the mapping of a task whose name is that of a key of an experiment."""
    return isinstance(value, Mapping) and ("task_type" in value or value.keys() >= _OF_TASKS)
