"""Local clones of Hub data sets: which files a split has, and their rows.

A clone is a folder that somebody else filled. It is read by the readers of this package alone, never by the builders
of ``datasets``, which unpack archives, follow addresses and open pickles.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import datasets
import pyarrow as pa

from mtsmart.data.readers.card import CARD, Configuration, names_in_metadata, read_configuration
from mtsmart.data.readers.files import FORMS, read_tables
from mtsmart.data.readers.packed import kind_of
from mtsmart.data.readers.parquet import label_metadata
from mtsmart.errors import DataError
from mtsmart.user_paths import is_pattern

_MAX_FILES = 100_000
_NO_DATA = {CARD, "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip", "dataset_dict.json"}
_BETWEEN = "[-._ 0-9]"  # what separates a split's word from the rest of a name
SPLIT_WORDS = {
    "train": "train|training",
    "validation": "validation|valid|dev|val",
    "test": "test|testing|eval|evaluation",
}
"""Our split -> pattern of the words by which files and folders are known to hold it."""
_SHARD = re.compile(r"data/([^/]+)-[0-9]{5}-of-[0-9]{5}[^/]*\.[^/]*")


@dataclass(frozen=True)
class Clone:
    """The splits of one configuration of a local clone.

    Attributes:
        files: split -> its files, in the order of their rows.
        labels: column -> the names that stand for its numbers; parquet files may name more.
        rows: split -> number of rows, where the clone states it.
    """

    files: dict[str, list[Path]]
    labels: dict[str, list[str]]
    rows: dict[str, int]

    def tables(self, split: str, wanted: Iterable[str] | None = None) -> Iterator[pa.Table]:
        """The rows of a split as tables of some thousand rows, whose columns may differ in type.

        Args:
            split: the split.
            wanted: the columns that are needed; others come without values. None: all.

        Raises:
            DataError: a file cannot be read.
        """
        names = self.names(split)
        for file in self.files[split]:
            for table in read_tables(file, wanted=wanted):
                # Files name the items of lists differently, and datasets names them all alike.
                kinds = datasets.Features.from_arrow_schema(table.schema.remove_metadata()).arrow_schema
                yield _with_numbers(table.cast(kinds), names)

    def names(self, split: str) -> dict[str, list[str]]:
        """Column -> the names of its labels; what the card states counts more than what the files state.

        Raises:
            DataError: the first file cannot be read.
        """
        first = self.files[split][0]
        stored = names_in_metadata(label_metadata(first)) if kind_of(first) == ".parquet" else {}
        return stored | self.labels


def open_clone(folder: Path, name: str | None) -> Clone:
    """The splits of a local clone; no data file is read yet.

    Args:
        folder: the clone.
        name: configuration of the data set; None: its only one, or its default one.

    Raises:
        DataError: it has no such configuration, its card cannot be used, or it has no files of a kind that is read.
    """
    configuration = read_configuration(folder, name)
    listed = list_files(folder)
    chosen = _by_card(configuration, listed) if configuration.patterns else _by_names(configuration.folder, listed)
    if not chosen:
        raise DataError("has no data files that are read", file=folder, hint=_hint(listed))
    files = {split: [_checked(folder, name) for name in names] for split, names in chosen.items()}
    return Clone(files, configuration.labels, configuration.rows)


def features_of(schema: pa.Schema, names: dict[str, list[str]]) -> datasets.Features:
    """The columns' types, with names for the numbers of labels; a column of texts keeps its texts."""
    features = datasets.Features.from_arrow_schema(schema.remove_metadata())
    for column in names.keys() & features.keys():
        kind = schema.field(column).type
        label = datasets.ClassLabel(names=names[column]) if len(set(names[column])) == len(names[column]) else None
        if label is not None and kind == pa.int64():
            features[column] = label
        elif label is not None and pa.types.is_list(kind) and kind.value_type == pa.int64():
            features[column] = datasets.List(label)
    return features


def _with_numbers(table: pa.Table, names: dict[str, list[str]]) -> pa.Table:
    """The numbers of labels in the type that ``datasets`` gives them; csv has them as text."""
    for place, field in enumerate(table.schema):
        if field.name in names and _may_be_numbers(field.type):
            with suppress(pa.ArrowInvalid):  # The column has the labels' names.
                table = table.set_column(place, field.name, table.column(place).cast(pa.int64()))
    return table


