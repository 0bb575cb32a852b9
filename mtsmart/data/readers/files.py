"""One function that reads a data file of any kind that is known.

Text stays text: nothing is guessed to be a number, a date or a missing value (the row "NA" is the text "NA").
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from mtsmart.data.readers import delimited, jsonl
from mtsmart.data.readers.columns import SizedRow, joined, tables_of
from mtsmart.data.readers.delimited import COMMA, TAB, Dialect, read_delimited
from mtsmart.data.readers.fields import parse_fields
from mtsmart.data.readers.forms.conll import read_conll
from mtsmart.data.readers.forms.hints import ending_hint
from mtsmart.data.readers.forms.plain_types import texts_of_bytes
from mtsmart.data.readers.forms.second_names import distinct_names
from mtsmart.data.readers.forms.wanted import wanted_of
from mtsmart.data.readers.forms.whole_files import read_whole
from mtsmart.data.readers.jsonl import read_json, read_squad
from mtsmart.data.readers.packed import kind_of, most_bytes, too_large
from mtsmart.data.readers.parquet import read_parquet
from mtsmart.errors import DataError, nearest
from mtsmart.tasks.dataset import BLANK, DatasetSource
from mtsmart.user_paths import hint_for_absent, is_pattern

_DIALECTS = {"csv": COMMA, "tsv": TAB}
_JSON = ("jsonl", "json")
KINDS = (*_DIALECTS, *_JSON, "conll", "squad", "parquet", "text")
"""What a data file may be."""
FORMS = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
"""The endings of files that are read without further settings."""
WITHOUT_NULL = frozenset({*_DIALECTS, "text"})
"""The kinds of files that have only an empty field to say that a value is missing."""


@dataclass(frozen=True)
class Layout:
    """How a data file is written, as the settings of the same names in a task's ``dataset`` say."""

    columns: list[str] | None = None
    delimiter: str | None = None
    escape: str | None = None
    field: str | None = None
    explode: str | None = None
    texts: frozenset[str] = frozenset()
    """Columns of a JSON file whose numbers and truth values are read as texts; ``parse`` says it."""

    @classmethod
    def of(cls, source: DatasetSource) -> Layout:
        """What a task's ``dataset`` says; ``delimiter`` is the character itself, or ``BLANK``."""
        texts = frozenset(column for column, form in source.parse.items() if form == "text")
        return cls(source.columns, source.separator, source.escape, source.field, source.explode, texts)


def read_table(
    path: str | Path,
    kind: str | None = None,
    layout: Layout | None = None,
    wanted: Iterable[str] | None = None,
) -> pa.Table:
    """The rows of one data file.

    csv: comma, quoted as RFC 4180, with a header. tsv: tab, no quoting (as GLUE's files), with a header.
    jsonl, json: one object a line, or one list of objects. conll: a word a line, a blank line after each sentence.
    squad: SQuAD's nested JSON. text: the whole file is one text. The file may be compressed (gz, bz2, zst).

    Args:
        path: the file.
        kind: one of these and ``parquet``; None: as the file's ending says.
        layout: what else is known about the form of the file.
        wanted: the columns that are needed. Others come without values, and nothing in them is an error; names that
            the file lacks have no effect. None: all columns.

    Raises:
        DataError: the file cannot be read or a row does not fit; the message names the line.
    """
    return joined(read_tables(path, kind, layout, wanted), Path(path))


def read_source_file(path: str | Path, source: DatasetSource, wanted: Iterable[str] | None = None) -> pa.Table:
    """The rows of one data file, read as a task's ``dataset`` says, ``parse`` included.

    Args:
        path: the file.
        source: the task's ``dataset``. If it has no ``format``, the file's ending says what the file is.
        wanted: as for :func:`read_table`.

    Raises:
        DataError: as :func:`read_table`, or a field is not of the form that ``parse`` names.
    """
    table = read_table(path, source.format, layout=Layout.of(source), wanted=wanted)
    forms = {column: form for column, form in source.parse.items() if wanted is None or column in wanted}
    return parse_fields(table, forms, path)


def read_tables(
    path: str | Path,
    kind: str | None = None,
    layout: Layout | None = None,
    wanted: Iterable[str] | None = None,
) -> Iterator[pa.Table]:
    """The rows of one data file as tables of some thousand rows, whose columns may differ in type.

    Args:
        path: as in :func:`read_table`, like the others.

    Raises:
        DataError: as :func:`read_table`; the generator that is returned raises it too.
    """
    file = Path(path)
    layout = layout or Layout()
    known = _checked_kind(file, kind, layout)
    needed = wanted_of(wanted)
    if known in _DIALECTS:
        return read_delimited(file, _dialect(known, layout), layout.columns, needed)
    if known == "conll":
        return read_conll(file, layout.columns, layout.delimiter, needed)
    if known == "squad":
        return read_squad(file, needed)
    if known == "parquet":
        return read_parquet(file, needed)
    if known == "text":
        return tables_of([(read_whole(file, needed), 0)], file)
    return read_json(file, needed, layout.field, layout.explode, layout.texts)


