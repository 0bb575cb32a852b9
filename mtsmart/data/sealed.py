"""Arrow files of the cache, which are written once, sealed by their content, and checked when they are opened.

A file ``x.arrow`` has a seal ``x.seal.json`` with its size, its number of rows and its SHA-256. What is opened is not
the file itself but a copy of its own: in memory, or where it is large in a file without a name, mapped into memory. So
nothing that another process does to the file later reaches the rows. A map of the file itself would show another
process's changes, and would end this process with a signal (SIGBUS) when somebody cuts the file.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import datasets
import pyarrow as pa
from datasets.table import InMemoryTable

from mtsmart.log import log_notice
from mtsmart.storage.durable import read_json, require_file, write_json
from mtsmart.storage.failures import writing

_IN_MEMORY = 2**25  # bytes; larger files are copied to the disk and mapped
_CHUNK = 2**22  # bytes
_DAMAGED = (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError, pa.ArrowException)


def seal(file: Path, facts: Mapping[str, int] = MappingProxyType({})) -> datasets.Dataset:
    """Write the seal of an Arrow stream that has just been written, and open it.

    Args:
        file: the file.
        facts: what else the seal says; :func:`fact_of` finds it.

    Raises:
        StorageError: the seal cannot be written.
    """
    with writing(file), file.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        content, digest = _copied(stream, size)
    rows = _rows(content, digest)
    write_json(seal_of(file), {**facts, "rows": len(rows), "bytes": size, "sha256": digest})
    return rows


def seal_of(file: Path) -> Path:
    """The path of a file's seal."""
    return file.with_suffix(".seal.json")


def fact_of(file: Path, name: str) -> int | None:
    """What the seal of a file says besides its content; None where it does not say it."""
    try:
        value = read_json(seal_of(file)).get(name)
    except _DAMAGED:
        return None
    return value if isinstance(value, int) else None


def open_sealed(file: Path) -> datasets.Dataset | None:
    """The rows of a sealed file, in a copy of their own.

    Returns:
        None if there is no such file or no seal, or if the file is not what was sealed. A notice tells of the latter.

    Raises:
        StorageError: there is no place for the copy of a large file.
    """
    try:
        sealed = read_json(seal_of(file))
        require_file(file)
        with file.open("rb") as stream:
            content, digest = _copied(stream, int(sealed["bytes"]))
        rows = _rows(content, digest) if digest == sealed["sha256"] else None
        if rows is not None and len(rows) == sealed["rows"]:
            return rows
    except FileNotFoundError:
        return None
    except _DAMAGED:
        pass
    log_notice(f"{file}: is damaged, so it is made again")
    return None


def _rows(content: pa.Buffer, digest: str) -> datasets.Dataset:
    """The rows of an Arrow stream.

    Raises:
        pa.ArrowException: it is no Arrow stream, or an offset in it leads out of its column.
    """
    table = InMemoryTable.from_buffer(content)
    table.validate(full=True)
    return datasets.Dataset(table, fingerprint=digest[:32])


def _copied(stream: BinaryIO, size: int) -> tuple[pa.Buffer, str]:
    """A copy of a file that no other process can change, and its SHA-256.

    Raises:
        ValueError: the file has not ``size`` bytes.
        StorageError: there is no place for the copy.
    """
    if size <= _IN_MEMORY:
        content = stream.read(size + 1)
        if len(content) != size:
            raise ValueError("has another size")
        return pa.py_buffer(content), hashlib.sha256(content).hexdigest()
    folder = Path(stream.name).parent
    with writing(folder), _nameless(folder) as copy:
        digest = hashlib.sha256()
        while chunk := stream.read(min(_CHUNK, size + 1 - copy.tell())):
            digest.update(chunk)
            copy.write(chunk)
        if copy.tell() != size:
            raise ValueError("has another size")
        copy.flush()
        return pa.py_buffer(mmap.mmap(copy.fileno(), size, access=mmap.ACCESS_READ)), digest.hexdigest()


def _nameless(folder: Path) -> BinaryIO:
    """A file that no other process can open, in a folder, or among the temporary files if the folder is read-only."""
    try:
        return tempfile.TemporaryFile(dir=folder, buffering=0)
    except OSError:
        return tempfile.TemporaryFile(buffering=0)
