"""Files of JSON objects: one a line, or a list of them, which may stand within an object."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from mtsmart.data.readers.columns import SizedRow, tables_of
from mtsmart.data.readers.forms.json_text import BLANKS, BLOCK, JsonText, NoPlaceError
from mtsmart.data.readers.forms.nested import ITEM, SQUAD_FIELD, Expand, exploding, size_of, squad_rows
from mtsmart.data.readers.forms.wanted import Wanted, first_row
from mtsmart.data.readers.lines import bounded_lines, not_utf8, open_text
from mtsmart.data.readers.packed import most_bytes
from mtsmart.data.readers.shapes import Shape
from mtsmart.errors import DataError, did_you_mean
from mtsmart.tasks.dataset import INTO_DATASET

_WATCHED = 100  # rows at the start of a file in which a key that stands twice is found
_MAX_SHOWN = 5  # keys of a hint
_DEEPEST = 2  # objects around the lists that a hint names


def read_json(
    file: Path,
    wanted: Wanted = None,
    field: str | None = None,
    explode: str | None = None,
    texts: Collection[str] = (),
) -> Iterator[pa.Table]:
    """All rows of a file, in tables of some thousand rows; a key that a row lacks is None there.

    The file has one object a line (blank lines are left out), or is one list of objects.

    Args:
        file: the file.
        wanted: the columns to read; None: all.
        field: the keys, with dots between, that lead from the file's one object to the list of rows.
        explode: the keys that lead to a list within a row, each item of which becomes a row.
        texts: the columns whose numbers and truth values become texts.

    Raises:
        DataError: it is neither, or a row does not fit; the message names the line or the row.
    """
    taker = _Taker(file, wanted, None if explode is None else exploding(explode))
    with open_text(file) as stream:
        is_list = field is None and _starts_list(stream, file)
    with open_text(file) as stream:
        rows = _items(stream, file, field, taker) if is_list or field is not None else _records(stream, file, taker)
        yield from tables_of(rows, file, most_bytes(file), texts)


def read_squad(file: Path, wanted: Wanted = None) -> Iterator[pa.Table]:
    """The questions of a file in SQuAD's nested form, with the columns of :func:`squad_rows`.

    Raises:
        DataError: as :func:`read_json`.
    """
    with open_text(file) as stream:
        rows = _items(stream, file, SQUAD_FIELD, _Taker(file, wanted, squad_rows))
        yield from tables_of(rows, file, most_bytes(file))


def whole_rows(file: Path, field: str | None = None, explode: str | None = None) -> Iterator[SizedRow]:
    """All rows with all their keys, as Python's objects; a row has the keys that stand in it.

    Args:
        file, field, explode: as for :func:`read_json`.

    Raises:
        DataError: as :func:`read_json`.
    """
    expand = None if explode is None else exploding(explode)
    with open_text(file) as stream:
        is_list = field is None and _starts_list(stream, file)
    with open_text(file) as stream:
        taker = _WholeTaker(file, None, expand)
        yield from _items(stream, file, field, taker) if is_list or field is not None else _records(stream, file, taker)


def whole_questions(file: Path) -> Iterator[SizedRow]:
    """The questions of a file in SQuAD's nested form.

    Raises:
        DataError: as :func:`read_squad`.
    """
    with open_text(file) as stream:
        yield from _items(stream, file, SQUAD_FIELD, _WholeTaker(file, None, squad_rows))


def _starts_list(stream: TextIO, file: Path) -> bool:
    try:
        return stream.read(BLOCK).lstrip(BLANKS).startswith("[")
    except UnicodeDecodeError:
        raise not_utf8(file) from None


class _Taker:
    """Takes the objects of a file, and gives the rows that they stand for, with the wanted columns alone.

    Args:
        file: what errors call the file.
        wanted: the columns to read; None: all.
        expand: the rows that an object stands for; None: it is one.
    """

    def __init__(self, file: Path, wanted: Wanted, expand: Expand | None) -> None:
        self._shape = Shape(file)
        self._file = file
        self._wanted = wanted
        self.expand = expand
        self._is_first = True
        self.hits = wanted is None  # whether a wanted column was there

    def expanded(self, record: Any, line: int | None, row: int | None) -> Iterator[SizedRow]:
        """The rows that one object stands for, each with its size.

        Raises:
            DataError: it is no object, or does not fit with those before it.
        """
        assert self.expand is not None
        if not isinstance(record, dict):
            raise self._no_object(record, line, row)
        try:
            for item, part in enumerate(self.expand(record)):
                numbered = {**part, ITEM: item} if self._wanted and ITEM in self._wanted else part
                kept = self.kept(numbered, line, row)
                yield kept, size_of(kept)
        except DataError as error:
            raise (error if error.file else error.at(self._place(row), line)) from None

    def _place(self, row: int | None) -> str:
        return f"{self._file}" if row is None else f"{self._file}, row {row}"

    def _no_object(self, record: Any, line: int | None, row: int | None) -> DataError:
        return DataError("must be a JSON object", file=self._place(row), line=line, value=record)

    def kept(self, record: Any, line: int | None, row: int | None) -> dict[str, Any]:
        """An object with the wanted keys alone; the first one has the names of the others too.

        Raises:
            DataError: it is no object, or does not fit with those before it.
        """
        if not isinstance(record, dict):
            raise self._no_object(record, line, row)
        wanted = self._wanted
        if wanted is not None:
            if self._is_first:
                record = first_row(record, wanted)
                self._is_first = False
                self.hits = any(name in wanted for name in record)
            elif not record.keys() <= wanted.keys():
                record = {name: record[name] for name in wanted if name in record}
        self._shape.add(record, line, row)
        kept: dict[str, Any] = record
        return kept

    def check_keys(self, pairs: list[tuple[str, Any]], line: int | None) -> None:
        """Refuse a wanted key that an object has twice.

        Raises:
            DataError: names the key.
        """
        names = [name for name, _ in pairs]
        for name in self._wanted or ():
            if names.count(name) > 1:
                hint = "The task reads this key, so rename one of the two"
                raise DataError("stands twice in one object", file=self._file, line=line, key=name, hint=hint)


class _WholeTaker(_Taker):
    """Takes the objects as they are: no columns are made of them, so their shape has no limits."""

    def kept(self, record: Any, line: int | None, row: int | None) -> dict[str, Any]:
        """An object.

        Raises:
            DataError: it is none.
        """
        if not isinstance(record, dict):
            raise self._no_object(record, line, row)
        whole: dict[str, Any] = record
        return whole


class _Pairs:
    """Notes the pairs of keys and values of the object that was read last, which is the outermost one."""

    def __init__(self) -> None:
        self.last: list[tuple[str, Any]] = []

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self.last = pairs
        return dict(pairs)


def _records(stream: TextIO, file: Path, taker: _Taker) -> Iterator[SizedRow]:
    pairs = _Pairs()
    decode = json.JSONDecoder(object_pairs_hook=pairs).raw_decode
    line = 0
    count = 0
    try:
        for line, padded in enumerate(bounded_lines(stream, file), 1):
            text = padded.strip()
            if not text:
                continue
            record, end = decode(text)
            if end < len(text):
                raise json.JSONDecodeError("Extra data", text, end)
            count += 1
            if count <= _WATCHED:
                taker.check_keys(pairs.last, line)
                if count == _WATCHED:
                    decode = json.JSONDecoder().raw_decode  # takes half the time of json.loads
            if taker.expand is None:
                yield taker.kept(record, line, None), len(text)
            else:
                yield from taker.expanded(record, line, None)
            del record  # Otherwise two long lines would be in memory as Python's objects.
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except json.JSONDecodeError as error:
        hint = None if count else _hint_of_object(file)
        raise DataError(f"is not valid JSON: {error.msg}", file=file, line=line, hint=hint) from None
    except RecursionError:
        raise DataError("is not valid JSON: nested too deeply", file=file, line=line) from None
    except ValueError:  # Python refuses to read a whole number of some thousand digits.
        raise DataError("holds a number with too many digits", file=file, line=line) from None
    if count == 1 and not taker.hits and (hint := _hint_of_object(file)):
        raise DataError("is one object, which has none of the task's columns", file=file, hint=hint)


def _hint_of_object(file: Path) -> str | None:
    """What to write for a file that is one object with lists of objects in it; None for any other file."""
    with suppress(EOFError, ValueError, RecursionError):
        lists = _lists_within(file, [])
        if lists:
            squad = " (a file of SQuAD's form: 'format: squad')" if lists == [SQUAD_FIELD] else ""
            items = ", ".join(lists[:_MAX_SHOWN])
            return f"Its rows may be the items of {items}: write 'field: {lists[0]}' {INTO_DATASET}{squad}"
    return None


def _lists_within(file: Path, path: list[str]) -> list[str]:
    """What 'field' may say: the places of lists of objects in the object at ``path``, or in the objects within it.

    Raises:
        EOFError, ValueError: the file is not valid JSON.
    """
    lists, objects = (_keys_at(file, path, kind) for kind in (JsonText.lists, JsonText.objects))
    if lists or len(path) == _DEEPEST:
        return [".".join([*path, key]) for key in lists]
    return [place for key in objects[:_MAX_SHOWN] for place in _lists_within(file, [*path, key])]


def _keys_at(file: Path, path: list[str], kind: Callable[[JsonText], list[str]]) -> list[str]:
    with open_text(file) as stream:
        text = JsonText(stream)
        text.enter(path)
        return [key for key in kind(text) if "." not in key]  # 'field' has dots between keys.


def _items(stream: TextIO, file: Path, field: str | None, taker: _Taker) -> Iterator[SizedRow]:
    row = 0
    text = JsonText(stream)
    try:
        if field is not None:
            _enter(text, field, file)
        for record, size in text.items():
            row += 1
            if taker.expand is None:
                yield taker.kept(record, None, row), size
            else:
                yield from taker.expanded(record, None, row)
            del record  # Otherwise two long objects would be in memory.
        if field is None:
            text.check_end()
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except EOFError:
        raise DataError("is not valid JSON", file=f"{file}, row {row + 1}") from None
    except (ValueError, RecursionError):
        raise DataError("is not valid JSON, or is too large", file=f"{file}, row {row + 1}") from None


def _enter(text: JsonText, field: str, file: Path) -> None:
    try:
        text.enter(field.split("."))
    except NoPlaceError as error:
        raise DataError(
            f"has no '{error.key}', where the rows should be", file=file, hint=did_you_mean(error.key, error.known)
        ) from None
    if text.next_sign() != "[":
        raise DataError(f"has no list at '{field}', where the rows should be", file=file)
