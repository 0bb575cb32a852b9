"""The logger ``mtsmart``. All messages to the user go through it while mtsmart works.

The level ``INFO`` is for the progress of training. ``NOTICE`` is for facts that the user should know but need not act
on. ``WARNING`` is for parts of the user's files that are not used exactly as they are written. The command line prints
notices and warnings, and shows progress by itself. A program that imports mtsmart sees none of the three unless it
configures :mod:`logging`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

NOTICE = 25
"""The level between ``INFO`` and ``WARNING``."""

LOGGER = logging.getLogger("mtsmart")
# Without a handler, logging would print warnings on standard error.
LOGGER.addHandler(logging.NullHandler())
logging.addLevelName(NOTICE, "NOTICE")


def log_notice(text: str) -> None:
    """Log a fact that the user should know, but that does not stop the work."""
    LOGGER.log(NOTICE, "%s", text)


def log_progress(text: str) -> None:
    """Log a line about the progress of a run."""
    LOGGER.info("%s", text)


@contextmanager
def logging_to(handler: logging.Handler) -> Iterator[None]:
    """Inside it the handler gets what mtsmart logs, as far as its own level allows it."""
    before = LOGGER.level
    LOGGER.setLevel(logging.INFO)
    LOGGER.addHandler(handler)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(before)


@contextmanager
def without_notices() -> Iterator[None]:
    """Inside it mtsmart logs warnings, but neither notices nor progress."""
    before = LOGGER.level
    LOGGER.setLevel(logging.WARNING)
    try:
        yield
    finally:
        LOGGER.setLevel(before)
