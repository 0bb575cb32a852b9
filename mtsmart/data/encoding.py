"""Rows encoded once into a sealed Arrow file, whose name is a hash of everything that the rows depend on."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mtsmart.config.sections import DataConfig
from mtsmart.data.sealed import fact_of, open_sealed, seal
from mtsmart.data.tables.whole_rows import rows_of_table
from mtsmart.storage.durable import flush, read_json, write_json
from mtsmart.storage.failures import writing
from mtsmart.user_paths import path_of_variable, user_path

Rows = dict[str, list[Any]]
_FORMAT = 5  # raise when the encoded columns change their meaning
_NARROW = {"input_ids": pa.int32(), "token_type_ids": pa.int8()}
_LISTS = {"words": pa.string()}  # lists of something other than whole numbers
_CACHE_DIR = "MTSMART_CACHE_DIR"
_DEFAULT = "~/.cache/mtsmart"
_CUT = "cut"  # the name in a seal of how many rows were cut
_READ = 10_000  # rows in memory together


@dataclass(frozen=True)
class EncodedSplit:
    """One encoded split.

    Attributes:
        rows: columns as the task type encoded them, among them ``row`` (the source row, from 0).
        lengths: (N,) int32, tokens per row; of its longest sequence where a row is a list of them.
        sequences: (N,) int32, sequences per row; None where a row is one.
        dropped: number of rows left out because a text or label was missing.
        key: a hash of everything that the rows depend on: the source's content, task, tokenizer and length limit.
        cut: number of rows that lost tokens, because they were too long; None if it is not known.
    """

    rows: datasets.Dataset
    lengths: np.ndarray
    sequences: np.ndarray | None = None
    dropped: int = 0
    key: str = ""
    cut: int | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> pa.ChunkedArray:
        """A column of the N rows as it is stored, in chunks of a few thousand rows."""
        return _stored(self.rows, name)


def _stored(rows: datasets.Dataset, name: str) -> pa.ChunkedArray:
    """A column of encoded rows. They are never picked out of others, so their table is theirs alone.

    A look through the data set itself would copy all that is known of it, which takes a millisecond.
    """
    return rows.data.column(name)


_NOTED: ContextVar[list[np.ndarray] | None] = ContextVar("cut rows", default=None)


@contextmanager
def noting_cuts() -> Iterator[list[np.ndarray]]:
    """Inside it, whoever cuts rows says which ones: (N,) bool for each call, in the list that is given.

    A row of the most allowed tokens need not be cut, so the encoded rows alone do not tell.
    """
    noted: list[np.ndarray] = []
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def note_cut(is_cut: np.ndarray) -> None:
    """Say which of N rows are cut, (N,) bool."""
    noted = _NOTED.get()
    if noted is not None:
        noted.append(is_cut)


def encode_split(
    source: datasets.Dataset,
    encode: Callable[[Rows], Rows],
    signature: dict[str, Any],
    config: DataConfig,
    dropped: int = 0,
    stays: bool = True,
) -> EncodedSplit:
    """Encode all rows, or open the file of an earlier identical encoding.

    Args:
        source: rows with the columns ``encode`` reads, and ``row``.
        encode: batch of rows -> columns, among them ``input_ids`` and ``row``; it may give more rows than it got.
        signature: everything besides the rows that the result depends on (JSON types).
        config: gives the cache folder.
        dropped: becomes the result's ``dropped``.
        stays: whether the encoded rows are stored; else they are in memory alone, and later processes encode anew.

    Raises:
        StorageError: the cache cannot be written.
    """
    key = _content_key(source, signature)
    if not stays:
        with noting_cuts() as noted:
            encoded = encode_rows(source, encode)
        return replace(encoded, dropped=dropped, key=key, cut=_count_of(noted))
    file = _file(key, config)
    with writing(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    rows = open_sealed(file)
    if rows is None:
        with noting_cuts() as noted:
            _store(source, encode, key, file)
        rows = seal(file, {_CUT: _count_of(noted)})
    return EncodedSplit(rows, _lengths(rows), _sequences(rows), dropped, key, fact_of(file, _CUT))


def _count_of(noted: Iterable[np.ndarray]) -> int:
    return sum(int(is_cut.sum()) for is_cut in noted)


def encode_rows(source: datasets.Dataset, encode: Callable[[Rows], Rows]) -> EncodedSplit:
    """Encode rows in memory, without a trace of them on the disk. Such a split has no key.

    Args:
        source, encode: as for :func:`encode_split`.
    """
    batches = source.iter(_READ)
    table = pa.concat_tables([_encoded(encode, batch) for batch in batches], promote_options="permissive")
    rows = rows_of_table(table)
    return EncodedSplit(rows, _lengths(rows), _sequences(rows))


def _encoded(encode: Callable[[Rows], Rows], rows: Rows) -> pa.Table:
    return pa.table({name: _array(name, values) for name, values in encode(rows).items()})


def _store(source: datasets.Dataset, encode: Callable[[Rows], Rows], key: str, file: Path) -> None:
    """Write the encoded rows to ``file``, which is whole or not there."""
    # datasets leaves an unfinished file behind on a full disk, so it writes into a folder that is deleted.
    with writing(file.parent), tempfile.TemporaryDirectory(prefix=".encoding-", dir=file.parent) as scratch:
        aside = Path(scratch) / file.name
        source.map(
            partial(_encoded, encode),  # datasets writes a table in half the time of lists.
            batched=True,
            batch_size=_READ,
            writer_batch_size=_READ,  # Each batch of the file keeps a few of its pages in memory.
            remove_columns=source.column_names,
            cache_file_name=str(aside),
            new_fingerprint=key[:32],
            load_from_cache_file=False,
            desc=None,
        )
        flush(aside)
        aside.replace(file)


def recall(identity: dict[str, Any], config: DataConfig) -> EncodedSplit | None:
    """The split that ``remember`` noted, without reading its source; None where there is none."""
    try:
        noted = read_json(file := _note(identity, config))
        key = str(noted["key"])
        dropped = int(noted["dropped"])
        if noted["check"] != _check(file, key, dropped):
            return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    rows = open_sealed(_file(key, config))
    if rows is None:
        return None
    cut = fact_of(_file(key, config), _CUT)
    return EncodedSplit(rows, _lengths(rows), _sequences(rows), dropped, key, cut)


def remember(identity: dict[str, Any], split: EncodedSplit, config: DataConfig) -> None:
    """Note which stored rows belong to a checked and encoded split.

    Args:
        identity: everything that the split depends on (JSON types).
        split: as ``encode_split`` returned it.
        config: gives the cache folder.
    """
    file = _note(identity, config)
    check = _check(file, split.key, split.dropped)
    write_json(file, {"key": split.key, "dropped": split.dropped, "check": check})


def _note(identity: dict[str, Any], config: DataConfig) -> Path:
    digest = hashlib.sha256(json.dumps([_FORMAT, identity], sort_keys=True).encode()).hexdigest()
    return cache_dir(config) / "encoded" / f"{digest}.json"


def _check(note: Path, key: str, dropped: int) -> str:
    """A hash of what a note says, which shows that somebody has changed it."""
    return hashlib.sha256(json.dumps([note.name, key, dropped]).encode()).hexdigest()


def _file(key: str, config: DataConfig) -> Path:
    return cache_dir(config) / "encoded" / f"{key}.arrow"


def cache_dir(config: DataConfig) -> Path:
    """The folder of encoded data: data.cache_dir, MTSMART_CACHE_DIR, or ~/.cache/mtsmart.

    Raises:
        ConfigError: it begins with ~ and the home folder is not known.
    """
    if config.cache_dir:
        return user_path(config.cache_dir, key="data.cache_dir")
    return path_of_variable(_CACHE_DIR) or user_path(_DEFAULT, file=f"without {_CACHE_DIR}", key="data.cache_dir")


def _array(name: str, values: list[Any]) -> pa.Array:
    """An encoded column; tokens, and lists or lists of lists of tokens, get the narrowest type that holds them."""
    array = pa.array(values)
    inner = array.type
    while pa.types.is_list(inner):
        inner = inner.value_type
    if name in _NARROW or (pa.types.is_null(inner) and pa.types.is_list(array.type)):  # is_null: all lists are empty
        return array.cast(_with_values(array.type, _NARROW.get(name) or _LISTS.get(name, pa.int64())))
    return array


def _with_values(kind: pa.DataType, values: pa.DataType) -> pa.DataType:
    return pa.list_(_with_values(kind.value_type, values)) if pa.types.is_list(kind) else values


def _lengths(rows: datasets.Dataset) -> np.ndarray:
    column = _stored(rows, "input_ids")
    return np.concatenate([np.empty(0, dtype=np.int32), *map(_tokens, column.chunks)])


def _sequences(rows: datasets.Dataset) -> np.ndarray | None:
    column = _stored(rows, "input_ids")
    if not _is_nested(column.type):
        return None
    counts = [np.asarray(pc.list_value_length(chunk), dtype=np.int32) for chunk in column.chunks]
    return np.concatenate([np.empty(0, dtype=np.int32), *counts])


def _is_nested(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind.value_type) or pa.types.is_large_list(kind.value_type))


def _tokens(input_ids: pa.Array) -> np.ndarray:
    """(N,) int32: tokens of each row; of its longest sequence where a row is a list of sequences."""
    if not _is_nested(input_ids.type):
        return np.asarray(pc.list_value_length(input_ids), dtype=np.int32)
    longest = np.zeros(len(input_ids), dtype=np.int32)
    np.maximum.at(longest, pc.list_parent_indices(input_ids), pc.list_value_length(pc.list_flatten(input_ids)))
    return longest


def _content_key(source: datasets.Dataset, signature: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps([_FORMAT, signature], sort_keys=True).encode())
    for table in source.with_format("arrow").iter(batch_size=_READ):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema.remove_metadata()) as writer:
            writer.write_table(table.combine_chunks().replace_schema_metadata(None))
        digest.update(sink.getvalue())
    return digest.hexdigest()