def whole_rows(path: str | Path, source: DatasetSource) -> Iterator[dict[str, Any]]:
    """The rows of one data file with all that stands in them, whatever it is: nothing is parsed, nothing has a type.

    Args:
        path: the file.
        source: says how the file is written, as for :func:`read_source_file`; ``parse`` has no effect.

    Raises:
        DataError: the file cannot be read; the message names the line.
    """
    file = Path(path)
    layout = Layout.of(source)
    kind = _checked_kind(file, source.format, layout)
    limit = most_bytes(file)
    total = 0
    for row, size in _sized_rows(file, kind, layout):
        total += size
        if total > limit:
            raise too_large(limit, file)
        yield row


def _sized_rows(file: Path, kind: str, layout: Layout) -> Iterator[SizedRow]:
    if kind in _DIALECTS:
        return delimited.whole_rows(file, _dialect(kind, layout), layout.columns)
    if kind in _JSON:
        return jsonl.whole_rows(file, layout.field, layout.explode)
    if kind == "squad":
        return jsonl.whole_questions(file)
    if kind == "text":
        return iter([(read_whole(file), 0)])
    tables = (
        read_parquet(file, doubled=True) if kind == "parquet" else read_conll(file, layout.columns, layout.delimiter)
    )
    return ((row, 0) for table in tables for row in _python_rows(table, file))


def _python_rows(table: pa.Table, file: Path) -> list[dict[str, Any]]:
    """The rows of a table as Python's objects; of a column that has none for its values, the texts of the values."""
    columns: dict[str, list[Any]] = {}
    for name, given in zip(distinct_names(table.column_names), table.columns, strict=True):
        values = texts_of_bytes(given)
        try:
            columns[name] = values.to_pylist(maps_as_pydicts="lossy")
        except (pa.ArrowException, ValueError, OverflowError):
            columns[name] = _as_texts(values, file, name)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _as_texts(values: pa.ChunkedArray, file: Path, name: str) -> list[Any]:
    try:
        return list(values.cast(pa.string()).to_pylist())
    except (pa.ArrowException, ValueError, OverflowError):
        raise DataError("has a value that Python cannot hold", file=file, key=name) from None


def kind_of_file(path: str | Path, source: DatasetSource) -> str:
    """What a data file is: as the task's ``dataset`` says, or else as the file's ending says; its ending if unknown."""
    return _kind(Path(path), source.format, source.delimiter)


def _kind(file: Path, kind: str | None, delimiter: str | None) -> str:
    known = kind or kind_of(file).removeprefix(".")
    if known not in KINDS and delimiter is not None:
        return "csv"  # A delimiter says enough about a file whose ending says nothing.
    return known


def _checked_kind(file: Path, kind: str | None, layout: Layout) -> str:
    """What a file is.

    Raises:
        DataError: it is not known, the file is not there, or the layout says what such files do not have.
    """
    known = _kind(file, kind, layout.delimiter)
    if known not in KINDS:
        ending = f".{known}" if known else ""
        near = nearest(ending, FORMS)
        hint = ending_hint(ending) + (f". Did you mean '{near}'?" if near else "")
        raise DataError("unknown kind of data file", file=file, value=ending, hint=hint)
    if not file.is_file():
        pattern = "One file is read here; a pattern stands for several in a task file and after --file"
        known_of_it = pattern if is_pattern(file.name) else hint_for_absent(file)
        raise DataError("there is no such file", file=file, hint=known_of_it)
    _check_fit(known, layout, file)
    return known


def _dialect(kind: str, layout: Layout) -> Dialect:
    plain = _DIALECTS[kind]
    delimiter = layout.delimiter or plain.delimiter
    if layout.escape == delimiter:
        raise DataError("'escape' and 'delimiter' are the same character", value=delimiter)
    quoting = csv.QUOTE_NONE if delimiter == BLANK else plain.quoting
    return Dialect(delimiter, quoting, layout.escape)


def _check_fit(kind: str, layout: Layout, file: Path) -> None:
    """Refuse settings that say nothing about a file of this kind."""
    lines = (*_DIALECTS, "conll")
    kinds = {
        "columns": (layout.columns, lines),
        "delimiter": (layout.delimiter, lines),
        "escape": (layout.escape, ("csv",)),
        "field": (layout.field, _JSON),
        "explode": (layout.explode, _JSON),
    }
    for name, (value, fitting) in kinds.items():
        if value is not None and kind not in fitting:
            shown = " and ".join(filter(None, (", ".join(fitting[:-1]), fitting[-1])))
            raise DataError(f"'{name}' goes with {shown} files", file=file, hint=f"This one is read as {kind}")
