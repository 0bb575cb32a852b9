"""Writes files and folders so that a crash, a kill or a full disk leaves each of them complete or absent.

Each file is written under another name, flushed to the disk and then renamed. A folder gets a manifest of sizes and
SHA-256 hashes, which shows later damage. A failed write becomes one error that names the place. Files that mtsmart did
not write stay where they are: a replaced folder keeps them. Permissions follow the umask.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from mtsmart.errors import CheckpointError, StorageError
from mtsmart.storage.exchange import exchange
from mtsmart.storage.failures import reason_of, writing
from mtsmart.text.json_text import json_text

MANIFEST = "manifest.json"
_MAX_JSON = 16_000_000
_NEW = ".new"  # the ending of a file or folder while it is written
_OLD = ".old"  # the ending of a folder that will be deleted next
_RIGHTS_OF_FILES = 0o666  # of a folder's permissions, those that files may have too


@contextmanager
def replacing(file: Path, scratch: Path | None = None) -> Iterator[Path]:
    """Write a file. The context yields another path to write to, which replaces ``file`` at the end.

    Args:
        file: the file.
        scratch: a folder of the same disk for the unfinished file, which is made if it is not there. Its owner clears
            it at the next start if the process is killed. None: beside ``file``.

    Raises:
        StorageError: it cannot be written. ``file`` is then unchanged.
    """
    # The name is unique, because several processes may write the same file of a cache at once.
    aside = (scratch or file.parent) / f".{file.name}.{unique()}{_NEW}"
    with writing(file), _made(scratch):
        try:
            aside.touch(exist_ok=False)
            mode = stat.S_IMODE(aside.stat().st_mode)
            yield aside
            aside.chmod(mode)  # Some libraries write files that only their owner may read.
            flush(aside)
            aside.replace(file)
            flush(file.parent)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise


def unique() -> str:
    """Twelve random hexadecimal digits, for a name that nothing else has."""
    return uuid.uuid4().hex[:12]


def refuse_links(paths: Iterable[Path]) -> None:
    """Refuse to work through links, which may lead to files of others.

    Raises:
        StorageError: one of the paths is a link.
    """
    for path in paths:
        if path.is_symlink():
            raise StorageError(
                "is a link, and mtsmart writes no files through links", file=path, hint="Delete the link"
            )


@contextmanager
def _made(scratch: Path | None) -> Iterator[None]:
    """Make a scratch folder, and remove it at the end if it is empty then."""
    if scratch is not None:
        refuse_links([scratch])
        scratch.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        if scratch is not None:
            with suppress(OSError):
                scratch.rmdir()


def write_text(file: Path, text: str, scratch: Path | None = None) -> None:
    """Write a text file. A reader sees the old text or the new text, never a part of it."""
    with replacing(file, scratch) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(file: Path, data: Any, scratch: Path | None = None) -> None:
    """Write a JSON file. A reader sees the old data or the new data, never a part of it."""
    write_text(file, json_text(data, indent=2, ensure_ascii=False) + "\n", scratch)


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
    """Open a file at its end, or create it. A symbolic link is refused, so that it leads to no other file.

    A hard link is cut first: another name of the file, such as one in a backup, keeps the present content.
    """
    if file.is_file() and not file.is_symlink() and file.stat().st_nlink > 1:
        with replacing(file) as aside:
            shutil.copyfile(file, aside)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    stream = os.fdopen(os.open(file, flags, 0o666), "ab")
    stream.seek(0, os.SEEK_END)
    return stream


@contextmanager
def replacing_folder(folder: Path, scratch: Path) -> Iterator[Path]:
    """Write a folder and its manifest. The context yields another path to fill, which replaces ``folder`` at the end.

    If the process dies at any moment, :func:`present` finds the old folder or the new one. Files in the old folder
    that its manifest does not list are in the new folder too.

    Args:
        folder: the folder.
        scratch: a folder of the same disk for what is unfinished. All in it is mtsmart's own, and may be deleted.

    Raises:
        StorageError: it cannot be written. ``folder`` is then unchanged.
    """
    aside = scratch / (folder.name + _NEW)
    with writing(folder), _made(scratch):
        try:
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            yield aside
            _follow_umask(aside)
            _write_manifest(aside)
            folder.parent.mkdir(parents=True, exist_ok=True)
            put_in_place(aside, folder, scratch)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise


def put_in_place(aside: Path, folder: Path, scratch: Path) -> None:
    """Rename a complete folder, which may replace another one.

    Where the system can exchange two folders, there is a folder of this name at every moment, and so are files of
    others in it. Elsewhere a process that dies between two renamings leaves it where :func:`present` finds it.

    Args:
        aside: the complete folder.
        folder: its name from now on. Files in the present folder of this name stay if its manifest does not list them.
        scratch: as in :func:`replacing_folder`.
    """
    old = scratch / (folder.name + _OLD)
    try:
        if folder.exists():
            _carry_over(folder, aside)
            shutil.rmtree(old, ignore_errors=True)
            if exchange(aside, folder):
                aside.rename(old)
            else:
                folder.rename(old)
                aside.rename(folder)
            _carry_over(old, folder)  # what somebody has put into it meanwhile
        else:
            aside.rename(folder)
        flush(folder.parent)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _carry_over(folder: Path, aside: Path) -> None:
    """Give the new folder the files of the old one that no manifest lists. They keep their content and their times."""
    written = {*written_files(folder), MANIFEST}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        target = aside / name
        if name in written or (file.is_dir() and not file.is_symlink()) or os.path.lexists(target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(file, target)


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Give a file a second name, which needs no space; a copy where the file system has no links."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # the file system has no links, or it is full; then the copy fails with the reason
        shutil.copy2(source, target, follow_symlinks=False)


def written_files(folder: Path) -> list[str]:
    """The names that a folder's manifest lists; none if there is no manifest that can be read."""
    try:
        return [name for name in _manifest(folder) if is_inside(name)]
    except (OSError, ArithmeticError, ValueError, KeyError, TypeError, AttributeError):
        return []


