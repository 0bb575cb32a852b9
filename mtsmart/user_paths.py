"""Paths as users write them, where ``~`` stands for a home folder."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, get_args

from mtsmart.errors import ConfigError, nearest

HUB_PREFIX = "hub:"
"""What an address on the Hub begins with where a path may stand too."""
_MARKS = (".git", "pyproject.toml", "setup.cfg")
"""What the topmost folder of a project holds."""
_WILD = frozenset("*?[")
_VARIABLE = re.compile(r"\$\w|\$\{|%\w+%")
_ADDRESS = re.compile(r"(?:^|/)(?:https?|s3|gs|ftp):/")  # os.path.abspath leaves one of the two slashes.
_MOST = 10_000  # names of a folder that are looked at


def is_pattern(name: str) -> bool:
    """Whether a name has a character with which it may stand for several files."""
    return not _WILD.isdisjoint(name)


def has_variable(path: str) -> bool:
    """Whether a path names an environment variable, as shells write it. mtsmart expands none."""
    return _VARIABLE.search(path) is not None


def hint_for_absent(path: str | Path) -> str | None:
    """Why a file is not there, or the file in its folder whose name is nearest; None if nothing is known."""
    text = str(path)
    if has_variable(text):
        return "Environment variables are not expanded here, so write the folder itself"
    if _ADDRESS.search(text):
        return "Files are not fetched from addresses, so download it first, and name the file"
    if "\\" in text and os.name != "nt":
        return "Write / between folders and files"
    place = Path(path)
    if place.is_dir():
        return "It is a folder, so name the files in it"
    if not place.parent.is_dir():
        return f"There is no folder {place.parent}"
    near = nearest(place.name, (entry.name for entry in islice(place.parent.iterdir(), _MOST) if entry.is_file()))
    return f"Did you mean '{near}'?" if near else None


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


def project_of(folder: Path) -> Path:
    """The nearest of a folder and its parents that looks like the top of a project; else the folder itself."""
    return next((each for each in (folder, *folder.parents) if any((each / mark).exists() for mark in _MARKS)), folder)


def moved_along(value: Any, folder: Path) -> Any:
    """A value that stays equal when a project moves: its paths below the project become relative to ``folder``.

    Args:
        value: anything that JSON can hold, and paths. Absolute paths below the project change, texts among them.
        folder: an absolute path. Its project is that of :func:`project_of`.
    """
    return _moved_along(value, folder, project_of(folder))


def _moved_along(value: Any, folder: Path, project: Path) -> Any:
    if isinstance(value, dict):
        return {key: _moved_along(each, folder, project) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_moved_along(each, folder, project) for each in value]
    value = str(value) if isinstance(value, PurePath) else value
    if isinstance(value, str) and os.path.isabs(value) and Path(value).is_relative_to(project):
        return Path(os.path.relpath(value, folder)).as_posix()
    return value


def paths_in(settings: Any) -> list[str]:
    """The fields of a class of settings whose type is ``Path`` or has it as a part, as ``list[Path]`` has."""
    return [name for name, field in settings.model_fields.items() if _is_of_paths(field.annotation)]


def _is_of_paths(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, PurePath):
        return True
    return any(map(_is_of_paths, get_args(annotation)))
