"""Where a run is written: the folder is chosen before the run is prepared, and claimed once everything fits.

So a preparation that fails leaves nothing behind, and two runs that start at once without naming a folder take two.
"""

from __future__ import annotations

import os
import re
import shutil
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from mtsmart.durable import writing
from mtsmart.errors import ConfigError
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.lock import RunLock

RUNS = Path("runs")
"""Runs whose user names no folder are written here, as ``<name>``, ``<name>-2``, ``<name>-3`` and so on."""


class RunPlace:
    """Chooses, claims and holds the folder of a run. Leaving the context lets go of it.

    Args:
        name: the experiment's name, for a folder that the user does not name.
        output_dir: the folder that the user names; None: a new one in ``runs/``.
        resume: go on with the run in the folder; without ``output_dir``, with the newest run of this name.
    """

    def __init__(self, name: str, output_dir: str | Path | None, resume: bool) -> None:
        self._name = name
        self._named = None if output_dir is None else RunFolder(Path(output_dir))
        self._resume = resume
        self._lock: RunLock | None = None

    def choose(self) -> RunFolder:
        """The folder as it is known before anything is created. One that is there already is held from now on.

        Raises:
            ConfigError: the folder that the user names cannot be written, or already holds a run.
            CheckpointError: another process writes there.
        """
        folder = self._named or self._numbered()
        _check_writable(folder.path)
        if self._named is not None:
            self._refuse_taken(folder)
        if folder.path.is_dir() and (self._named is not None or self._resume):
            self._hold(folder)
        return folder

    def claim(self) -> RunFolder:
        """Create the folder, if it is not there, and hold it.

        Raises:
            ConfigError: another process has started a run in the folder that the user names.
            CheckpointError: another process writes there.
            StorageError: it cannot be created.
        """
        if self._lock is not None:
            return RunFolder(self._lock.folder)
        if self._named is not None:
            self._hold(self._named)
            self._refuse_taken(self._named)
            return self._named
        folder = _create_next(self._name)
        try:
            self._hold(folder)
        except BaseException:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        return folder

    def _numbered(self) -> RunFolder:
        """The newest run of this name if it is resumed; otherwise the name that is free now."""
        numbers = _numbers(self._name)
        runs = [number for number in numbers if _folder(self._name, number).exists]
        if self._resume and runs:
            return _folder(self._name, max(runs))
        return _folder(self._name, next(number for number in count(1) if number not in numbers))

    def _refuse_taken(self, folder: RunFolder) -> None:
        if folder.exists and not self._resume:
            raise ConfigError(
                "there already is a run",
                argument="output_dir",
                value=str(folder.path),
                hint="Use `resume=True` to go on with it, or name another folder",
            )

    def _hold(self, folder: RunFolder) -> None:
        lock = RunLock(folder.path)
        lock.acquire()
        self._lock = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._lock is not None:
            self._lock.release()


def _folder(name: str, number: int) -> RunFolder:
    return RunFolder(RUNS / (name if number == 1 else f"{name}-{number}"))


def _numbers(name: str) -> set[int]:
    """The numbers of the folders and files that have the name of a run's folder."""
    first = _folder(name, 1).path
    pattern = re.compile(rf"{re.escape(first.name)}(?:-([1-9][0-9]*))?")
    matches = [pattern.fullmatch(path.name) for path in first.parent.glob("*")]
    return {int(match[1] or 1) for match in matches if match is not None}


def _create_next(name: str) -> RunFolder:
    """Create the first folder whose name is free; another process may create folders at the same time."""
    parent = _folder(name, 1).path.parent
    number = 1
    with writing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        while not _created(_folder(name, number).path):
            number += 1
    return _folder(name, number)


def _created(path: Path) -> bool:
    """Whether this process has created the folder; False if the name is taken."""
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def _check_writable(path: Path) -> None:
    absolute = path.absolute()
    existing = next(parent for parent in (absolute, *absolute.parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise ConfigError(f"cannot be written: {existing}", argument="output_dir", value=str(path))
