"""Writing that survives a crash, a kill or a full disk: a file or folder is complete or not there.

Everything is written under another name, flushed to the disk, and then renamed. A folder gets a manifest of sizes and
SHA-256 hashes, which shows damage later. A failed write becomes one error that names the place.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from mtsmart.errors import CheckpointError, MtsmartError, StorageError

MANIFEST = "manifest.json"
_MAX_JSON = 16_000_000
_RUST = re.compile(r"I/O error: (.+?) \(os error \d+\)")
_NEW = ".new"  # ending of a file or folder that is being written
_OLD = ".old"  # ending of a folder that is about to be deleted
_ASIDE = re.compile(r"\..+\.[0-9a-f]{12}\.new")


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn a failed write into one message.

    Raises:
        StorageError: the disk is full, the folder cannot be written, and so on.
    """
    try:
        yield
    except MtsmartError:
        raise
    except Exception as error:
        if (words := _system_words(error)) is None:
            raise
        raise StorageError(f"cannot be written: {words}", file=place) from None


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Write a file: yields the path to write to, which takes the place of ``file`` at the end.

    Raises:
        StorageError: it cannot be written; ``file`` is unchanged then.
    """
    # The name is unique, because several processes may write the same file of a cache at once.
    aside = file.with_name(f".{file.name}.{uuid.uuid4().hex[:12]}{_NEW}")
    with writing(file):
        try:
            yield aside
            flush(aside)
            aside.replace(file)
            flush(file.parent)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise


def write_text(file: Path, text: str) -> None:
    """Write a text file; a reader sees the old text or the new one, never a part."""
    with replacing(file) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(file: Path, data: Any) -> None:
    """Write a JSON file; a reader sees the old data or the new data, never a part."""
    write_text(file, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def read_json(file: Path) -> Any:
    """The data of a JSON file of a run.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON in UTF-8, or larger than any file that this module writes.
    """
    try:
        return json.loads(read_bytes(file, _MAX_JSON).decode())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_bytes(file: Path, limit: int) -> bytes:
    """The content of a file whose size has a limit, so that it cannot fill the memory.

    Raises:
        OSError: it cannot be read, or is no file.
        ValueError: it is larger than ``limit``.
    """
    require_file(file)
    with file.open("rb") as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"it is larger than {limit:,} bytes")
    return content


def require_file(file: Path) -> None:
    """Refuse anything but a file on a disk: a device may never end, and the reader of a pipe may wait for ever.

    Raises:
        OSError: it is not a file, or not there.
    """
    mode = file.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is no file, but a device or a pipe", str(file))


def said(error: Exception) -> str:
    """The reason of an error on one line, without the place, because our own errors name it."""
    return getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]


def append_line(file: Path, line: str) -> None:
    """Add a line to a file; if that fails, the file is unchanged.

    Raises:
        StorageError: it cannot be written.
    """
    with writing(file), open_to_append(file) as stream:
        size = stream.tell()
        try:
            stream.write(line.encode() + b"\n")
            stream.flush()
        except OSError:
            os.truncate(file, size)
            raise


def open_to_append(file: Path) -> BinaryIO:
    """The file, open at its end; it is created if it is not there. A symbolic link is refused, not followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    stream = os.fdopen(os.open(file, flags, 0o666), "ab")
    stream.seek(0, os.SEEK_END)
    return stream


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Write a folder and its manifest: yields the path to fill, which takes the place of ``folder`` at the end.

    Whenever the process dies, :func:`present` finds the old folder or the new one.

    Raises:
        StorageError: it cannot be written; ``folder`` is unchanged then.
    """
    aside = folder.with_name(folder.name + _NEW)
    old = folder.with_name(folder.name + _OLD)
    with writing(folder):
        try:
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            yield aside
            _write_manifest(aside)
            if folder.exists():
                shutil.rmtree(old, ignore_errors=True)
                folder.rename(old)
            aside.rename(folder)
            flush(folder.parent)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            if old.exists() and not folder.exists():
                old.rename(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)


def present(folder: Path) -> Path:
    """The place of ``folder``: a process that died while it replaced the folder may have left it under its old name."""
    old = folder.with_name(folder.name + _OLD)
    return old if old.exists() and not folder.exists() else folder


def clear_leftovers(folder: Path, folders: Iterable[str]) -> None:
    """Delete incomplete files and folders that killed processes left behind.

    A folder that was about to be replaced gets its name back if the new one is not there. Nothing else in ``folder``
    is changed.

    Args:
        folder: the folder that holds them.
        folders: names of the folders in it that ``replacing_folder`` writes.
    """
    for path in folder.glob(".*"):
        if _ASIDE.fullmatch(path.name):
            path.unlink(missing_ok=True)
    for name in folders:
        target = folder / name
        if present(target) != target:
            present(target).rename(target)
        for ending in (_NEW, _OLD):
            aside = target.with_name(name + ending)
            aside.unlink() if aside.is_symlink() else shutil.rmtree(aside, ignore_errors=True)


def check_manifest(folder: Path, hint: str | None = None) -> None:
    """Compare a folder with its manifest.

    Args:
        folder: one that :func:`replacing_folder` wrote.
        hint: what the user can do about a damaged file.

    Raises:
        CheckpointError: a file is missing, cut short or changed; it is named.
    """
    manifest = folder / MANIFEST
    try:
        files = read_json(manifest)["files"]
        entries = {str(name): (int(entry["size"]), str(entry["sha256"])) for name, entry in files.items()}
    except FileNotFoundError:
        raise CheckpointError(f"is incomplete: its {MANIFEST} is missing", file=folder) from None
    except (OSError, ArithmeticError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"is damaged: {said(error)}", file=manifest) from None
    for name, (size, digest) in entries.items():
        file = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise CheckpointError("names a file outside its folder", file=manifest, value=name)
        try:
            _check_file(file, size, digest, hint)
        except OSError as error:  # A name that no file can have also raises it.
            message = f"cannot be read: {error.strerror}"
            raise CheckpointError(message, file=folder, key=MANIFEST, value=name, hint=hint) from None


def _check_file(file: Path, size: int, digest: str, hint: str | None) -> None:
    if not file.is_file():
        raise CheckpointError("is missing", file=file, hint=hint)
    if file.stat().st_size != size:
        message = f"is damaged: {file.stat().st_size:,} bytes instead of {size:,}"
        raise CheckpointError(message, file=file, hint=hint)
    if _sha256(file) != digest:
        raise CheckpointError("is damaged: it is not what was written (its SHA-256 differs)", file=file, hint=hint)


def flush(path: Path) -> None:
    """Make the system write a file, or the list of names of a folder, to the disk."""
    if path.is_dir() and os.name == "nt":  # Windows has no handle for folders.
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_manifest(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    entries = {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": _sha256(path)} for path in files
    }
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps({"files": entries}, indent=1) + "\n", encoding="utf-8")
    for path in (*files, manifest, *(path for path in folder.rglob("*") if path.is_dir()), folder):
        flush(path)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _system_words(error: BaseException | None) -> str | None:
    """The system's reason in an error, or in an error behind it; None if there is none.

    safetensors has its own error class, whose text holds the system's reason. And if a library fails again while it
    cleans up, the first error is behind the second.
    """
    while error is not None:
        if isinstance(error, OSError):
            return error.strerror or str(error).splitlines()[0]
        if words := _RUST.search(str(error)):
            return words[1]
        error = error.__cause__ or error.__context__
    return None
