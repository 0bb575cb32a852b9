"""The logger ``mtsmart``. All messages to the user go through it while mtsmart works.

The level ``INFO`` is for the progress of training. ``NOTICE`` is for facts that the user should know but need not act
on. ``WARNING`` is for parts of the user's files that are not used exactly as they are written. The command line shows
all three levels. A program that imports mtsmart sees none of them unless it configures :mod:`logging`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

NOTICE = 25
"""The level between ``INFO`` and ``WARNING``."""

LOGGER = logging.getLogger("mtsmart")
# Without a handler, logging would print warnings on standard error.
LOGGER.addHandler(logging.NullHandler())
logging.addLevelName(NOTICE, "NOTICE")


def log_notice(text: str) -> None:
    """Log a fact that the user should know, but that does not stop the work."""
    LOGGER.log(NOTICE, "%s", text)


def log_progress(text: str, styles: Mapping[str, str] | None = None) -> None:
    """Log a line about the progress of a run.

    Args:
        text: the line.
        styles: part of the line -> its style in the words of rich, for handlers that show colours.
    """
    LOGGER.info("%s", text, extra={"styles": styles or {}})
