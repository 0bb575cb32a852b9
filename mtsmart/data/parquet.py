"""Reading parquet files, which may hold in few bytes more than a memory can."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mtsmart.data.shapes import check_types
from mtsmart.errors import DataError

_BATCH = 10_000  # rows read together
_FEW = 100  # the same, of texts that may be many times longer than they look
_MAX_SPARED = 100  # a file may expand to so many times its size, or to
_MAX_EXPANDED = 2**29  # bytes, whichever is more
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def read_parquet(file: Path) -> pa.Table:
    """All rows of a file, dictionaries as plain columns.

    Raises:
        DataError: it cannot be read, or is too large, wide or deep for what it is.
    """
    limit = max(_MAX_EXPANDED, _MAX_SPARED * file.stat().st_size)
    try:
        with pq.ParquetFile(file) as stored:
            check_types(stored.schema_arrow, file)
            texts = _texts(stored.schema)
            total = _stated(stored.metadata)
        if total > limit or _counted(file, texts, limit) > limit:
            message = f"expands to more than {limit / 2**20:,.0f} MB, {_MAX_SPARED} times its size"
            hint = "If that is meant, store it with less compression, or in parts"
            raise DataError(message, file=file, hint=hint)
        with pq.ParquetFile(file) as stored:
            table = pa.Table.from_batches(stored.iter_batches(_BATCH), stored.schema_arrow)
        table = pa.table({name: _plain(table.column(name)) for name in table.column_names})
        table.validate(full=True)  # texts that are not UTF-8
        return table
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: a column's name is not UTF-8
        raise DataError(f"is not a readable parquet file: {str(error).splitlines()[0]}", file=file) from None


def _stated(metadata: pq.FileMetaData) -> int:
    """Bytes that the file's own account comes to; a lower bound."""
    total = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        chunks = [group.column(place) for place in range(group.num_columns)]
        values = sum(chunk.num_values * _width(chunk.physical_type) for chunk in chunks)
        total += max(group.total_byte_size, values)
    return total


def _width(physical: str) -> int:
    """Bytes of a value, at least."""
    return {"BOOLEAN": 0, "INT64": 8, "DOUBLE": 8}.get(physical, 1)  # whole numbers of one byte are INT32 too


def _texts(schema: pq.ParquetSchema) -> list[str]:
    """Columns of texts or bytes, at any depth."""
    columns = [schema.column(number) for number in range(len(schema))]
    texts = [column for column in columns if column.physical_type == "BYTE_ARRAY"]
    return [column.path for column in texts if column.logical_type.type != "DECIMAL"]


def _counted(file: Path, texts: list[str], limit: int) -> int:
    """Bytes of all rows, or of so many that they are beyond ``limit``.

    Texts that repeat are read as such, so that a file of few bytes is seen for what it is before it becomes many.
    """
    try:
        return _summed(file, texts, limit, _BATCH)
    except pa.ArrowNotImplementedError:  # Arrow reads no nested texts of a row group that begin as such and end plain
        return _summed(file, [name for name in texts if "." not in name], limit, _FEW)


def _summed(file: Path, texts: list[str], limit: int, rows: int) -> int:
    total = 0
    with pq.ParquetFile(file, read_dictionary=texts) as stored:
        for group in range(stored.metadata.num_row_groups):  # each has a dictionary of its own
            for batch in stored.iter_batches(rows, row_groups=[group]):
                total += sum(map(_expanded, batch.columns))
                if total > limit:
                    return total
    return total


def _expanded(array: pa.Array) -> int:
    """Bytes of an array once its dictionaries are gone."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(array.dictionary).take(array.indices)
        return int(pc.sum(lengths).as_py() or 0) + int(array.indices.nbytes)
    if pa.types.is_struct(kind):
        return sum(map(_expanded, array.flatten()))
    if pa.types.is_map(kind):
        first, beyond = array.offsets[0].as_py(), array.offsets[-1].as_py()
        return 4 * len(array) + sum(_expanded(part[first:beyond]) for part in (array.keys, array.items))
    if any(is_list(kind) for is_list in _LISTS):
        return 4 * len(array) + _expanded(array.flatten())
    return int(array.nbytes)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column
