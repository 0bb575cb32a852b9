"""What the user names as data: files, a folder, or a data set of the Hub. Its form is guessed, its rows are read."""

from __future__ import annotations

import os
import re
from collections import Counter
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
from mtsmart.user_paths import is_pattern

_READ = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".conll", ".txt")
_WORDS = {**SPLIT_WORDS, "validation": f"{SPLIT_WORDS['validation']}|development"}
OURS = tuple(_WORDS)
_TEXT = ".txt"
_LEAST_LABELS = 2  # folders that hold texts
_LEAST_TEXTS = 2  # of a label, on average
_MOST_OTHERS = 0.1  # of the data files, such as lists of names beside the folders
_WHOLE = {"format": "text"}
_WHY_WHOLE = {"format": "each file is one text, and the name of its folder is the label"}


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
        return _open_folder(paths[0], folder)
    if any(path.exists() for path in paths) or any(kind_of(path) in _READ for path in paths):
        for path in paths:
            if not path.is_file():
                raise DataError("there is no such file", file=path)
        return _open_files(paths, folder)
    if len(places) > 1:
        raise ConfigError("is neither a file nor a folder", argument="source", value=places[0])
    return _open_hub(places[0], configuration)


def _open_folder(root: Path, folder: Path) -> Opened:
    """The data files of a folder, in its subfolders too."""
    found = [root / name for name in list_files(root) if kind_of(Path(name)) in _READ]
    if not found:
        raise DataError("holds no data files that are read", file=root, hint=f"Read are {', '.join(_READ)}")
    texts = _texts_by_split(root, found)
    if texts:
        return _open_texts(root, texts, folder)
    named = [file for file in found if split_of(file.name) is not None]
    return _open_files(sorted(named or found), folder)


def _texts_by_split(root: Path, files: Sequence[Path]) -> dict[str, list[Path]]:
    """The texts below ``root/LABEL`` or ``root/SPLIT/LABEL``; empty if the folder is not of this form.

    Args:
        root: the folder.
        files: the data files in it and in its subfolders.

    Returns:
        the name of a split's folder, or an empty one, -> its files.
    """
    if is_pattern(str(root)):
        return {}  # The pattern of its files would mean others.
    found: dict[str, list[Path]] = {}
    for file in files:
        above = file.relative_to(root).parts[:-1]
        if _is_text_of_label(file, above):
            found.setdefault(above[0] if len(above) == 2 else "", []).append(file)
    texts = [file for texts in found.values() for file in texts]
    labels = Counter(file.parent.name for file in texts)
    has_others = len(files) - len(texts) > _MOST_OTHERS * len(files)
    if has_others or len(labels) < _LEAST_LABELS or len(texts) < _LEAST_TEXTS * len(labels):
        return {}
    if len({split_of(name) or "train" for name in found}) < len(found):
        return {}  # Two folders speak of one split.
    return found


def _is_text_of_label(file: Path, above: Sequence[str]) -> bool:
    """Whether a file may be a text in the folder of its label; ``above`` are the folders that it is in."""
    if file.suffix.lower() != _TEXT or len(above) not in (1, 2) or split_of(file.stem) is not None:
        return False
    *splits, label = above
    return split_of(label) is None and all(split_of(split) is not None for split in splits)


def _open_texts(root: Path, texts: Mapping[str, Sequence[Path]], folder: Path) -> Opened:
    """Texts in a folder for each label, of one split or of several."""
    names = {name: split_of(name) or "train" for name in texts}
    written = {split: _from(folder, root / name / "*" / f"*{_TEXT}") for name, split in names.items()}
    files = {split: [str(file) for file in sorted(texts[name])] for name, split in names.items()}
    return Opened({"files": written, **_WHOLE}, _source({"files": files, **_WHOLE}), tuple(files), notes=_WHY_WHOLE)


def split_of(name: str) -> str | None:
    """Which of our splits a name speaks of; None: of none."""
    words = [word for word in re.split(r"[^a-zA-Z]+", name) if word]
    for split, words_of_it in _WORDS.items():
        if any(re.fullmatch(words_of_it, word, re.IGNORECASE) for word in words):
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
