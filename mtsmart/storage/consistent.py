"""Reads a folder that another process may replace meanwhile, so that all that was read is of one folder.

A run that trains replaces ``model/`` at each better evaluation. A reader that opens its files one after the other would
get the encoder of one model and the heads of another. So a read counts only if, after it, the path still leads to the
folder that it led to before, with the same files. Otherwise all files are opened at once, and read from there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from mtsmart.errors import CheckpointError, MtsmartError

T = TypeVar("T")
_PATIENCE = 60.0  # seconds until a folder that changes again and again is given up
_PAUSE = 0.01  # seconds between two looks for a folder that is not there
_LOOKS = 5  # a folder that is being renamed may be missed once


def read_consistently(find: Callable[[], Path], read: Callable[[Path], T], also: Iterable[Path] = ()) -> T:
    """Read a folder so that all that was read is of one folder, whole.

    Args:
        find: gives the path under which the folder is now. ``durable.replacing_folder`` may replace the folder at any
            moment, and a process that died may have left it under another name.
        read: gets the path of the folder, or of a copy. It may be called several times, so it must only read. Its
            errors count if the folder stayed the same.
        also: files beside the folder that ``read`` reads too.

    Returns:
        what ``read`` returned.

    Raises:
        CheckpointError: the folder changed during each read for a minute.
    """
    others = list(also)
    until = time.monotonic() + _PATIENCE
    try:
        return _read_in_place(find, read, others)
    except _Changed:
        pass
    while time.monotonic() < until:
        # A model that is replaced often may never stay long enough to be loaded. Its open files do.
        with suppress(_Changed):
            return _read_opened(find, read, others)
    message = f"changed during each of the reads of the last {_PATIENCE:.0f} seconds"
    raise CheckpointError(message, file=find(), hint="Try again when the process that writes it has ended")


class _Changed(Exception):
    """The folder did not stay the same while it was read."""


def _read_in_place(find: Callable[[], Path], read: Callable[[Path], T], others: Sequence[Path]) -> T:
    """Read the folder by its path."""
    path = _found(find)
    with _held(path), _unchanged(partial(_state_of_folder, find, path, others)):
        return read(path)


def _read_opened(find: Callable[[], Path], read: Callable[[Path], T], others: Sequence[Path]) -> T:
    """Open all files of the folder in one moment, and read what was opened, even if it is deleted meanwhile."""
    path = _found(find)
    with ExitStack() as stack:
        with _held(path), _unchanged(partial(_state_of_folder, find, path, others)):
            opened = {file.relative_to(path): stack.enter_context(file.open("rb")) for file in _files(path)}
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mtsmart-")))
        for name, stream in opened.items():
            _place(stream, place / name)
        with _unchanged(lambda: (_state_of_opened(opened), _state(others))):
            try:
                return read(place)
            except MtsmartError as error:
                if error.file is None:
                    raise
                raise error.at(str(error.file).replace(str(place), str(path)), error.line) from None


@contextmanager
def _unchanged(state: Callable[[], object]) -> Iterator[None]:
    """Check that a state is the same at the end. Errors count only then.

    Raises:
        _Changed: it is another.
    """
    before = state()
    try:
        yield
    except Exception:
        if state() != before:
            raise _Changed from None
        raise
    if state() != before:
        raise _Changed


def _found(find: Callable[[], Path]) -> Path:
    """The path of the folder, also if it does not exist."""
    for _ in range(_LOOKS):
        path = find()
        if path.exists():
            break
        time.sleep(_PAUSE)
    return path


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep the folder open, so that no other folder gets its inode number."""
    descriptor = None
    with suppress(OSError):  # Windows opens no folders. There a folder with open files cannot be renamed.
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _state_of_folder(find: Callable[[], Path], path: Path, others: Iterable[Path]) -> object:
    """What identifies all files; never the same twice if the folder is no longer under ``path``.

    A folder under its old name that has been replaced is being deleted, and may lack some of its files already.
    """
    if find() != path:
        return object()
    paths = [*others, path]
    with suppress(OSError):  # The folder may vanish meanwhile.
        paths += sorted(path.rglob("*"))
    return _state(paths)


def _state(paths: Iterable[Path]) -> dict[Path, tuple[int, ...]]:
    """What identifies files and folders: inode, size and times.

    The time of the last change (ctime) also tells of a folder that was renamed away and back.
    """
    state = {}
    for path in paths:
        with suppress(OSError):
            found = path.stat()
            state[path] = (*_content_of(found), found.st_ctime_ns)
    return state


def _state_of_opened(opened: Mapping[Path, BinaryIO]) -> list[tuple[int, ...]]:
    """As ``_state``, but without the ctime, which also changes when a file loses its name."""
    return [_content_of(os.fstat(stream.fileno())) for stream in opened.values()]


def _content_of(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _place(stream: BinaryIO, path: Path) -> None:
    """Make an open file readable by a path: as a link to its descriptor, or as a copy on systems without such links."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = Path(f"/proc/self/fd/{stream.fileno()}")
    if descriptor.exists():
        path.symlink_to(descriptor)
        return
    with path.open("wb") as copy:
        shutil.copyfileobj(stream, copy)
