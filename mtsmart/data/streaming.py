"""Splits of Hub data sets that are read only as far as they are asked for, into memory-mapped files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import datasets

_UNSTATED = 2**62  # rows of a split whose number the data set does not state
_LIKELY = 2**40  # more than any data set has


class StreamedSplit:
    """One split that is not downloaded as a whole.

    Args:
        stream: its rows.
        rows: how many there are; None if the data set does not say.
        source: stands for the content of the data set.
        cache: folder where rows that were read are kept.
    """

    def __init__(self, stream: datasets.IterableDataset, rows: int | None, source: str, cache: Path) -> None:
        self._stream, self._rows, self._source, self._cache = stream, rows, source, cache

    def __len__(self) -> int:
        """The number of rows; a number beyond all where it is not known."""
        return _UNSTATED if self._rows is None else self._rows

    def select(self, numbers: range) -> datasets.Dataset:
        """Consecutive rows, read now or found in the cache; up to the last where their number is not known.

        Raises:
            ValueError: where a range starts or ends hangs on a number of rows that is not known.
        """
        open_end = numbers.stop == _UNSTATED
        if numbers.start > _LIKELY or (numbers.stop > _LIKELY and not open_end):
            raise ValueError("the data set does not state how many rows it has, so count them from its first")
        part = self._stream.skip(numbers.start)
        if not open_end:
            part = part.take(len(numbers))
        key = hashlib.sha256(repr((self._source, self._stream.split, numbers)).encode()).hexdigest()
        return datasets.Dataset.from_generator(
            lambda: iter(part), features=part.features, cache_dir=str(self._cache), fingerprint=key[:32]
        )


def open_streamed(
    path: str, name: str | None, revision: str | None, cache: Path, prepared: Path | None = None
) -> Mapping[str, StreamedSplit]:
    """The splits of a data set on the Hub or of its local clone, whose state ``prepared`` stands for.

    Raises:
        OSError, ValueError, RuntimeError, datasets' own: it cannot be opened.
    """
    builder = datasets.load_dataset_builder(path, name, revision=revision, cache_dir=prepared and str(prepared))
    stated = builder.info.splits or {}
    return {
        split: StreamedSplit(stream, getattr(stated.get(split), "num_examples", None) or None, builder.cache_dir, cache)
        for split, stream in builder.as_streaming_dataset().items()
    }
