"""Where a run is written: the folder is chosen and locked before the run is prepared, and kept once everything fits.

So a preparation that fails leaves nothing behind, two runs that start at once without naming a folder take two, and of
two that name the same folder the second is refused at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from mtsmart.errors import ConfigError
from mtsmart.runs.folder import RUN_NAMES, RunFolder
from mtsmart.runs.lock import RunLock
from mtsmart.storage.failures import file_above, writing
from mtsmart.storage.owned import Kind, OwnedFolder
from mtsmart.user_paths import user_path

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
        self._named = None if output_dir is None else RunFolder(user_path(output_dir, argument="output_dir"))
        self._resume = resume
        self._lock: RunLock | None = None
        self._created: list[Path] = []
        self._is_claimed = False

    def choose(self) -> RunFolder:
        """The folder, which is held from now on. One that this creates is deleted again unless it is claimed.

        Raises:
            ConfigError: the folder that the user names cannot be written, or already holds a run.
            CheckpointError: another process writes there.
            StorageError: the folder holds files of others, or cannot be created.
        """
        if self._named is not None:
            folder = self._named
            _check_writable(folder.path)
            refuse_inside_run(folder.path, "output_dir")
            self._refuse_taken(folder)
            folder.check_own()
            with writing(folder.path):
                self._create(folder.path)
        else:
            folder = self._numbered()
        self._lock = RunLock(folder.path)
        self._lock.acquire()
        # Another process may have used the folder until a moment ago.
        self._refuse_taken(folder)
        folder.check_own()
        return folder

    def claim(self) -> RunFolder:
        """Keep the folder that has been chosen."""
        assert self._lock is not None
        self._is_claimed = True
        return RunFolder(self._lock.folder)

    def _create(self, path: Path) -> None:
        """Create a folder and those above it that are missing."""
        self._created += [folder for folder in (path, *path.absolute().parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)

    def _numbered(self) -> RunFolder:
        """The newest run of this name if it is resumed; otherwise a new folder, whose name nobody else can take."""
        _check_writable(RUNS)
        numbers = _numbers(self._name)
        runs = [number for number in numbers if _folder(self._name, number).is_run]
        if self._resume and runs:
            return _folder(self._name, max(runs))
        with writing(RUNS):
            self._create(RUNS)
            return next(folder for folder in self._free(numbers) if self._is_created(folder.path))

    def _free(self, taken: set[int]) -> Iterator[RunFolder]:
        return (_folder(self._name, number) for number in count(1) if number not in taken)

    def _is_created(self, path: Path) -> bool:
        """Whether this process has created the folder; False if another one was faster."""
        try:
            path.mkdir()
        except FileExistsError:
            return False
        self._created.insert(0, path)
        return True

    def _refuse_taken(self, folder: RunFolder) -> None:
        if folder.is_run and not self._resume:
            raise ConfigError(
                "there already is a run",
                argument="output_dir",
                value=str(folder.path),
                hint="Use `resume=True` to go on with it, or name another folder",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._lock is not None:
            self._lock.release() if self._is_kept else self._lock.discard()
        if not self._is_claimed:
            for folder in self._created:
                with suppress(OSError):  # it is gone, or somebody has put a file there
                    folder.rmdir()

    @property
    def _is_kept(self) -> bool:
        return self._is_claimed or (self._lock is not None and OwnedFolder.read(self._lock.folder) is not None)


def _folder(name: str, number: int) -> RunFolder:
    return RunFolder(RUNS / (name if number == 1 else f"{name}-{number}"))


def _numbers(name: str) -> set[int]:
    """The numbers of the folders and files that have the name of a run's folder."""
    first = _folder(name, 1).path
    pattern = re.compile(rf"{re.escape(first.name)}(?:-([1-9][0-9]*))?")
    matches = [pattern.fullmatch(path.name) for path in first.parent.glob("*")]
    return {int(match[1] or 1) for match in matches if match is not None}


def _check_writable(path: Path) -> None:
    absolute = path.absolute()
    in_the_way = file_above(RunFolder(absolute).config_file)
    existing = next(parent for parent in (absolute, *absolute.parents) if parent.exists())
    if in_the_way is not None or not os.access(existing, os.W_OK):
        raise ConfigError(f"cannot be written: {in_the_way or existing}", argument="output_dir", value=str(path))


def refuse_inside_run(path: Path, argument: str) -> None:
    """Refuse a place among the files of a run, which that run may delete.

    Args:
        path: what will be written.
        argument: the argument that names it.

    Raises:
        ConfigError: names the run.
    """
    absolute = Path(os.path.realpath(path))
    for parent in absolute.parents:
        owned = OwnedFolder.read(parent)
        name = absolute.relative_to(parent).parts[0]
        if owned is not None and owned.kind is Kind.RUN and name in RUN_NAMES:
            message = f"lies in {name}/ of the run {parent}, which may delete it"
            raise ConfigError(message, argument=argument, value=str(path), hint="Name another place")


def check_output_file(file: Path) -> None:
    """Refuse an output file in a folder that does not exist, or among the files of a run.

    Raises:
        ConfigError: names the folder or the run.
    """
    check_folder_of(file)
    refuse_inside_run(file, "output")


def check_folder_of(file: Path) -> None:
    """Refuse an output file whose folder does not exist.

    Raises:
        ConfigError: names the folder.
    """
    if not file.parent.is_dir():
        in_the_way = file_above(file)
        message = f"cannot be written: {in_the_way}" if in_the_way else "there is no such folder"
        raise ConfigError(message, argument="output", value=str(file.parent))
