"""Rows encoded once into a memory-mapped Arrow file, found again by the content of everything that made it."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mtsmart.config.sections import DataConfig
from mtsmart.errors import DataError

Rows = dict[str, list[Any]]
_FORMAT = 2  # raise when the encoded columns change their meaning


@dataclass(frozen=True)
class EncodedSplit:
    """One encoded split.

    Attributes:
        rows: columns as the task type encoded them, among them ``row`` (the source row, from 0).
        lengths: (N,) int64, tokens per row; of its longest sequence where a row is a list of them.
        dropped: rows left out because a text or label was missing.
        key: stands for everything that made the rows: the source's content, task, tokenizer and length limit.
    """

    rows: datasets.Dataset
    lengths: np.ndarray
    dropped: int = 0
    key: str = ""

    def __len__(self) -> int:
        return len(self.rows)


def encode_split(
    source: datasets.Dataset,
    encode: Callable[[Rows], Rows],
    signature: dict[str, Any],
    config: DataConfig,
    dropped: int = 0,
) -> EncodedSplit:
    """Encode all rows, or map the file of an earlier identical encoding into memory.

    Args:
        source: rows with the columns ``encode`` reads, and ``row``.
        encode: batch of rows -> columns, among them ``input_ids`` and ``row``; it may give more rows than it got.
        signature: everything besides the rows that the result depends on (JSON types).
        config: gives the cache folder.
        dropped: carried into the result.
    """
    key = _content_key(source, signature)
    file = cache_dir(config) / "encoded" / f"{key}.arrow"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", key="data.cache_dir", value=str(file.parent)) from None

    def encoded() -> datasets.Dataset:
        return source.map(
            encode,
            batched=True,
            remove_columns=source.column_names,
            cache_file_name=str(file),
            new_fingerprint=key[:32],
            load_from_cache_file=True,
            desc=None,
        )

    try:
        rows = encoded()
    except pa.ArrowInvalid:  # a damaged file of an earlier encoding
        file.unlink(missing_ok=True)
        rows = encoded()
    return EncodedSplit(rows, _lengths(rows), dropped, key)


def cache_dir(config: DataConfig) -> Path:
    """The folder of encoded data: data.cache_dir, MTSMART_CACHE_DIR, or ~/.cache/mtsmart."""
    return Path(
        config.cache_dir or os.environ.get("MTSMART_CACHE_DIR") or Path.home() / ".cache" / "mtsmart"
    ).expanduser()


def select_complete(
    rows: datasets.Dataset,
    place: str,
    text: list[str],
    label: str | None,
    missing: str,
    hint: str = "",
    empty_label: bool = False,
) -> tuple[datasets.Dataset, int]:
    """Leave out the rows that lack a text or (if ``label`` is given) a label.

    Args:
        rows: with the column ``row``.
        place: what errors call the data.
        text, label: columns.
        missing: ``refuse`` or ``drop``.
        hint: what to do about it.
        empty_label: whether an empty text is a label, not a missing one.

    Returns:
        the complete rows, and how many were left out.

    Raises:
        DataError: rows lack something and ``missing`` is ``refuse``; the first one is named.
    """
    columns = [*text, *([label] if label else [])]
    lacking = np.zeros(len(rows), dtype=bool)

    def is_missing(column: str, value: Any) -> bool:
        return _is_missing(value) and not (empty_label and column == label and value == "")

    for column in columns:
        lacking |= np.asarray([is_missing(column, value) for value in rows[column]], dtype=bool)
    count = int(lacking.sum())
    if count == 0:
        return rows, 0
    if missing == "refuse" or count == len(rows):
        first = int(lacking.argmax())
        column = next(c for c in columns if is_missing(c, rows[first][c]))
        raise DataError(
            f"{count:,} of {len(rows):,} rows lack a text or label, the first is row {rows[first]['row'] + 1}",
            file=place,
            key=column,
            value=rows[first][column],
            hint="" if count == len(rows) else hint,
        )
    return rows.select(np.flatnonzero(~lacking)), count


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _lengths(rows: datasets.Dataset) -> np.ndarray:
    column = rows.with_format("arrow")[:]["input_ids"]
    return np.concatenate([np.empty(0, dtype=np.int64), *map(_tokens, column.chunks)])


def _tokens(input_ids: pa.Array) -> np.ndarray:
    """Tokens of each row; of its longest sequence where a row is a list of sequences."""
    kind = input_ids.type.value_type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return np.asarray(pc.list_value_length(input_ids), dtype=np.int64)
    longest = np.zeros(len(input_ids), dtype=np.int64)
    np.maximum.at(longest, pc.list_parent_indices(input_ids), pc.list_value_length(pc.list_flatten(input_ids)))
    return longest


def _content_key(source: datasets.Dataset, signature: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps([_FORMAT, signature], sort_keys=True).encode())
    for table in source.with_format("arrow").iter(batch_size=10_000):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema.remove_metadata()) as writer:
            writer.write_table(table.combine_chunks().replace_schema_metadata(None))
        digest.update(sink.getvalue())
    return digest.hexdigest()
