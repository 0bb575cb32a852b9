"""What the command line prints on standard error: errors, warnings and notices, one line each."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mtsmart.errors import MtsmartWarning
from mtsmart.log import LOGGER, NOTICE
from mtsmart.processes import launched


class ErrorStreamHandler(logging.Handler):
    """Prints notices and warnings on standard error, where they stand out from what a script reads."""

    def __init__(self) -> None:
        super().__init__(NOTICE)

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        kind = "warning" if record.levelno >= logging.WARNING else "notice"
        with suppress(OSError):  # the stream may be a file on a full disk
            print(f"mtsmart: {kind}: {record.getMessage()}", file=sys.stderr)


@contextmanager
def logging_to(handler: logging.Handler) -> Iterator[None]:
    """Inside it the handler gets what mtsmart logs, progress included."""
    before = LOGGER.level
    LOGGER.setLevel(logging.INFO)
    LOGGER.addHandler(handler)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(before)


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
