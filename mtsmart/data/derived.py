"""Columns that are made of the data's own: parts of nested ones (``choices.text``), texts made of several, and labels
by name.

``"{word}: {sentence1}"`` is such a text. What stands between the braces is the name of a column, or a name and a filter
with the columns that it needs: ``{sentence1 | mark start1 end1}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mtsmart.data.filters import FILTERS
from mtsmart.data.tables.missing import is_missing
from mtsmart.data.tables.whole_rows import with_column
from mtsmart.errors import DataError, did_you_mean, nearest

_BATCH = 10_000  # rows whose texts are made together
_PIECES = re.compile(r"(\{\{|\}\}|\{[^{}]*\})")
_FILTER = re.compile(r"(.*?) \| (\w+) (\S+) (\S+)")
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def source_columns(columns: Iterable[str]) -> list[str]:
    """The data's own columns that ``columns`` may be made of, each once; some of them may not be there.

    ``a.b`` may be a column of this name, or the part ``b`` of the column ``a``.
    """
    found: list[str] = []
    for column in columns:
        inner = names_in(column)
        found += [column, *(prefix for name in inner or [column] for prefix in _prefixes(name))]
    return list(dict.fromkeys(found))


def parts_of(columns: Iterable[str]) -> list[str]:
    """The data's own columns that the texts made of several among ``columns`` name, each once."""
    return source_columns(name for column in columns for name in names_in(column))


def fields_of(columns: Iterable[str]) -> dict[str, list[str]]:
    """Field of a row that ``columns`` are made of -> the keys under which the row may have it.

    These are its own name, and those of wholes that it is a part of: a text made of several may be there as a whole.
    """
    fields: dict[str, list[str]] = {}
    for column in columns:
        for name in names_in(column) or [column]:
            fields.setdefault(name, []).extend(dict.fromkeys([column, *source_columns([name])]))
    return fields


def is_derived(column: str, present: Iterable[str]) -> bool:
    """Whether a column is made of others: it is none of ``present``, and has a dot or braces."""
    return column not in present and ("." in column or bool(names_in(column)))


def with_derived(
    table: pa.Table,
    column: str,
    place: str,
    empty: Collection[str] = (),
    done: int = 0,
    known: Collection[str] = (),
) -> pa.Table:
    """The table, with ``column`` if it is made of the table's own.

    Args:
        table: rows.
        column: what is needed. One that the table has stays as it is, and one that is plainly missing is left to the
            caller.
        place: what errors call the table.
        empty: the columns whose missing values count as empty texts within a text that is made of several.
        done: rows before these, which errors count too.
        known: further columns of the data, which a hint may name.

    Raises:
        DataError: names a column, or a part of one, that is not there.
    """
    if not is_derived(column, table.column_names):
        return table
    _require_parts(column, table.column_names, place, known)
    is_text = bool(names_in(column))
    made = _filled(table, column, place, empty, done) if is_text else _nested(table, column, place, column)
    return table.append_column(column, made)


def _require_parts(column: str, present: Sequence[str], place: str, known: Collection[str]) -> None:
    """Refuse a column of which a part is made of no column of the data.

    Raises:
        DataError: names the part, and the nearest of the columns that are ``present`` or ``known``.
    """
    if names_in(column):
        _check_braces(column, place)
    for name in names_in(column) or [column]:
        if not set(_prefixes(name)).isdisjoint(present):
            continue
        if "|" in name:
            message = f"'{name}' is neither a column nor a filter with two columns"
            raise DataError(message, file=place, key=column, hint=_filter_hint(name))
        hint = did_you_mean(_prefixes(name)[-1], dict.fromkeys([*present, *known]))
        message = "there is no such column" if column == name else f"names the column '{name}', which is not there"
        raise DataError(message, file=place, key=column, hint=hint)


def _filter_hint(name: str) -> str:
    """How a filter is written, for a part of a text that has a bar."""
    word = next(iter(name.partition("|")[2].split()), "")
    near = "" if word in FILTERS else f". {did_you_mean(word, FILTERS)}"
    example = f"{{column | {nearest(word, FILTERS) or 'mark'} a b}}"
    return f"Write it with a blank on both sides of the bar, and two columns at the end: {example}{near}"


