"""Which files and folders are mtsmart's own. Only these are replaced or deleted; everything else is somebody's work.

A folder that mtsmart fills carries a marker, ``.mtsmart.json``. It says what the folder is, which names in it mtsmart
has taken, and a random token. The token is in the name of the folder for unfinished writes, so that nobody else has a
file there. A folder without a marker is only used if it is empty.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from mtsmart.errors import CheckpointError, StorageError
from mtsmart.storage.durable import (
    MANIFEST,
    is_inside,
    present,
    read_json,
    refuse_links,
    sha256_of,
    unique,
    write_text,
    written_files,
)
from mtsmart.storage.failures import reason_of
from mtsmart.text.counts import some_of

PREFIX = ".mtsmart."
"""Names in a folder that begin like this are mtsmart's own: the marker, the lock and unfinished writes."""

MARKER = f"{PREFIX}json"
_FORMAT = 1
_TOKEN = re.compile(r"[0-9a-f]{12}")
MOST_NAMED = 3
"""The files of others that a message names."""


class Kind(StrEnum):
    """What a folder with a marker is."""

    RUN = "run"
    SWEEP = "sweep"
    EXPORT = "export"

    @property
    def with_article(self) -> str:
        """The kind as a message names it."""
        return f"an {self}" if self is Kind.EXPORT else f"a {self}"


@dataclass
class OwnedFolder:
    """A folder that carries our marker.

    Attributes:
        path: the folder.
        kind: what it is.
        token: twelve random hexadecimal digits.
        files: the names in it that mtsmart has taken, with the SHA-256 that a file had when it was written. None: it is
            a folder, or it grows.
    """

    path: Path
    kind: Kind
    token: str = field(default_factory=unique)
    files: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> OwnedFolder | None:
        """The folder as its marker describes it; None if it has no marker.

        Raises:
            CheckpointError: the marker is damaged or of a later version.
        """
        marker = path / MARKER
        try:
            return cls._parsed(path, read_json(marker))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"is damaged: {reason_of(error)}", file=marker) from None

    @classmethod
    def _parsed(cls, path: Path, data: Mapping[str, Any]) -> OwnedFolder:
        if data["format"] != _FORMAT:
            raise ValueError(f"it is of format {data['format']!r}, and this version knows {_FORMAT}")
        token = str(data["token"])
        if not _TOKEN.fullmatch(token):
            raise ValueError("its token is not one")
        files = {str(name): None if digest is None else str(digest) for name, digest in data["files"].items()}
        if not all(map(is_inside, files)):
            raise ValueError("it names a file outside its folder")
        return cls(path, Kind(data["kind"]), token, files)

    def write(self) -> None:
        """Write the marker.

        Raises:
            StorageError: it cannot be written.
        """
        data = {"format": _FORMAT, "kind": self.kind.value, "token": self.token, "files": self.files}
        # Escapes, because a name may have bytes that are no text.
        write_text(self.path / MARKER, json.dumps(data, indent=2) + "\n", self.scratch)

    @property
    def scratch(self) -> Path:
        """The folder for unfinished writes."""
        return self.path / f"{PREFIX}{self.token}"

    def claim(self, name: str, digest: str | None = None) -> None:
        """Take a name before it is written for the first time.

        Args:
            name: a file or folder directly in this folder.
            digest: the SHA-256 that the file will have; None if it changes.

        Raises:
            StorageError: there is something of this name that mtsmart did not write, or a link.
        """
        self.check([name])
        self._read_again()
        if name not in self.files or self.files[name] != digest:
            self.files[name] = digest
            self.write()

    def check(self, names: Iterable[str]) -> None:
        """Refuse to write over what is not ours.

        Raises:
            StorageError: one of the names exists and mtsmart did not write it, or it is a link.
        """
        for name in names:
            file = self.path / name
            if file.is_symlink():
                raise StorageError(f"is a link; {self.kind.with_article} writes into its own folder", file=file)
            if name not in self.files and file.exists() and name not in self._read_again():
                message = "was not written by mtsmart, and would be replaced"
                raise StorageError(message, file=file, hint="Move it to another place first")

    def may_replace(self, name: str) -> bool:
        """Whether a page is not there, or is as mtsmart wrote it: nobody else has written or changed it."""
        file = self.path / name
        if name not in self.files:
            return not os.path.lexists(file)
        known = self.files[name]
        return known is None or not file.is_file() or sha256_of(file) == known

    def _read_again(self) -> dict[str, str | None]:
        """Add the names that another process has taken since the marker was read, and return all names."""
        now = OwnedFolder.read(self.path)
        if now is not None:
            self.files = {**now.files, **self.files}
        return self.files


