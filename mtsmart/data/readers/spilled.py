"""Rows of any number in little memory: they are written to a file without a name, which is mapped into memory.

The file is gone when its rows are. So nothing is left behind, and nobody can change or cut it while it is read.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from mtsmart.storage.failures import writing

_BATCH = 1000  # rows, as in the files of datasets; the keys of encoded rows depend on it


def spilled(tables: Iterable[pa.Table], folder: Path) -> pa.Table:
    """All rows of ``tables`` as one table; the columns get types that hold the values of all tables.

    Args:
        tables: at least one.
        folder: where the file is; it must be on a disk.

    Raises:
        StorageError: the file cannot be written.
        ArrowException: a column has values that no type holds together.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    plain = (table.replace_schema_metadata(None) for table in tables)
    with ExitStack() as stack:
        with writing(folder):
            stream = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        starts = []
        for _, same in groupby(plain, key=lambda table: table.schema):
            starts.append(stream.tell())
            _write(same, stream, folder)
        with writing(folder):
            stream.flush()
        content = pa.py_buffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    parts = [pa.ipc.open_stream(content.slice(start)).read_all() for start in starts]
    return pa.concat_tables(parts, promote_options="permissive")


def _write(tables: Iterable[pa.Table], stream: BinaryIO, folder: Path) -> None:
    """Append tables of the same columns to a file, which may have parts with other columns.

    One file has all the parts, because a process may have few files open.
    """
    writer = None
    for table in tables:
        with writing(folder):
            writer = writer or pa.ipc.new_stream(stream, table.schema)
            writer.write_table(table, _BATCH)
    assert writer is not None
    with writing(folder):
        writer.close()
