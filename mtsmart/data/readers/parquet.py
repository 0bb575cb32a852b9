"""Parquet files, of which a few bytes may expand to more than the memory holds."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mtsmart.data.readers.shapes import check_types
from mtsmart.errors import DataError

_BATCH = 10_000  # rows read together
_FEW = 100  # rows read together where texts may be many times longer than in the file
MAX_SPARED = 100  # A file may expand to this many times its size,
MAX_EXPANDED = 2**29  # or to this many bytes if that is more.
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def read_parquet(file: Path) -> pa.Table:
    """All rows of a file; columns of dictionaries become plain columns.

    Raises:
        DataError: it cannot be read, expands to too many bytes, or has columns that are too many or too deep.
    """
    limit = max(MAX_EXPANDED, MAX_SPARED * file.stat().st_size)
    try:
        with pq.ParquetFile(file) as stored:
            check_types(stored.schema_arrow, file)
            texts = _texts(stored.schema)
            total = _stated(stored.metadata)
        if total > limit or _counted(file, texts, limit) > limit:
            message = f"expands to more than {limit / 2**20:,.0f} MB, {MAX_SPARED} times its size"
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
    """Bytes of all rows according to the file's metadata; a lower bound."""
    total = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        chunks = [group.column(place) for place in range(group.num_columns)]
        values = sum(chunk.num_values * _width(chunk.physical_type) for chunk in chunks)
        total += max(group.total_byte_size, values)
    return total


def _width(physical: str) -> int:
    """Bytes of a value, at least."""
    return {"BOOLEAN": 0, "INT64": 8, "DOUBLE": 8}.get(physical, 1)  # INT32 also stores whole numbers of one byte.


def _texts(schema: pq.ParquetSchema) -> list[str]:
    """Columns of texts or bytes, at any depth."""
    columns = [schema.column(number) for number in range(len(schema))]
    texts = [column for column in columns if column.physical_type == "BYTE_ARRAY"]
    return [column.path for column in texts if column.logical_type.type != "DECIMAL"]


def _counted(file: Path, texts: list[str], limit: int) -> int:
    """Bytes of all rows; counting stops beyond ``limit``.

    Texts are read as dictionaries, so that a text that repeats takes memory only once while it is counted.
    """
    try:
        return _summed(file, texts, limit, _BATCH)
    except pa.ArrowNotImplementedError:
        # Arrow cannot read nested texts of a row group that begins with dictionaries and ends with plain texts.
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
    """Bytes of an array whose dictionaries are replaced by plain values."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(array.dictionary).take(array.indices)
        return int(pc.sum(lengths).as_py() or 0) + int(array.indices.nbytes)
    if pa.types.is_struct(kind):
        return sum(map(_expanded, array.flatten()))
    if pa.types.is_map(kind):
        first = array.offsets[0].as_py()
        beyond = array.offsets[-1].as_py()
        return 4 * len(array) + sum(_expanded(part[first:beyond]) for part in (array.keys, array.items))
    if any(is_list(kind) for is_list in _LISTS):
        return 4 * len(array) + _expanded(array.flatten())
    return int(array.nbytes)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column
