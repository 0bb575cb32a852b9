"""Rows of any number in little memory: they are written to a file without a name, which is mapped into memory.

The file is gone when its rows are. So nothing is left behind, and nobody can change or cut it while it is read.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from mtsmart.storage.durable import writing

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
    parts = [_mapped(same, folder) for _, same in groupby(plain, key=lambda table: table.schema)]
    return pa.concat_tables(parts, promote_options="permissive")


def _mapped(tables: Iterable[pa.Table], folder: Path) -> pa.Table:
    """Tables of the same columns, as one that lies on the disk."""
    with tempfile.TemporaryFile(dir=folder) as stream:
        writer = None
        for table in tables:
            with writing(folder):
                writer = writer or pa.ipc.new_stream(stream, table.schema)
                writer.write_table(table, _BATCH)
        assert writer is not None
        with writing(folder):
            writer.close()
            stream.flush()
        content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    return pa.ipc.open_stream(pa.py_buffer(content)).read_all()
