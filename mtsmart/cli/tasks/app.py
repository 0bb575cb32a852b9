"""``mtsmart tasks list | show | types | new | check | convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtsmart.cli.options import TaskFiles
from mtsmart.cli.tasks.new import new
from mtsmart.cli.tasks.show import show
from mtsmart.cli.terminal import say, say_error
from mtsmart.errors import ConfigError, MtsmartError

if TYPE_CHECKING:
    from mtsmart.tasks import TaskLibrary

_MAX_SHOWN = 10  # names of tasks in a line

app = typer.Typer(
    help="Look at task types and definitions, and check them.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_tasks(task_file: TaskFiles = None) -> None:
    """List all known tasks. Those that can only be evaluated come last."""
    from rich.console import Console
    from rich.table import Table

    from mtsmart.reporting.shown import shown
    from mtsmart.tasks import TaskLibrary

    table = Table("task", "suite", "type", "description", box=None)
    for name, definition in sorted(TaskLibrary(task_file or []).items(), key=lambda item: item[1].evaluation_only):
        description = " ".join(definition.description.split())
        table.add_row(*map(shown, (name, definition.suite or "", definition.task_type, description)))
    Console().print(table)


app.command("show")(show)


@app.command("types")
def types(name: Annotated[str | None, typer.Argument(help="One task type, in detail.")] = None) -> None:
    """List the task types, or all that one of them takes: losses, divergences, metrics, options."""
    from mtsmart.reporting.task_types import describe_type, types_table

    say(types_table() if name is None else describe_type(name))


app.command("new")(new)


@app.command("check")
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Task files or folders. Default: the shipped ones.")
    ] = None,
) -> None:
    """Check definitions and data files as training would, without an encoder.

    What does not fit is one line, with exit code 2; what training would warn of is a warning.
    """
    from mtsmart.tasks import TaskLibrary

    library = TaskLibrary(paths or [])
    here = [name for name in library if not paths or library.entry(name).is_from(paths)]
    errors = [problem for name in here for problem in _problems(library, name, with_data=bool(paths))]
    for problem in errors:
        say_error(str(problem))
    if errors:
        raise typer.Exit(2)
    say("1 task definition is valid." if len(here) == 1 else f"{len(here)} task definitions are valid.")
    unread = [name for name in here if paths and library[name].dataset.files is None]
    if unread:
        shown = ", ".join(unread[:_MAX_SHOWN]) + (", ..." if len(unread) > _MAX_SHOWN else "")
        say(f"The rows of {shown} were not read, because they come from a data set on the Hub.")


def _problems(library: TaskLibrary, name: str, with_data: bool) -> list[MtsmartError]:
    """What is wrong with a task's definition, or with its data; the shipped tasks' data is not looked at."""
    from mtsmart.preparation.data_checks import data_problems, lacks_all_files
    from mtsmart.task_types import build_tasks
    from mtsmart.tasks.library import check_owner
    from mtsmart.tasks.mtdnn import is_mtdnn_file

    entry = library.entry(name)
    try:
        owner = entry.definition.share_head
        check_owner(entry, library)
        task = build_tasks({key: library.entry(key) for key in (owner, name) if key})[name]
    except ConfigError as error:
        return [error]
    # A file in MT-DNN's form names no data files. If there are none in the usual places, they are elsewhere.
    if not with_data or (lacks_all_files(task) and is_mtdnn_file(entry.document.origin(()).file)):
        return []
    return [entry.document.located(problem, (name,)) for problem in data_problems(task)]


@app.command("convert")
def convert(
    file: Annotated[Path, typer.Argument(help="A task file in MT-DNN's form.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: standard output.")] = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Folder of the <task>_<split> files.")] = None,
) -> None:
    """Write MT-DNN's task definitions in mtsmart's form; changes of meaning are reported on standard error."""
    from mtsmart.storage.durable import write_text
    from mtsmart.tasks.conversion import convert_file

    text = convert_file(file, output, data_dir)
    if output is None:
        say(text.rstrip())
        return
    write_text(output, text)
    say(f"written to {output}")
