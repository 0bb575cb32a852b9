"""Parquet files, of which a few bytes may expand to more than the memory holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mtsmart.data.readers.forms.plain_types import is_text_view, lengths_of_views, plain, text_type
from mtsmart.data.readers.forms.second_names import distinct_names
from mtsmart.data.readers.forms.wanted import Wanted, check_wanted_names, unread
from mtsmart.data.readers.packed import ROW, most_bytes, too_large
from mtsmart.data.readers.shapes import check_types
from mtsmart.errors import DataError, reason_in

_BATCH = 10_000  # rows read together
_FEW = 100  # rows read together where texts may be many times longer than in the file
_ITEM = 8  # bytes that an item of a list takes at least, as Arrow reads it and in Python's lists
_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)


def read_parquet(file: Path, wanted: Wanted = None, doubled: bool = False) -> Iterator[pa.Table]:
    """All rows of a file, one row group after the other; dictionaries and views become plain columns.

    Args:
        file: the file.
        wanted: the columns to read; of others only the names are kept. None: all.
        doubled: whether columns may have the same name where all of them are read.

    Raises:
        DataError: it cannot be read, expands to too many bytes, or has columns that are too many or too deep.
    """
    limit = most_bytes(file)
    total = 0
    done = 0
    try:
        with pq.ParquetFile(file) as stored:
            kept = _kept(stored.schema_arrow, wanted, file, doubled)
            names = list(dict.fromkeys(kept.names))
            if _stated(stored.metadata, _leaves(stored.schema, names)) > limit:
                raise too_large(limit, file)
            texts = _texts(stored.schema, names)
            yield _first_table(stored, kept, wanted)
            for group in range(stored.metadata.num_row_groups if len(kept) else 0):
                total += _counted(file, stored.metadata, texts, limit - total, group, names)
                if total > limit:
                    raise too_large(limit, file)
                for batch in stored.iter_batches(_BATCH, row_groups=[group], columns=None if wanted is None else names):
                    table = _checked(batch, kept)
                    yield table if wanted is None else _with_texts(table, file, done)
                    done += len(batch)
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: a column's name is not UTF-8
        raise _unreadable(error, file) from None


def _kept(schema: pa.Schema, wanted: Wanted, file: Path, doubled: bool) -> pa.Schema:
    """The columns that are read.

    Raises:
        DataError: two of them have the same name, or they are too many or too deep.
    """
    if wanted is None and doubled:
        own = zip(schema, distinct_names(schema.names), strict=True)
        check_types(pa.schema([field.with_name(name) for field, name in own]), file)
        return schema
    check_wanted_names(schema.names, wanted, file)
    if wanted is not None:
        schema = pa.schema([field for field in schema if field.name in wanted], metadata=schema.metadata)
    check_types(schema, file)
    return schema


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
        raise _unreadable(error, file) from None


def _unreadable(error: Exception, file: Path) -> DataError:
    return DataError(f"is not a readable parquet file: {reason_in(error)}", file=file)


def _checked(batch: pa.RecordBatch, kept: pa.Schema) -> pa.Table:
    # Columns of other names may come too: to Arrow, 'a.b' is a part of 'a'.
    columns = batch.columns if batch.schema.names == kept.names else [batch.column(name) for name in kept.names]
    table = _plain_table(pa.Table.from_arrays(columns, schema=kept))
    table.validate(full=True)  # texts that are not UTF-8
    return table


def _with_texts(table: pa.Table, file: Path, done: int) -> pa.Table:
    """The rows with texts in place of bytes, which some programs write without saying that they are UTF-8.

    Args:
        table: the rows.
        file: what errors call them.
        done: rows before these.

    Raises:
        DataError: bytes are no UTF-8; the message names the column and the row.
    """
    for place, field in enumerate(table.schema):
        kind = text_type(field.type)
        if kind != field.type:
            try:
                column = table.column(place).cast(kind)
            except pa.ArrowInvalid:
                raise _no_text(table.column(place), kind, field.name, file, done) from None
            table = table.set_column(place, field.name, column)
    return table


def _no_text(column: pa.ChunkedArray, kind: pa.DataType, name: str, file: Path, done: int) -> DataError:
    for row in range(len(column)):
        try:
            column[row : row + 1].cast(kind)
        except pa.ArrowInvalid:
            message = f"row {done + row + 1} holds bytes that are no text in UTF-8"
            return DataError(message, file=file, key=name, value=column[row].as_py())
    return DataError("holds bytes that are no text in UTF-8", file=file, key=name)


def _plain_table(table: pa.Table) -> pa.Table:
    return pa.Table.from_arrays([plain(column) for column in table.columns], table.column_names)


def _first_table(stored: pq.ParquetFile, kept: pa.Schema, wanted: Wanted) -> pa.Table:
    """The columns without rows. Where no column is read, the rows of those that are not read."""
    others = {} if wanted is None else unread(stored.schema_arrow, wanted)
    if not len(kept):
        return pa.table({name: pa.nulls(max(0, stored.metadata.num_rows)) for name in others})
    table = _plain_table(kept.empty_table())
    if wanted is not None:
        table = _with_texts(table, Path(), 0)
    for name, values in others.items():
        table = table.append_column(name, values)
    return table


def _leaves(schema: pq.ParquetSchema, names: Sequence[str]) -> list[int]:
    """The places of the stored columns that the columns ``names`` consist of."""
    known = set(names)
    return [place for place in range(len(schema)) if not known.isdisjoint(_prefixes(schema.column(place).path))]


def _prefixes(path: str) -> list[str]:
    """``a.b.c`` -> a, a.b, a.b.c; a column's name may have dots of its own."""
    parts = path.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _stated(metadata: pq.FileMetaData, places: Sequence[int]) -> int:
    """Bytes of all rows in memory according to the file's metadata, at least; a list without items counts one."""
    widths = {place: _width(metadata.schema.column(place)) for place in places}
    is_whole = len(places) == metadata.num_columns
    rows = 0
    total = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        # Damaged metadata may lack columns, and may have numbers below 0.
        columns = {place: group.column(place) for place in places if place < group.num_columns}
        values = sum(column.num_values * widths[place] for place, column in columns.items())
        stored = sum(column.total_uncompressed_size for column in columns.values())
        rows += max(group.num_rows, 0)
        total += max(group.total_byte_size if is_whole else stored, int(values), 0)
    return total + ROW * max(rows, int(metadata.num_rows))


