"""The ``mtsmart`` command. Each command's module is imported only when it runs, so that --help is fast."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated

import typer

from mtsmart.cli import evaluate, finetune, methods, predict, schema, sweep, train
from mtsmart.cli.flags import in_flags
from mtsmart.cli.runs import affinity, report, serve
from mtsmart.cli.runs.app import app as runs
from mtsmart.cli.sharing import export, merge, push, submit
from mtsmart.cli.tasks.app import app as tasks
from mtsmart.cli.terminal import (
    ErrorStreamHandler,
    abandon_output,
    flush_output,
    logged_warnings,
    prepare_streams,
    report_unforeseen,
    say_error,
)
from mtsmart.cli.usage import called
from mtsmart.errors import MtsmartError, OtherProcessError
from mtsmart.log import logging_to
from mtsmart.processes import children_without_working_directory, launched
from mtsmart.runs.interrupt import ending_orderly

# A failed write names no file if it goes to standard output.
_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPIPE)

app = typer.Typer(
    name="mtsmart",
    help="Train one text encoder on several tasks, and use what it has learnt.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib import metadata  # not for every start

        print(f"mtsmart {metadata.version('mtsmart')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
]


@app.callback()
def _one_process(context: typer.Context, version: Version = False) -> None:
    # Training shares its work among the processes of a launcher. The first process alone does everything else.
    if launched()[0] > 0 and context.invoked_subcommand not in ("train", "finetune"):
        raise typer.Exit


app.command("train")(train.train)
app.command("finetune")(finetune.finetune)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("try")(predict.try_run)
app.command("serve")(serve.serve)
app.command("report")(report.report)
app.command("merge")(merge.merge)
app.command("export")(export.export)
app.command("push")(push.push)
app.command("submit")(submit.submit)
app.command("sweep")(sweep.sweep)
app.command("affinity")(affinity.affinity)
app.command("methods")(methods.methods)
app.command("schema")(schema.schema)
app.add_typer(runs, name="runs")
app.add_typer(tasks, name="tasks")


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit code 2.

    Any other error is one line too, with exit code 1.
    """
    prepare_streams()
    try:
        with (
            ending_orderly(),
            logging_to(ErrorStreamHandler()),
            logged_warnings(),
            children_without_working_directory(),
        ):
            _run()
    except OtherProcessError as error:
        sys.exit(error.exit_code)
    except MtsmartError as error:
        say_error(in_flags(error))
        sys.exit(error.exit_code)
    except OSError as error:  # a full disk, or a file that was deleted while it was read
        say_error(f"{_place(error)}{error.strerror or error}")
        abandon_output()
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemExit:
        raise
    except BaseException as error:  # A panic of a library written in Rust is no Exception.
        report_unforeseen(error)
        sys.exit(1)


@cache
def whole_command() -> Callable[[], None]:
    """The command with all below it, which takes some hundredths of a second to make."""
    return typer.main.get_command(app)


def _run() -> None:
    code = called(whole_command(), sys.argv[1:])
    if not code:
        flush_output()
    sys.exit(code)


def _place(error: OSError) -> str:
    """What could not be read or written, for the front of a message; empty if the error does not say it."""
    if error.filename:
        return f"{error.filename}: "
    return "standard output: " if error.errno in _OUTPUT else ""
