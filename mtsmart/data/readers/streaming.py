"""What is on the Hub: which names it has, and splits of which only the rows that are needed are read, into files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
from datasets.arrow_writer import ArrowWriter
from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from mtsmart.data.readers.clones import Clone, features_of
from mtsmart.data.readers.columns import tables_of
from mtsmart.data.readers.spilled import spilled
from mtsmart.data.sealed import open_sealed, seal
from mtsmart.errors import DataError
from mtsmart.storage.durable import replacing
from mtsmart.storage.failures import writing

_UNSTATED = 2**62  # stands for the number of rows where the data set does not state it
_LIKELY = 2**40  # more than any data set has
_BATCH = 1000  # rows that are written together


class StreamedSplit:
    """One split that is not downloaded as a whole.

    Args:
        stream: its rows.
        rows: their number; None if the data set does not state it.
        source: stands for the content of the data set.
        cache: folder where rows that were read are kept.
    """

    def __init__(self, stream: datasets.IterableDataset, rows: int | None, source: str, cache: Path) -> None:
        self._stream = stream
        self._rows = rows
        self._source = source
        self._cache = cache

    def __len__(self) -> int:
        """The number of rows; where it is not known, a number that no data set reaches."""
        return _UNSTATED if self._rows is None else self._rows

    def select(self, numbers: range) -> datasets.Dataset:
        """Consecutive rows, read now or found in the cache. A range up to the unknown number ends at the last row.

        Raises:
            ValueError: the start or end of a range depends on a number of rows that is not known.
        """
        open_end = numbers.stop == _UNSTATED
        if numbers.start > _LIKELY or (numbers.stop > _LIKELY and not open_end):
            raise ValueError("the data set does not state how many rows it has, so count them from its first")
        part = self._stream.skip(numbers.start)
        if not open_end:
            part = part.take(len(numbers))
        key = hashlib.sha256(repr((self._source, self._stream.split, numbers)).encode()).hexdigest()
        file = self._cache / f"{key}.arrow"
        rows = open_sealed(file)
        if rows is None:
            _store(part, file)
            rows = seal(file)
        return rows


def _store(rows: datasets.IterableDataset, file: Path) -> None:
    """Write rows to ``file``, which is whole or not there.

    Raises:
        DatasetGenerationError: they cannot be read, or do not fit into columns.
        StorageError: they cannot be written.
    """
    with writing(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    with (
        replacing(file) as aside,
        ArrowWriter(path=str(aside), features=rows.features, writer_batch_size=_BATCH) as writer,
    ):
        try:
            if rows.features is None:
                writer.write_table(_table(rows, file.parent), _BATCH)
            else:
                for row in _read(rows):
                    writer.write(rows.features.encode_example(row))
            writer.finalize()
        except (ValueError, TypeError, pa.ArrowException) as error:
            raise datasets.exceptions.DatasetGenerationError("do not fit into columns") from error
        except DataError as error:
            raise datasets.exceptions.DatasetGenerationError(str(error)) from None


def _table(rows: datasets.IterableDataset, folder: Path) -> pa.Table:
    """Rows whose columns nobody states. Any row may have a column that those before it lack.

    Raises:
        DataError: a row does not fit with those before it, or there is no row.
    """
    sized = ((dict(row), len(str(row))) for row in _read(rows))
    return spilled(tables_of(sized, "the data"), folder)


def _read(rows: datasets.IterableDataset) -> Iterator[dict[str, Any]]:
    try:
        yield from rows
    except Exception as error:  # of any kind: rows come through the libraries of many formats
        raise datasets.exceptions.DatasetGenerationError("cannot be read") from error


def stream_clone(clone: Clone, split: str, source: str, cache: Path) -> StreamedSplit:
    """A split of a local clone.

    Args:
        clone: the clone.
        split: one of its splits.
        source: stands for the content of the clone.
        cache: folder where rows that were read are kept.

    Raises:
        DataError: its first file cannot be read.
    """
    features = features_of(next(clone.tables(split)).schema, clone.names(split))
    stream = datasets.IterableDataset.from_generator(
        _rows, features=features, gen_kwargs={"clone": clone, "of": split}, split=datasets.NamedSplit(split)
    )
    return StreamedSplit(stream, clone.rows.get(split), source, cache)


def _rows(clone: Clone, of: str) -> Iterator[dict[str, Any]]:
    for table in clone.tables(of):
        yield from table.to_pylist()


def open_streamed(path: str, name: str | None, revision: str | None, cache: Path) -> Mapping[str, StreamedSplit]:
    """The splits of a data set on the Hub.

    Args:
        path: Hub id.
        name: configuration of the data set.
        revision: Hub branch, tag or commit.
        cache: folder where rows that were read are kept.

    Raises:
        OSError, ValueError, RuntimeError, datasets' own: it cannot be opened.
    """
    builder = datasets.load_dataset_builder(path, name, revision=revision)
    stated = builder.info.splits or {}
    return {
        split: StreamedSplit(stream, getattr(stated.get(split), "num_examples", None) or None, builder.cache_dir, cache)
        for split, stream in builder.as_streaming_dataset().items()
    }


def check_id(path: str, shown: str) -> None:
    """Refuse what ``datasets`` takes for something else than a data set on the Hub: an address, or a reader of its own.

    Its readers take files from any place, and some of them open pickles.

    Raises:
        DataError: it is no Hub id.
    """
    try:
        validate_repo_id(path)
    except HFValidationError:
        known = False
    else:
        known = path not in _PACKAGED_DATASETS_MODULES
    if not known:
        hint = "Give owner/name, or a folder; data files go under 'files'"
        raise DataError("is neither a local clone nor the name of a data set on the Hub", file=shown, hint=hint)
