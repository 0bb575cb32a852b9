"""Types of Arrow that hold the same values as plainer ones: dictionaries, and views of texts and lists."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

_PLAIN_TEXTS = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}


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
    plain_kind = _PLAIN_TEXTS.get(kind, kind)
    if types.is_dictionary(kind):
        plain_kind = plain_type(kind.value_type)
    elif types.is_list(kind) or types.is_list_view(kind):
        plain_kind = pa.list_(_plain_field(kind.value_field))
    elif types.is_large_list(kind) or types.is_large_list_view(kind):
        plain_kind = pa.large_list(_plain_field(kind.value_field))
    elif types.is_fixed_size_list(kind):
        plain_kind = pa.list_(_plain_field(kind.value_field), kind.list_size)
    elif types.is_struct(kind):
        plain_kind = pa.struct([_plain_field(kind.field(number)) for number in range(kind.num_fields)])
    return plain_kind


def _plain_field(field: pa.Field) -> pa.Field:
    return field.with_type(plain_type(field.type))


def is_text_view(kind: pa.DataType) -> bool:
    """Whether the values are views of texts or bytes."""
    return kind in _PLAIN_TEXTS


def lengths_of_views(array: pa.Array) -> pa.Array:
    """(N,) int64: the bytes of each value of an array of views, 0 for null; Arrow has no function for it."""
    views = np.frombuffer(array.buffers()[1] or b"", dtype=np.int32).reshape(-1, 4)  # 16 bytes, the length first
    lengths = views[array.offset : array.offset + len(array), 0].astype(np.int64)
    lengths[np.asarray(array.is_null(), dtype=bool)] = 0
    return pa.array(lengths)
