"""``mtsmart tasks show``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtsmart.cli.options import TaskFiles
from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import say, say_json
from mtsmart.errors import ConfigError

if TYPE_CHECKING:
    from mtsmart.preparation.statistics import TaskStatistics
    from mtsmart.tasks import TaskLibrary


def show(
    name: Annotated[str, typer.Argument(autocompletion=completion.tasks)],
    task_file: TaskFiles = None,
    stats: Annotated[bool, typer.Option("--stats", help="Read the data, and tell what is in it.")] = False,
    encoder: Annotated[str | None, typer.Option("--encoder", help="With --stats: count lengths in its tokens.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print one task's definition as YAML; with --stats the rows, labels, lengths, repeats and examples of its data."""
    from mtsmart.config.document import dump_yaml
    from mtsmart.tasks import TaskLibrary

    if encoder is not None and not stats:
        message = "counts lengths, which are told with --stats alone"
        raise ConfigError(message, argument="encoder", value=encoder, hint="Add --stats")
    _refuse_file(name)
    library = TaskLibrary(task_file or [])
    data = {name: library[name].model_dump(exclude_defaults=True)}
    if stats:
        _tell_statistics(library, name, encoder, as_json)
    elif as_json:
        say_json(data)
    else:
        say(dump_yaml(data).rstrip())


def _refuse_file(name: str) -> None:
    """Refuse a task file in the place of a task's name."""
    from mtsmart.tasks import read_task_file

    if name.endswith((".yaml", ".yml")) and Path(name).is_file():
        names = [entry.name for entry in read_task_file(name)]
        hint = f"Write mtsmart tasks show {names[0] if names else 'NAME'} --task-file {name}"
        raise ConfigError("is a file of tasks, and the name of a task is wanted", file=name, hint=hint)


def _tell_statistics(library: TaskLibrary, name: str, encoder: str | None, as_json: bool) -> None:
    from mtsmart.reporting.task_statistics import statistics_text

    found = _statistics(library, name, encoder)
    if as_json:
        say_json(asdict(found))
    else:
        say(statistics_text(found))


def _statistics(library: TaskLibrary, name: str, encoder: str | None) -> TaskStatistics:
    from mtsmart.models.loading import load_tokenizer
    from mtsmart.preparation.statistics import statistics_of
    from mtsmart.task_types import build_tasks

    owner = library[name].share_head
    tasks = build_tasks({key: library.entry(key) for key in (owner, name) if key})
    return statistics_of(tasks[name], None if encoder is None else load_tokenizer(encoder))
