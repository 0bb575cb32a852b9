"""Types of Arrow that hold the same values as plainer ones: dictionaries, and views of texts and lists."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

_PLAIN_TEXTS = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
_TEXTS_OF_BYTES = {pa.binary(): pa.string(), pa.large_binary(): pa.large_string()}


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in a type that every function of Arrow takes."""
    kind = plain_type(column.type)
    if kind == column.type:
        return column
    if _has_list_view(column.type):  # Arrow's cast of them makes arrays that are not valid.
        return pa.chunked_array([pa.array(chunk.to_pylist(), kind) for chunk in column.chunks], kind)
    return column.cast(kind)


def _has_list_view(kind: pa.DataType) -> bool:
    is_view = pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind)
    return bool(is_view) or any(_has_list_view(kind.field(number).type) for number in range(kind.num_fields))


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type that holds the same values, at any depth."""
    types = pa.types
    if types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if types.is_list_view(kind):
        return plain_type(pa.list_(kind.value_field))
    if types.is_large_list_view(kind):
        return plain_type(pa.large_list(kind.value_field))
    return _with_parts(_PLAIN_TEXTS.get(kind, kind), plain_type)


def text_type(kind: pa.DataType) -> pa.DataType:
    """The plain type with texts in place of bytes, at any depth."""
    if pa.types.is_fixed_size_binary(kind):
        return pa.string()
    return _with_parts(_TEXTS_OF_BYTES.get(kind, kind), text_type)


def _with_parts(kind: pa.DataType, change: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    """A type of lists or objects with other parts; any other type as it is."""
    types = pa.types
    parts = [field.with_type(change(field.type)) for field in map(kind.field, range(kind.num_fields))]
    if types.is_list(kind):
        kind = pa.list_(parts[0])
    elif types.is_large_list(kind):
        kind = pa.large_list(parts[0])
    elif types.is_fixed_size_list(kind):
        kind = pa.list_(parts[0], kind.list_size)
    elif types.is_struct(kind):
        kind = pa.struct(parts)
    return kind


def texts_of_bytes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with texts in place of bytes; the same column if there are none, or if they are no UTF-8."""
    kind = text_type(column.type)
    if kind == column.type:
        return column
    try:
        return column.cast(kind)
    except pa.ArrowException:
        return column


def is_text_view(kind: pa.DataType) -> bool:
    """Whether the values are views of texts or bytes."""
    return kind in _PLAIN_TEXTS


def lengths_of_views(array: pa.Array) -> pa.Array:
    """(N,) int64: the bytes of each value of an array of views, 0 for null; Arrow has no function for it."""
    views = np.frombuffer(array.buffers()[1] or b"", dtype=np.int32).reshape(-1, 4)  # 16 bytes, the length first
    lengths = views[array.offset : array.offset + len(array), 0].astype(np.int64)
    lengths[np.asarray(array.is_null(), dtype=bool)] = 0
    return pa.array(lengths)