def present(folder: Path, scratch: Path) -> Path:
    """The path under which ``folder`` exists. A process that died may have left it under its temporary old name."""
    old = scratch / (folder.name + _OLD)
    return old if old.exists() and not folder.exists() else folder


def _follow_umask(folder: Path) -> None:
    """Give the files of a new folder the permissions of the folder itself, which the system made by the umask."""
    mode = stat.S_IMODE(folder.stat().st_mode) & 0o777
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(mode if path.is_dir() else mode & _RIGHTS_OF_FILES)


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
        entries = _manifest(folder)
    except FileNotFoundError:
        raise CheckpointError(f"is incomplete: its {MANIFEST} is missing", file=folder) from None
    except (OSError, ArithmeticError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"is damaged: {reason_of(error)}", file=manifest) from None
    for name, (size, digest) in entries.items():
        file = folder / name
        if not is_inside(name):
            raise CheckpointError("names a file outside its folder", file=manifest, value=name)
        try:
            _check_file(file, size, digest, hint)
        except OSError as error:  # A name that is not valid for a file also raises this error.
            message = f"cannot be read: {error.strerror}"
            raise CheckpointError(message, file=folder, key=MANIFEST, value=name, hint=hint) from None


def _manifest(folder: Path) -> dict[str, tuple[int, str]]:
    """Name -> size in bytes and SHA-256."""
    files = read_json(folder / MANIFEST)["files"]
    return {str(name): (int(entry["size"]), str(entry["sha256"])) for name, entry in files.items()}


def is_inside(name: str) -> bool:
    """Whether a name in a manifest or marker is that of a file in its folder."""
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def _check_file(file: Path, size: int, digest: str, hint: str | None) -> None:
    if not file.is_file():
        raise CheckpointError("is missing", file=file, hint=hint)
    if file.stat().st_size != size:
        message = f"is damaged: {file.stat().st_size:,} bytes instead of {size:,}"
        raise CheckpointError(message, file=file, hint=hint)
    if sha256_of(file) != digest:
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
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": sha256_of(path)} for path in files
    }
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps({"files": entries}, indent=1) + "\n", encoding="utf-8")
    for path in (*files, manifest, *(path for path in folder.rglob("*") if path.is_dir()), folder):
        flush(path)


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
