"""Paths as users write them, where ``~`` stands for a home folder."""

from __future__ import annotations

import os
from pathlib import Path

from mtsmart.errors import ConfigError

HUB_PREFIX = "hub:"
"""What an address on the Hub begins with where a path may stand too."""


def user_path(
    text: str | Path, *, file: str | None = None, key: str | None = None, argument: str | None = None
) -> Path:
    """A path with the home folder in the place of ``~`` or ``~name``.

    Args:
        text: the path.
        file, key, argument: where the path comes from, for the error; as for MtsmartError.

    Raises:
        ConfigError: the system knows no such user, or no home folder of the present user.
    """
    path = os.path.expanduser(text)
    if str(path).startswith("~"):  # expanduser leaves what it does not know.
        hint = "Write the whole path, or ./~ for a folder whose name begins with ~"
        message = "the home folder is not known"
        raise ConfigError(message, file=file, key=key, argument=argument, value=str(text), hint=hint)
    return Path(path)


def path_of_variable(name: str) -> Path | None:
    """The path in an environment variable; None if it is not set or empty.

    Raises:
        ConfigError: as for :func:`user_path`.
    """
    text = os.environ.get(name)
    return user_path(text, file="environment", key=name) if text else None
