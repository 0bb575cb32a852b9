"""Writes files and folders so that a crash, a kill or a full disk leaves each of them complete or absent.

Each file is written under another name, flushed to the disk and then renamed. A folder gets a manifest of sizes and
SHA-256 hashes, which shows later damage. A failed write becomes one error that names the place.
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
_NEW = ".new"  # the ending of a file or folder while it is written
_OLD = ".old"  # the ending of a folder that will be deleted next
_ASIDE = re.compile(r"\..+\.[0-9a-f]{12}\.new")


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn a failed write into an error with one message.

    Raises:
        StorageError: a write failed, for example because the disk is full or the folder has no write permission.
    """
    try:
        yield
    except MtsmartError:
        raise
    except Exception as error:
        reason = _system_reason(error)
        if reason is None:
            raise
        raise StorageError(f"cannot be written: {reason}", file=place) from None


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Write a file. The context yields another path to write to, which replaces ``file`` at the end.

    Raises:
        StorageError: it cannot be written. ``file`` is then unchanged.
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
    """Write a text file. A reader sees the old text or the new text, never a part of it."""
    with replacing(file) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(file: Path, data: Any) -> None:
    """Write a JSON file. A reader sees the old data or the new data, never a part of it."""
    write_text(file, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def read_json(file: Path) -> Any:
    """The data of a JSON file of a run.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not JSON in UTF-8, or is larger than any file that this module writes.
    """
    try:
        return json.loads(read_bytes(file, _MAX_JSON).decode())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_bytes(file: Path, limit: int) -> bytes:
    """The content of a file. The limit of its size keeps it from filling the memory.

    Args:
        file: the file.
        limit: the largest allowed size in bytes.

    Raises:
        OSError: it cannot be read, or is not a file.
        ValueError: it is larger than ``limit``.
    """
    require_file(file)
    with file.open("rb") as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"it is larger than {limit:,} bytes")
    return content


def require_file(file: Path) -> None:
    """Refuse everything but a file on a disk. A device may never end, and the reader of a pipe may wait for ever.

    Raises:
        OSError: it is not a file, or does not exist.
    """
    mode = file.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is no file, but a device or a pipe", str(file))


def reason_of(error: Exception) -> str:
    """The reason of an error on one line. It leaves the place out, because our own errors name the place."""
    lines = str(error).splitlines() or [type(error).__name__]
    return getattr(error, "strerror", None) or lines[0]


def append_line(file: Path, line: str) -> None:
    """Add a line to a file. If that fails, the file stays unchanged.

    Raises:
        StorageError: the line cannot be written.
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
    """Open a file at its end, or create it. A symbolic link is refused, so that it leads to no other file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    stream = os.fdopen(os.open(file, flags, 0o666), "ab")
    stream.seek(0, os.SEEK_END)
    return stream


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Write a folder and its manifest. The context yields another path to fill, which replaces ``folder`` at the end.

    If the process dies at any moment, :func:`present` finds the old folder or the new one.

    Raises:
        StorageError: it cannot be written. ``folder`` is then unchanged.
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
    """The path under which ``folder`` exists. A process that died may have left it under its temporary old name."""
    old = folder.with_name(folder.name + _OLD)
    return old if old.exists() and not folder.exists() else folder


def clear_leftovers(folder: Path, folders: Iterable[str]) -> None:
    """Delete incomplete files and folders that killed processes left behind.

    A folder that a process was replacing gets its name back if the new folder does not exist. Nothing else in
    ``folder`` changes.

    Args:
        folder: the folder that contains them.
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
        CheckpointError: a file is missing, cut short or changed. The error names the file.
    """
    manifest = folder / MANIFEST
    try:
        files = read_json(manifest)["files"]
        entries = {str(name): (int(entry["size"]), str(entry["sha256"])) for name, entry in files.items()}
    except FileNotFoundError:
        raise CheckpointError(f"is incomplete: its {MANIFEST} is missing", file=folder) from None
    except (OSError, ArithmeticError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"is damaged: {reason_of(error)}", file=manifest) from None
    for name, (size, digest) in entries.items():
        file = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise CheckpointError("names a file outside its folder", file=manifest, value=name)
        try:
            _check_file(file, size, digest, hint)
        except OSError as error:  # A name that is not valid for a file also raises this error.
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
    """Make the system write a file, or a folder's list of names, to the disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder.
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


def _system_reason(error: BaseException | None) -> str | None:
    """The reason that the operating system gave; None if there is none.

    The function also looks at the errors that caused this error. If a library fails again while it cleans up, the
    system's reason is in the first error. safetensors has its own error class, whose text contains the reason.
    """
    while error is not None:
        if isinstance(error, OSError):
            return error.strerror or str(error).splitlines()[0]
        if found := _RUST.search(str(error)):
            return found[1]
        error = error.__cause__ or error.__context__
    return None
