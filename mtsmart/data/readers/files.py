"""One function that reads a data file of any kind that is known.

Text stays text: nothing is guessed to be a number, a date or a missing value (the row "NA" is the text "NA").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from mtsmart.data.readers.columns import joined
from mtsmart.data.readers.delimited import COMMA, TAB, Dialect, read_delimited
from mtsmart.data.readers.jsonl import read_json, read_jsonl
from mtsmart.data.readers.packed import kind_of
from mtsmart.data.readers.parquet import read_parquet
from mtsmart.errors import DataError, did_you_mean


def read_table(path: str | Path, kind: str | None = None, columns: list[str] | None = None) -> pa.Table:
    """The rows of one data file.

    csv: comma, quoted as RFC 4180, with a header. tsv: tab, no quoting (as GLUE's files), with a header.
    jsonl: one object a line. json: the same, or one list of objects. The file may be compressed (gz, bz2, zst).

    Args:
        path: the file.
        kind: one of these and ``parquet``; None: as the file's ending says.
        columns: names of the columns of a csv or tsv file that has no header; a last name that ends in ``...`` is a
            list of all further fields.

    Raises:
        DataError: the file cannot be read or a row does not fit; the message names the line.
    """
    tables = read_tables(path, kind, columns)
    return joined(tables, Path(path))


def read_tables(path: str | Path, kind: str | None = None, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The rows of one data file as tables of some thousand rows, whose columns may differ in type.

    Args:
        path: as in :func:`read_table`, like the others.

    Raises:
        DataError: as :func:`read_table`; the generator that is returned raises it too.
    """
    file = Path(path)
    suffix = f".{kind}" if kind else kind_of(file)
    if suffix not in FORMS:
        raise DataError("unknown kind of data file", file=file, value=suffix, hint=did_you_mean(suffix, FORMS))
    if not file.is_file():
        raise DataError("there is no such file", file=file)
    if suffix in _DIALECTS:
        return read_delimited(file, _DIALECTS[suffix], columns)
    if columns is not None:
        raise DataError("'columns' goes with csv and tsv files", file=file)
    return _READERS[suffix](file)


_DIALECTS: dict[str, Dialect] = {".csv": COMMA, ".tsv": TAB}
_READERS: dict[str, Callable[[Path], Iterator[pa.Table]]] = {
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".parquet": read_parquet,
}
FORMS = (*_DIALECTS, *_READERS)
"""The endings of files that are read."""