def _may_be_numbers(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_string(kind))


def list_files(folder: Path) -> list[str]:
    """The files of a clone, relative to it and sorted; hidden ones, and those in linked folders, are left out."""
    found: list[str] = []
    for place, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith((".", "__"))]
        start = Path(place).relative_to(folder)
        found += [(start / name).as_posix() for name in names if not name.startswith((".", "__"))]
        if len(found) > _MAX_FILES:
            raise DataError(f"has more than {_MAX_FILES:,} files", file=folder)
    return sorted(found)


def _by_card(configuration: Configuration, listed: list[str]) -> dict[str, list[str]]:
    """The files that the patterns of each split name, pattern by pattern."""
    assert configuration.patterns is not None
    start = f"{configuration.folder.strip('/')}/" if configuration.folder else ""
    chosen: dict[str, list[str]] = {}
    known = set(listed)
    for split, patterns in configuration.patterns.items():
        hits = [name for pattern in patterns for name in _named(start + pattern, listed, known)]
        if hits:
            chosen[split] = list(dict.fromkeys(hits))
    return chosen


def _named(pattern: str, listed: list[str], known: set[str]) -> list[str]:
    if not is_pattern(pattern):
        return [pattern] if pattern in known else []
    return [name for name in listed if _matches(name, pattern)]


def _matches(name: str, pattern: str) -> bool:
    """Whether a pattern names a file: ``*`` stays within a folder, ``**`` goes through any number of folders."""
    parts, wanted = tuple(name.split("/")), tuple(pattern.rstrip("/").split("/"))

    @cache
    def fits(part: int, place: int) -> bool:
        if place == len(wanted):
            return part == len(parts)
        if wanted[place] == "**":
            last = place == len(wanted) - 1
            return (last and part < len(parts)) or any(fits(k, place + 1) for k in range(part, len(parts)))
        return part < len(parts) and fnmatchcase(parts[part], wanted[place]) and fits(part + 1, place + 1)

    return fits(0, 0)


def _by_names(folder: str, listed: list[str]) -> dict[str, list[str]]:
    """The files of each split, as the names of the files or of their folders say; without such names all is train."""
    start = f"{folder.strip('/')}/" if folder else ""
    data = [name for name in listed if name.startswith(start) and Path(name).name not in _NO_DATA]
    data = [name.removeprefix(start) for name in data if kind_of(Path(name)) in FORMS]
    shards = [(found[1], name) for name in data if (found := _SHARD.fullmatch(name))]
    if shards:
        return {split: [start + name for key, name in shards if key == split] for split, _ in shards}
    for is_of in (_folder_is_of, _file_is_of):
        found_by = {
            split: [start + name for name in data if is_of(name, words)] for split, words in SPLIT_WORDS.items()
        }
        if any(found_by.values()):
            return {split: names for split, names in found_by.items() if names}
    return {"train": [start + name for name in data]} if data else {}


def _folder_is_of(name: str, words: str) -> bool:
    pattern = re.compile(f"(.*{_BETWEEN})?({words})({_BETWEEN}.*)?")
    return any(pattern.fullmatch(part) for part in name.split("/")[:-1])


def _file_is_of(name: str, words: str) -> bool:
    return re.fullmatch(f"(.*{_BETWEEN})?({words}){_BETWEEN}.*", name.rpartition("/")[2]) is not None


def _checked(folder: Path, name: str) -> Path:
    """A data file, if it is of a kind that is read and lies in the clone or in the Hub's cache of it.

    Raises:
        DataError: it does not.
    """
    file = folder / name
    if kind_of(file) not in FORMS:
        raise DataError("is no data file of a kind that is read", file=file, hint=_hint([name]))
    target = file.resolve()
    root = folder.resolve()
    places = [root, root.parent.parent / "blobs"] if root.parent.name == "snapshots" else [root]
    if not any(target.is_relative_to(place) for place in places):
        raise DataError("is a link to a file outside the clone, which is not read", file=file)
    if not target.is_file():
        raise DataError("is no regular file", file=file)
    return file


def _hint(names: list[str]) -> str:
    forms = ", ".join(form.removeprefix(".") for form in FORMS)
    others = [name for name in names if Path(name).name not in _NO_DATA]
    return f"It has {', '.join(others[:3]) or 'no files'}. Read are {forms}; scripts and archives are not"
