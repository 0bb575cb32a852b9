"""The logger ``mtsmart``: everything that the user should know while something runs goes through it.

Levels: ``INFO`` for the progress of training, ``NOTICE`` for what the user should know but need not act on, ``WARNING``
for parts of the user's files that are not used exactly as written. The command line shows all three. A program that
imports mtsmart sees nothing of them unless it configures :mod:`logging`.
"""

from __future__ import annotations

import logging

NOTICE = 25
"""Between ``INFO`` and ``WARNING``."""

LOGGER = logging.getLogger("mtsmart")
# Without a handler, logging would print warnings on standard error.
LOGGER.addHandler(logging.NullHandler())
logging.addLevelName(NOTICE, "NOTICE")


def log_notice(text: str) -> None:
    """Log a text that the user should know, but that stops nothing."""
    LOGGER.log(NOTICE, "%s", text)


def log_progress(text: str, markup: str | None = None) -> None:
    """Log a line about the progress of a run.

    Args:
        text: the line.
        markup: the same line with rich's markup, for handlers that show colours.
    """
    LOGGER.info("%s", text, extra={"markup": markup})
