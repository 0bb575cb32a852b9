"""Parquet files, of which a few bytes may expand to more than the memory holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mtsmart.data.readers.packed import ROW, most_bytes, too_large
from mtsmart.data.readers.shapes import check_types
from mtsmart.errors import DataError

_BATCH = 10_000  # rows read together
_FEW = 100  # rows read together where texts may be many times longer than in the file
_ITEM = 8  # bytes that an item of a list takes at least, as Arrow reads it and in Python's lists
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def read_parquet(file: Path) -> Iterator[pa.Table]:
    """All rows of a file, one row group after the other; columns of dictionaries become plain columns.

    Raises:
        DataError: it cannot be read, expands to too many bytes, or has columns that are too many or too deep.
    """
    limit = most_bytes(file)
    total = 0
    try:
        with pq.ParquetFile(file) as stored:
            check_types(stored.schema_arrow, file)
            if _stated(stored.metadata) > limit:
                raise too_large(limit, file)
            texts = _texts(stored.schema)
            yield _plain_table(stored.schema_arrow.empty_table())
            for group in range(stored.metadata.num_row_groups):
                total += _counted(file, stored.metadata, texts, limit - total, group)
                if total > limit:
                    raise too_large(limit, file)
                for batch in stored.iter_batches(_BATCH, row_groups=[group]):
                    yield _checked(batch, stored.schema_arrow)
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: a column's name is not UTF-8
        reason = str(error).splitlines()[0]
        raise DataError(f"is not a readable parquet file: {reason}", file=file) from None


def label_metadata(file: Path) -> bytes | None:
    """What ``datasets`` wrote into a file about its columns, as JSON; None if there is nothing.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with pq.ParquetFile(file) as stored:
            found: bytes | None = (stored.schema_arrow.metadata or {}).get(b"huggingface")
            return found
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"is not a readable parquet file: {reason}", file=file) from None


def _checked(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    table = _plain_table(pa.Table.from_batches([batch], schema))
    table.validate(full=True)  # texts that are not UTF-8
    return table


def _plain_table(table: pa.Table) -> pa.Table:
    return pa.table({name: _plain(table.column(name)) for name in table.column_names})


def _stated(metadata: pq.FileMetaData) -> int:
    """Bytes of all rows in memory according to the file's metadata, at least; a list without items counts one."""
    widths = [_width(metadata.schema.column(place)) for place in range(metadata.num_columns)]
    rows = 0
    total = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        places = zip(range(group.num_columns), widths, strict=False)  # Damaged metadata may lack columns.
        values = sum(group.column(place).num_values * width for place, width in places)
        rows += max(group.num_rows, 0)  # Damaged metadata may have numbers below 0.
        total += max(group.total_byte_size, int(values), 0)
    return total + ROW * max(rows, int(metadata.num_rows))


def _width(column: pq.ColumnSchema) -> float:
    """Bytes of a value in memory, at least: a text has an offset besides its letters."""
    widths = {"BOOLEAN": 1 / 8, "INT64": 8, "INT96": 8, "FLOAT": 4, "DOUBLE": 8, "BYTE_ARRAY": 4}
    width = widths.get(column.physical_type, 1)  # INT32 also stores whole numbers of one byte.
    return max(width, _ITEM) if column.max_repetition_level else width


def _texts(schema: pq.ParquetSchema) -> list[str]:
    """Columns of texts or bytes, at any depth."""
    columns = [schema.column(number) for number in range(len(schema))]
    texts = [column for column in columns if column.physical_type == "BYTE_ARRAY"]
    return [column.path for column in texts if column.logical_type.type != "DECIMAL"]


def _counted(file: Path, metadata: pq.FileMetaData, texts: list[str], limit: int, group: int) -> int:
    """Bytes of the rows of a row group in memory; counting stops beyond ``limit``.

    Texts are read as dictionaries, so that a text that repeats takes memory only once while it is counted.
    """
    try:
        return _summed(file, metadata, texts, limit, _BATCH, group)
    except pa.ArrowNotImplementedError:
        # Arrow cannot read nested texts of a row group that begins with dictionaries and ends with plain texts.
        return _summed(file, metadata, [name for name in texts if "." not in name], limit, _FEW, group)


def _summed(file: Path, metadata: pq.FileMetaData, texts: list[str], limit: int, rows: int, group: int) -> int:
    total = 0
    with pq.ParquetFile(file, metadata=metadata, read_dictionary=texts) as stored:
        for batch in stored.iter_batches(rows, row_groups=[group]):
            total += ROW * int(batch.num_rows) + sum(map(_expanded, batch.columns))
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
        return 4 * len(array) + sum(_items(part[first:beyond]) for part in (array.keys, array.items))
    if any(is_list(kind) for is_list in _LISTS):
        return 4 * len(array) + _items(array.flatten())
    return int(array.nbytes)


def _items(array: pa.Array) -> int:
    return max(_ITEM * len(array), _expanded(array))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column
