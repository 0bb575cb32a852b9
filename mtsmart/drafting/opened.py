"""What the user names as data: files, a folder, or a data set of the Hub. Its form is guessed, its rows are read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets

from mtsmart.config.document import Document
from mtsmart.config.sections import DataConfig
from mtsmart.config.validate import validate
from mtsmart.data.readers import list_files, whole_rows
from mtsmart.data.readers.clones import SPLIT_WORDS
from mtsmart.data.readers.packed import kind_of
from mtsmart.data.sources import split_names, whole_split
from mtsmart.drafting.forms import form_of
from mtsmart.errors import ConfigError, DataError
from mtsmart.tasks.dataset import DatasetSource

_READ = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".conll", ".txt")
_WORDS = {**SPLIT_WORDS, "validation": f"{SPLIT_WORDS['validation']}|development"}
OURS = tuple(_WORDS)


@dataclass(frozen=True)
class Opened:
    """Data whose form is known.

    Attributes:
        dataset: the section ``dataset`` of a task's YAML; paths are relative to the folder of the YAML.
        source: the same, with paths as they can be opened.
        splits: the names of the data's own splits.
        notes: key of ``dataset`` -> why it is there.
    """

    dataset: dict[str, Any]
    source: DatasetSource
    splits: tuple[str, ...]
    notes: Mapping[str, str] = field(default_factory=dict)
    _read: dict[str, tuple[datasets.Dataset, dict[str, list[str]]]] = field(default_factory=dict, repr=False)

    def label_names(self, split: str) -> Mapping[str, Sequence[str]]:
        """Column -> the names that stand for its numbers; data files name none."""
        return {} if self.source.files is not None else self._whole(split)[1]

    def _whole(self, split: str) -> tuple[datasets.Dataset, dict[str, list[str]]]:
        if split not in self._read:
            self._read[split] = whole_split(self.source, split, DataConfig())
        return self._read[split]

    def rows(self, split: str) -> Iterator[Mapping[str, Any]]:
        """The rows of one of the data's own splits, with all columns.

        Raises:
            DataError: they cannot be read.
        """
        if self.source.files is None:
            yield from self._whole(split)[0]
            return
        for file in self.source.files[split]:
            yield from whole_rows(file, self.source)


def open_data(places: Sequence[str], folder: Path, configuration: str | None) -> Opened:
    """Find out what data is.

    Args:
        places: a file or several, a folder, or the id of a data set on the Hub.
        folder: where the YAML will stand.
        configuration: of a Hub data set.

    Raises:
        MtsmartError: there is no such data, or its form is not known.
    """
    paths = [Path(place) for place in places]
    if len(paths) == 1 and paths[0].is_dir():
        return _open_files(_files_within(paths[0]), folder)
    if any(path.exists() for path in paths) or any(kind_of(path) in _READ for path in paths):
        for path in paths:
            if not path.is_file():
                raise DataError("there is no such file", file=path)
        return _open_files(paths, folder)
    if len(places) > 1:
        raise ConfigError("is neither a file nor a folder", argument="source", value=places[0])
    return _open_hub(places[0], configuration)


def _files_within(folder: Path) -> list[Path]:
    """The data files of a folder, in its subfolders too."""
    found = [folder / name for name in list_files(folder) if kind_of(Path(name)) in _READ]
    named = [file for file in found if split_of(file.name) is not None]
    if not found:
        raise DataError("holds no data files that are read", file=folder, hint=f"Read are {', '.join(_READ)}")
    return sorted(named or found)


def split_of(name: str) -> str | None:
    """Which of our splits a name speaks of; None: of none."""
    words = [word for word in re.split(r"[^a-zA-Z]+", name) if word]
    for split, pattern in _WORDS.items():
        if any(re.fullmatch(pattern, word, re.IGNORECASE) for word in words):
            return split
    return None


def _open_files(files: Sequence[Path], folder: Path) -> Opened:
    by_split: dict[str, list[Path]] = {}
    for file in files:
        by_split.setdefault(split_of(file.name) or "train", []).append(file)
    if len(by_split) == 1:
        by_split = {"train": list(files)}
    form = form_of(next(iter(by_split.values()))[0])
    names = {split: [_from(folder, file) for file in found] for split, found in by_split.items()}
    written = {split: found[0] if len(found) == 1 else found for split, found in names.items()}
    dataset = {"files": written, **form.settings}
    source = _source(
        {"files": {split: [str(file) for file in found] for split, found in by_split.items()}, **form.settings}
    )
    return Opened(dataset, source, tuple(by_split), notes=form.notes)


def _from(folder: Path, file: Path) -> str:
    """A path as a YAML in ``folder`` names it."""
    try:
        return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return str(file.resolve())


def _source(dataset: dict[str, Any]) -> DatasetSource:
    return validate(DatasetSource, Document(dataset, {}))


def _open_hub(path: str, configuration: str | None) -> Opened:
    dataset = {"path": path} | ({"name": configuration} if configuration else {})
    source = _source(dataset)
    return Opened(dataset, source, tuple(split_names(source, DataConfig())))