def _width(column: pq.ColumnSchema) -> float:
    """Bytes of a value in memory, at least: a text has an offset besides its letters."""
    widths = {"BOOLEAN": 1 / 8, "INT64": 8, "INT96": 8, "FLOAT": 4, "DOUBLE": 8, "BYTE_ARRAY": 4}
    width = widths.get(column.physical_type, 1)  # INT32 also stores whole numbers of one byte.
    return max(width, _ITEM) if column.max_repetition_level else width


def _texts(schema: pq.ParquetSchema, names: Sequence[str]) -> list[str]:
    """Stored columns of texts or bytes within the columns ``names``, at any depth."""
    columns = [schema.column(place) for place in _leaves(schema, names)]
    texts = [column for column in columns if column.physical_type == "BYTE_ARRAY"]
    return [column.path for column in texts if column.logical_type.type != "DECIMAL"]


def _counted(
    file: Path, metadata: pq.FileMetaData, texts: list[str], limit: int, group: int, names: Sequence[str]
) -> int:
    """Bytes of the rows of a row group in memory; counting stops beyond ``limit``.

    Texts are read as dictionaries, so that a text that repeats takes memory only once while it is counted.
    """
    try:
        return _summed(file, metadata, texts, limit, _BATCH, group, names)
    except pa.ArrowNotImplementedError:
        # Arrow cannot read nested texts of a row group that begins with dictionaries and ends with plain texts.
        return _summed(file, metadata, [name for name in texts if "." not in name], limit, _FEW, group, names)


def _summed(
    file: Path, metadata: pq.FileMetaData, texts: list[str], limit: int, rows: int, group: int, names: Sequence[str]
) -> int:
    total = 0
    with pq.ParquetFile(file, metadata=metadata, read_dictionary=texts) as stored:
        for batch in stored.iter_batches(rows, row_groups=[group], columns=list(names)):
            total += ROW * int(batch.num_rows) + sum(map(_expanded, batch.columns))
            if total > limit:
                return total
    return total


def _expanded(array: pa.Array) -> int:
    """Bytes of an array whose dictionaries are replaced by plain values."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = _lengths(array.dictionary).take(array.indices)
        return int(pc.sum(lengths).as_py() or 0) + int(array.indices.nbytes)
    if is_text_view(kind):
        return int(pc.sum(_lengths(array)).as_py() or 0) + 4 * len(array)
    if pa.types.is_struct(kind):
        return sum(map(_expanded, array.flatten()))
    if pa.types.is_map(kind):
        first = array.offsets[0].as_py()
        beyond = array.offsets[-1].as_py()
        return 4 * len(array) + sum(_items(part[first:beyond]) for part in (array.keys, array.items))
    if any(is_list(kind) for is_list in _LISTS):
        return 4 * len(array) + _items(array.flatten())
    return int(array.nbytes)


def _lengths(texts: pa.Array) -> pa.Array:
    return lengths_of_views(texts) if is_text_view(texts.type) else pc.binary_length(texts)


def _items(array: pa.Array) -> int:
    return max(_ITEM * len(array), _expanded(array))