def start(path: Path, kind: Kind) -> OwnedFolder:
    """Mark an existing folder as ours.

    Raises:
        StorageError: it holds files of others, or cannot be written.
    """
    refuse_others(path)
    owned = OwnedFolder(path, kind)
    owned.write()
    return owned


def refuse_others(path: Path) -> None:
    """Refuse a folder that has no marker but holds something.

    Raises:
        StorageError: names some of what is there.
    """
    refuse_links(own_names(path))
    if (path / MARKER).is_file():
        return
    names = files_of_others(path)
    if names:
        raise StorageError(
            f"holds files that mtsmart did not write ({some_of(names, MOST_NAMED)})",
            file=path,
            hint="Name a folder that is new or empty",
        )


def own_names(path: Path) -> list[Path]:
    """What a folder holds of the names that are mtsmart's own; nothing if there is no folder."""
    return sorted(path.glob(f"{PREFIX}*")) if path.is_dir() else []


def files_of_others(path: Path) -> list[str]:
    """What a folder holds besides mtsmart's marker, lock and unfinished writes; nothing if there is no folder."""
    if not path.is_dir():
        return []
    return sorted(entry.name for entry in path.iterdir() if not entry.name.startswith(PREFIX))


def scratch_of(path: Path) -> Path:
    """The folder for unfinished writes of a marked folder; a name that is not taken if there is no marker."""
    owned = OwnedFolder.read(path)
    return path / f"{PREFIX}{unique()}" if owned is None else owned.scratch


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file: by links, hard links or other spellings too."""
    try:
        return one.samefile(other)
    except OSError:
        # Path.resolve would fail on links that form a circle.
        return os.path.realpath(one) == os.path.realpath(other)


def copy_written(folder: Path, target: Path, copy: Callable[[Path, Path], object]) -> None:
    """Copy the files that a folder's manifest lists, and no others.

    Args:
        folder: one that :func:`replacing_folder` wrote.
        target: the folder that gets them.
        copy: copies a file to a path.

    Raises:
        OSError: a file is missing or cannot be copied.
    """
    for name in written_files(folder):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        copy(folder / name, target / name)


def remove_written(folder: Path) -> None:
    """Delete what :func:`replacing_folder` wrote: the files that the manifest lists. Other files stay.

    The folder goes too if nothing else is in it. A folder without a manifest stays as it is, and so does what a link
    leads to.
    """
    if folder.is_symlink():
        return
    remove_files(folder, written_files(folder))
    remove_empty_folders(folder)
    # A kill leaves a folder that is still known as ours, because the manifest goes last.
    (folder / MANIFEST).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """Delete files of a folder by the names that a marker or manifest lists. What lies behind a link stays."""
    inside = Path(os.path.realpath(folder))
    for name in names:
        file = folder / name
        leads_inside = Path(os.path.realpath(file.parent)).is_relative_to(inside)
        if leads_inside and (file.is_symlink() or file.is_file()):
            file.unlink()


def remove_empty_folders(folder: Path) -> None:
    """Delete the folders inside a folder in which no file is left."""
    folders = [path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()]
    for path in sorted(folders, reverse=True):
        with suppress(OSError):
            path.rmdir()


def clear_scratch(scratch: Path, folders: Iterable[Path]) -> None:
    """Delete what killed processes left in a scratch folder.

    Args:
        scratch: the folder that was given to ``replacing`` and ``replacing_folder``.
        folders: those that ``replacing_folder`` writes. One that was being replaced gets its name back.
    """
    for folder in folders:
        found = present(folder, scratch)
        if found != folder:
            found.rename(folder)
    if not scratch.is_symlink():
        shutil.rmtree(scratch, ignore_errors=True)
    # A process that was killed while it wrote the first marker has left it under another token.
    for path in own_names(scratch.parent):
        if _TOKEN.fullmatch(path.name.removeprefix(PREFIX)) and not path.is_symlink():
            for file in path.glob(f".{MARKER}.*.new"):
                file.unlink()
            with suppress(OSError):
                path.rmdir()
