"""The streams of the command line, and what it prints: results, and a line for each error, warning and notice.

Text that comes from files has escapes for all that a terminal would act on.
"""

from __future__ import annotations

import io
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer

from mtsmart.errors import MtsmartWarning, StorageError
from mtsmart.log import LOGGER, NOTICE
from mtsmart.processes import launched
from mtsmart.text.escaping import each_line, one_line, visible_json
from mtsmart.text.json_text import json_text
from mtsmart.unforeseen import described

_NARROWEST = 40  # columns; tables in fewer cannot be read
_WIDEST = 1000


def say(text: str) -> None:
    """Print a text of one or several lines on standard output."""
    typer.echo(each_line(text))


def say_json(data: Any) -> None:
    """Print data as JSON on standard output. What JSON has no form for, such as a path, becomes text."""
    typer.echo(visible_json(json_text(data, indent=2, default=str)))


def say_error(text: str) -> None:
    """Print one line on standard error."""
    print(f"mtsmart: {one_line(text)}", file=sys.stderr)


def prepare_streams() -> None:
    """Make the three streams usable, whatever the process was started with.

    Letters that a stream's encoding lacks are shown as escapes. Bytes that a prompt cannot decode become halves of
    surrogate pairs, which no right answer has. If standard error is closed, what would go there is lost, and nothing
    of it goes to standard output; a closed standard input is an empty one. A file that the program opens later never
    takes the place of a closed stream, where the output of a library would end up in it. A width that no terminal has
    is not believed.
    """
    for name in ("COLUMNS", "LINES"):
        if not re.fullmatch("[0-9]+", os.environ.get(name, "0")):
            del os.environ[name]
    if columns := os.environ.get("COLUMNS"):
        os.environ["COLUMNS"] = str(min(max(int(columns[:9]), _NARROWEST), _WIDEST))
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - it stays open to the end
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - it stays open to the end
    elif isinstance(sys.stdin, io.TextIOWrapper):
        with suppress(io.UnsupportedOperation):  # Somebody has read from it already.
            sys.stdin.reconfigure(errors="surrogateescape")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def require_output() -> None:
    """Refuse a closed standard output before work begins whose result would be lost.

    Raises:
        StorageError: it is closed.
    """
    if sys.stdout is None:
        raise StorageError("is closed, so the result would be lost", file="standard output")


def flush_output() -> None:
    """Hand over what standard output still holds, while a failure can still be told.

    Raises:
        OSError: the reader has gone, or the disk is full.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def abandon_output() -> None:
    """Lose what standard output still holds. Otherwise Python tries again at its end, and prints a traceback."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report_unforeseen(error: BaseException) -> None:
    """Print one line about an error that nothing else handles. The details go to a new file.

    With ``MTSMART_DEBUG=1`` the traceback is printed before the line.
    """
    with suppress(OSError):
        say_error(str(described(error)))


class ErrorStreamHandler(logging.Handler):
    """Prints notices and warnings on standard error, where they stand out from what a script reads."""

    def __init__(self) -> None:
        super().__init__(NOTICE)

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        kind = "warning" if record.levelno >= logging.WARNING else "notice"
        with suppress(OSError):  # the stream may be a file on a full disk
            say_error(f"{kind}: {record.getMessage()}")


@contextmanager
def logged_warnings() -> Iterator[None]:
    """Inside it mtsmart's own warnings go to the log, each text once. Other warnings stay as they are."""
    with warnings.catch_warnings():
        show_other = warnings.showwarning
        shown = set[str]()

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if not issubclass(category, MtsmartWarning):
                show_other(message, category, *place, **more)
            elif str(message) not in shown and launched()[0] == 0:  # of several processes only the first one warns
                shown.add(str(message))
                LOGGER.warning("%s", message)

        warnings.simplefilter("always", MtsmartWarning)
        warnings.showwarning = show
        yield