def names_in(template: str) -> list[str]:
    """The columns that a template such as ``"{a}: {b}"`` names; none for a plain name."""
    return [name for piece in map(_piece, _PIECES.findall(template)) for name in piece.columns]


def _prefixes(name: str) -> list[str]:
    """``a.b.c`` -> a.b.c, a.b, a: the longest first."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _nested(table: pa.Table, name: str, place: str, column: str) -> pa.ChunkedArray:
    """The values at a path of names, which leads through mappings and lists of mappings."""
    whole = next(prefix for prefix in _prefixes(name) if prefix in table.column_names)
    values = table.column(whole)
    for part in filter(None, name[len(whole) + 1 :].split(".")):
        kind = _kind_of_parts(values.type, part, whole, {"file": place, "key": column})
        chunks = [_part(chunk, part) for chunk in values.chunks]
        values = pa.chunked_array(chunks, kind)
    return values


def _kind_of_parts(kind: pa.DataType, part: str, name: str, place: dict[str, Any]) -> pa.DataType:
    """The type of the values under a key.

    Raises:
        DataError: there is no such key.
    """
    if any(is_list(kind) for is_list in _LISTS):
        inner = _kind_of_parts(kind.value_type, part, name, place)
        return pa.large_list(inner) if pa.types.is_large_list(kind) else pa.list_(inner)
    if pa.types.is_null(kind):
        return kind
    if not pa.types.is_struct(kind):
        hint = f"It is {kind}; JSON in a text is read with 'parse: {{{name}: json}}' in the dataset"
        raise DataError(f"has no part '{part}', because it is no mapping", hint=hint, **place)
    names = [kind.field(number).name for number in range(kind.num_fields)]
    if part not in names:
        raise DataError(f"has no part '{part}'", hint=did_you_mean(part, names), **place)
    return kind.field(names.index(part)).type


def _part(array: pa.Array, part: str) -> pa.Array:
    kind = array.type
    if pa.types.is_null(kind):
        return array
    if pa.types.is_struct(kind):
        return pc.struct_field(array, part)
    if pa.types.is_fixed_size_list(kind):
        array = array.cast(pa.list_(kind.value_field))
    inner = _part(array.values, part)  # of all lists of the chunk's buffers, so that the offsets fit
    whole = pa.LargeListArray if pa.types.is_large_list(kind) else pa.ListArray
    if not array.null_count:
        return whole.from_arrays(array.offsets, inner)
    # Arrow takes no slice of offsets together with a mask, so they are copied.
    offsets = pa.array(np.array(array.offsets), array.offsets.type)
    return whole.from_arrays(offsets, inner, mask=pa.array(np.array(array.is_null())))


def _filled(table: pa.Table, template: str, place: str, empty: Collection[str], done: int) -> pa.ChunkedArray:
    """The template with the values of each row. A row that lacks one of them has no text."""
    names = list(dict.fromkeys(names_in(template)))
    parts = pa.table({name: _nested(table, name, place, template) for name in names})
    texts = [pa.array(list(_texts(batch, template, place, empty)), pa.string()) for batch in _batches(parts, done)]
    return pa.chunked_array(texts, pa.string())


def _check_braces(template: str, place: str) -> None:
    """Refuse a brace that neither encloses a name nor is doubled.

    Raises:
        DataError: there is one.
    """
    pieces = [_piece(piece) for piece in _PIECES.split(template) if piece not in ("", "{{", "}}")]
    if any("{" in piece.text or "}" in piece.text for piece in pieces if not piece.columns):
        hint = "A column's name stands between two braces; {{ and }} are braces of the text"
        raise DataError("has a brace that encloses no name", file=place, key=template, hint=hint)
    unknown = next((piece.filter for piece in pieces if piece.filter and piece.filter not in FILTERS), None)
    if unknown is not None:
        raise DataError(
            "there is no such filter", file=place, key=template, value=unknown, hint=did_you_mean(unknown, FILTERS)
        )


def _batches(parts: pa.Table, done: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    for batch in parts.to_batches(_BATCH):
        yield done, batch
        done += batch.num_rows


def _texts(
    numbered: tuple[int, pa.RecordBatch], template: str, place: str, empty: Collection[str]
) -> Iterator[str | None]:
    done, batch = numbered
    pieces = [_piece(piece) for piece in _PIECES.split(template) if piece]
    for number, given in enumerate(batch.to_pylist(), done + 1):
        row = {name: _present(value, name in empty) for name, value in given.items()}
        if None in row.values():
            yield None
        elif all(value == "" for value in row.values()):
            yield ""
        else:
            yield "".join(piece.filled(row, f"{place}, row {number}", template) for piece in pieces)


def _present(value: Any, may_be_empty: bool) -> Any:
    """A value; a missing one is None, or an empty text where that counts as a text."""
    missing = "" if may_be_empty else None
    return missing if is_missing(value) else value


@dataclass(frozen=True)
class _Piece:
    """A part of a template.

    Attributes:
        text: what it says, if it names no column.
        columns: the column whose value it stands for, and those that its filter needs.
        filter: what is done with the value; empty: nothing.
    """

    text: str = ""
    columns: tuple[str, ...] = ()
    filter: str = ""

    def filled(self, row: Mapping[str, Any], place: str, template: str) -> str:
        """The text that it stands for in a row.

        Raises:
            DataError: a value does not fit.
        """
        if not self.columns:
            return self.text
        name, *others = self.columns
        text = _text_of(row[name], name, place, template)
        if not self.filter:
            return text
        try:
            return FILTERS[self.filter](text, *(row[other] for other in others))
        except ValueError as error:
            raise DataError(str(error), file=place, key=template, value=text) from None


def _piece(piece: str) -> _Piece:
    """A piece of a template: a text, or what stands between two braces."""
    if piece in ("{{", "}}"):
        return _Piece(piece[0])
    inner = piece[1:-1].strip() if piece[:1] == "{" and piece[-1:] == "}" else ""
    if not inner:
        return _Piece(piece)
    found = _FILTER.fullmatch(inner)
    if found is None:
        return _Piece(columns=(inner,))
    return _Piece(columns=(found[1].strip(), found[3], found[4]), filter=found[2])


def _text_of(value: Any, name: str, place: str, template: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise DataError(f"the column '{name}' has no text or number", file=place, key=template, value=value)


def with_named_labels(rows: datasets.Dataset) -> tuple[datasets.Dataset, dict[str, list[str]]]:
    """The rows with names in place of all numbers of labels, and for each column of labels their names, in order."""
    names = names_of_labels(rows.features)
    for column in names:
        rows = named_labels(rows, column)
    return rows, names


def names_of_labels(features: Mapping[str, Any]) -> dict[str, list[str]]:
    """Column -> the names of its labels, in order, for each column of label numbers or of lists of them."""
    each = {column: getattr(feature, "feature", feature) for column, feature in features.items()}  # of a list
    return {column: list(one.names) for column, one in each.items() if isinstance(one, datasets.ClassLabel)}


def named_label(value: Any, names: Sequence[str]) -> Any:
    """A value of a single row with the name in place of a label's number, or of each number in a list.

    What is no whole number stays as it is, so it may have its name already.

    Raises:
        DataError: a number has no name.
    """
    if type(value) is int:  # what nearly all values are, looked at first because there may be millions
        return _label_name(names, value)
    value = value.tolist() if hasattr(value, "tolist") else value  # arrays and numbers of numpy and torch
    if isinstance(value, list | tuple):
        return [named_label(item, names) for item in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    return _label_name(names, int(value)) if is_number else value


def named_labels(rows: datasets.Dataset, label: str) -> datasets.Dataset:
    """The rows with label numbers, or lists of them, as the names that the data set gives them.

    Args:
        rows: any rows.
        label: a column. It stays as it is if the data set gives no names.

    Raises:
        DataError: a number has no name.
    """
    names = names_of_labels(rows.features).get(label)
    if names is None:
        return rows
    text = datasets.Value("string")
    feature = text if isinstance(rows.features[label], datasets.ClassLabel) else datasets.List(text)
    return with_column(rows, label, [named_label(value, names) for value in rows[label][:]], feature)


def _label_name(names: Sequence[str], value: int) -> str | None:
    if value >= len(names):
        raise DataError("is a label that the data set has no name for", value=value, hint=f"It names {len(names)}")
    return None if value < 0 else names[value]


def has_filter(column: str) -> bool:
    """Whether a column is a text in which a filter changes a part, as in ``"{sentence | mark start end}"``."""
    return any(_piece(piece).filter for piece in _PIECES.findall(column))
