"""Files whose fields are parted or quoted otherwise than they are read: what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import islice
from pathlib import Path

from mtsmart.data.readers.lines import bounded_lines, open_text
from mtsmart.errors import DataError, MtsmartWarning
from mtsmart.tasks.dataset import INTO_DATASET

_OTHERS = (";", "\t", "|", ",")
_SHEETS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
_ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar")
_DOCUMENTS = (".pdf", ".docx", ".doc", ".odt", ".rtf", ".html", ".htm", ".xml", ".eml")
_STORES = (".feather", ".arrow", ".orc", ".avro", ".h5", ".sqlite", ".db", ".pkl", ".pickle", ".npy", ".npz", ".pt")
OTHERS = {
    **dict.fromkeys(_SHEETS, "Save the sheet as csv in UTF-8"),
    **dict.fromkeys(_ARCHIVES, "Unpack it, and name the files that it holds"),
    **dict.fromkeys(_DOCUMENTS, "Write its texts into a csv or jsonl file, a row for each text"),
    **dict.fromkeys(_STORES, "Write its rows into a parquet, csv or jsonl file"),
}
"""The ending of a file that is certainly none of those that are read -> what to do with it."""
_SHOWN = {"\t": "tab", "blank": "blank"}
_QUOTED = f"Its fields stand in quotes: write 'format: csv, delimiter: tab' {INTO_DATASET}"


def delimiter_hint(delimiter: str) -> str:
    """What to write for fields that are parted by ``delimiter``."""
    shown = _SHOWN.get(delimiter, f'"{delimiter}"')
    return f"Its fields stand between {_named(delimiter)}: write 'delimiter: {shown}' {INTO_DATASET}"


def _named(delimiter: str) -> str:
    return {"\t": "tabs", "blank": "blanks"}.get(delimiter, f"'{delimiter}'")


def check_header(header: Sequence[str], delimiter: str, wanted: Collection[str], file: Path, line: int) -> None:
    """Refuse a header without any wanted column, if another delimiter would give one.

    Raises:
        DataError: says how the file is to be read.
    """
    if any(name in header for name in wanted):
        return
    text = delimiter.join(header)
    for other in _OTHERS:
        parts = {part.strip(' \t"') for part in text.split(other)}
        if other != delimiter and len(parts) > 1 and not parts.isdisjoint(wanted):
            raise DataError(
                "has none of the task's columns", file=file, line=line, value=text, hint=delimiter_hint(other)
            )
    if {name.strip('"') for name in header} & {*wanted}:
        raise DataError("has none of the task's columns", file=file, line=line, value=text, hint=_QUOTED)


def hint_for_row(row: Sequence[str], delimiter: str, width: int) -> str | None:
    """What to write where a row has not ``width`` fields; None if nothing is known."""
    text = delimiter.join(row)
    for other in _OTHERS:
        if other != delimiter and len(row) < width and text.count(other) == width - 1:
            return delimiter_hint(other)
    if delimiter == "\t" and any(field.startswith('"') and field.count('"') % 2 for field in row):
        return _QUOTED
    words = len(text.split())
    return delimiter_hint("blank") if len(row) == 1 and width > 1 and words >= width else None


def hint_for_header(header: Sequence[str], delimiter: str) -> str | None:
    """What to write for a header of one field that holds another delimiter; None for any other header."""
    others = [other for other in _OTHERS if other != delimiter and other in header[0]]
    return delimiter_hint(others[0]) if others and len(header) == 1 else None


def escape_hint(file: Path, line: int) -> str | None:
    """What to write where quotes within a field are written with a backslash; None if they are not."""
    with open_text(file) as stream:
        text = next(islice(bounded_lines(stream, file), line - 1, None), "")
    if '\\"' in text:
        said = "write 'escape: \"\\\\\"' " + INTO_DATASET
        return f"If a backslash stands before the quotes of its texts, {said}"
    return None


def is_quoted(row: Sequence[str]) -> bool:
    """Whether a field begins and ends with a quote and has only doubled ones between, as writers of csv have it."""
    return any(_is_quoted(field) for field in row if '""' in field)


def _is_quoted(field: str) -> bool:
    inner = field[1:-1]
    return field[0] == field[-1] == '"' and '""' in inner and '"' not in inner.replace('""', "")


def quotes_hint(field: object) -> str | None:
    """A hint for a field that begins and ends with a quote; None for any other field."""
    if isinstance(field, str) and len(field) > 1 and field[0] == field[-1] == '"':
        return "Its quotes are part of it: tsv is read without quoting. Leave them out, or make it a csv file"
    return None


def quoted_warning(file: Path, line: int) -> str:
    """The warning for a tsv file whose fields stand in quotes."""
    return (
        f"{file}:{line}: a field begins and ends with a quote and holds doubled ones, and tsv is read without quoting, "
        "so all of them are part of the text. If a program such as pandas wrote them, write "
        f"'format: csv, delimiter: tab' {INTO_DATASET}"
    )


class WordsWarning(MtsmartWarning):
    """The rows of a file seem to be the words of sentences."""


def words_warning(file: Path, line: int) -> str:
    """The warning for a file of one word a line."""
    return (
        f"{file}:{line}: a blank line stands between rows of one word, and each of these rows is read as a text of its "
        f"own. If a row is a word and a blank line ends a sentence, write 'format: conll' {INTO_DATASET}"
    )


def ending_hint(ending: str) -> str:
    """The hint for an ending that says nothing about what a file holds."""
    if ending.lower() in OTHERS:
        return OTHERS[ending.lower()]
    shown = f"'{ending}' " if re.fullmatch(r"\.\w+", ending) else ""
    return (
        f"The ending {shown}does not say what the file holds, so write it {INTO_DATASET}: format: csv, tsv, "
        "jsonl, json, squad, conll, parquet, or text for files that are one text each; 'delimiter' and 'columns' say "
        "how lines are read "
        "(of a new file: --format and --columns)"
    )
