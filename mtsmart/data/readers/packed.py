"""Compressed files, of which a few bytes may expand to more than the memory or the disk holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from mtsmart.errors import DataError
from mtsmart.storage.failures import reason_of

PACKINGS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
MAX_SPARED = 100  # A file may expand to this many times its size,
MAX_EXPANDED = 2**29  # or to this many bytes if that is more.
ROW = 16  # bytes that a row counts besides its values: its number and its place in Python's lists
_BLOCK = 2**20  # bytes


def kind_of(file: Path) -> str:
    """The ending that says what a file holds: ``.jsonl`` for ``train.jsonl.gz``."""
    is_packed = file.suffix.lower() in PACKINGS
    return (Path(file.stem) if is_packed else file).suffix.lower()


def open_bytes(file: Path) -> Any:
    """The bytes of a file, expanded if it is compressed.

    Raises:
        OSError: it cannot be opened.
        DataError: it expands to too many bytes, or is damaged.
    """
    packing = PACKINGS.get(file.suffix.lower())
    if packing is None:
        return file.open("rb")
    _check_size(file, packing)
    return pa.input_stream(str(file), compression=packing)


def most_bytes(file: Path) -> int:
    """How many bytes the content of a file may take, on the way through its reader and as rows in memory."""
    return max(MAX_EXPANDED, MAX_SPARED * file.stat().st_size)


def too_large(limit: int, file: str | Path) -> DataError:
    """The error for a file that takes more than ``limit`` bytes."""
    message = f"takes more than {limit / 2**20:,.0f} MB when it is read, which is too much for a file of its size"
    return DataError(message, file=file, hint="If that is meant, store it in parts, or with less compression")


def _check_size(file: Path, packing: str) -> None:
    """Expand the whole file once, without keeping it; so reading it later neither fills the memory nor fails."""
    limit = most_bytes(file)
    total = 0
    try:
        with pa.input_stream(str(file), compression=packing) as stream:
            while size := stream.read_buffer(_BLOCK).size:  # `read` keeps a block for ever when it fails.
                total += size
                if total > limit:
                    raise too_large(limit, file)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot be expanded: {reason_of(error)}", file=file) from None
