"""Rows of a task's split: from the Hub, from a local clone of it, or from data files.

If a data set names its labels, the rows hold the names instead of the numbers (None for hidden labels, -1). So tasks
match labels by name, never by a number that may stand for another label.
"""

from __future__ import annotations

import hashlib
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import datasets
import numpy as np
import pyarrow as pa
from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES
from datasets.packaged_modules.cache.cache import Cache
from datasets.table import InMemoryTable
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import cache_dir
from mtsmart.data.readers import (
    Clone,
    StreamedSplit,
    features_of,
    list_files,
    open_clone,
    open_streamed,
    parse_fields,
    read_table,
    spilled,
    stream_clone,
)
from mtsmart.errors import DataError, MtsmartWarning, did_you_mean
from mtsmart.storage.durable import sha256_of
from mtsmart.tasks.definition import DatasetSource, TaskDefinition
from mtsmart.user_paths import path_of_variable, user_path

_Rows: TypeAlias = datasets.Dataset | StreamedSplit


def load_split(
    task: str, definition: TaskDefinition, split: str, columns: Sequence[str], config: DataConfig
) -> datasets.Dataset:
    """The rows of our split ``split``, with a column ``row``: the row's number in the data set's own split, from 0.

    Returns:
        ``columns``, the label column where the split has one, and ``row``.

    Raises:
        DataError: the data set, split, slice or a column is not there.
    """
    rows, numbers = _slice(_opened(definition.dataset, config), definition.split(split), task, split)
    require_columns(columns, rows.column_names, split_place(task, definition, split))
    label = [definition.label] if definition.label in rows.column_names and definition.label not in columns else []
    rows = _named_labels(rows.select_columns([*columns, *label]), definition.label)
    return rows.add_column(
        "row", numbers, new_fingerprint=uuid.uuid4().hex
    )  # Without a fingerprint, datasets hashes every number.


def file_digests(definition: TaskDefinition, split: str, config: DataConfig) -> dict[str, list[str]] | None:
    """What our split ``split`` is read from: SHA-256 of each data file, and the names of a clone's labels.

    None where the data set is on the Hub, or streamed. For a file that cannot be read the result is None too;
    ``load_split`` raises the error.
    """
    try:
        files, names = _read_from(definition.dataset, config)
        digests = {}
        for base in _bases(definition.split(split)):
            if not all(file.is_file() for file in files[base]):  # Reading a device or a pipe may never end.
                return None
            digests[base] = [*map(sha256_of, files[base]), repr(names)]
        return digests
    except (OSError, KeyError, DataError):
        return None


def _read_from(source: DatasetSource, config: DataConfig) -> tuple[dict[str, list[Path]], dict[str, list[str]]]:
    """The files of each split, and the names of labels that stand in no data file."""
    if source.files is not None:
        return {base: [Path(file)] for base, file in source.files.items()}, {}
    folder = None if source.streaming else _clone_folder(source, config)
    if folder is None:
        return {}, {}
    clone = _clone(folder, source.name, _state(folder))
    return clone.files, clone.labels


def places_read(definition: TaskDefinition, config: DataConfig) -> list[Path]:
    """The data files, or the local clone and its files, that a task's rows come from; empty for the Hub's.

    Raises:
        DataError: the clone has too many files.
    """
    source = definition.dataset
    if source.files is not None:
        return list(map(Path, source.files.values()))
    folder = _clone_folder(source, config)
    return [] if folder is None else [folder, *(folder / name for name in list_files(folder))]


def require_columns(wanted: Iterable[str], present: Iterable[str], place: str | Path) -> None:
    """Refuse data that lacks a column.

    Raises:
        DataError: names ``place``, the column and the column with the nearest name.
    """
    known = list(present)
    for column in wanted:
        if column not in known:
            raise DataError("there is no such column", file=place, key=column, hint=did_you_mean(column, known))


def split_place(task: str, definition: TaskDefinition, split: str) -> str:
    """The name of a split in messages: the task, and the data file or data set that the split comes from."""
    source = definition.dataset
    bases = dict.fromkeys(_bases(definition.split(split)))
    where = ", ".join(filter(None, map(source.files.get, bases))) if source.files else source_name(source)
    return f"task {task}, split {split}" + (f" ({where})" if where else "")


def has_split(definition: TaskDefinition, split: str, config: DataConfig) -> bool:
    """Whether the task's data has our split ``split``."""
    return set(_bases(definition.split(split))) <= set(_opened(definition.dataset, config))


def source_name(source: DatasetSource) -> str:
    """The name of a data set in messages."""
    if source.files:
        return ", ".join(source.files.values())
    return f"{source.path}" + (f"/{source.name}" if source.name else "")


def _opened(source: DatasetSource, config: DataConfig) -> Mapping[str, Callable[[], _Rows]]:
    """Split name -> function that gives its rows; data files are read only when called."""
    if source.files is not None:
        return {split: partial(_from_file, file, source) for split, file in source.files.items()}
    assert source.path is not None
    folder = _clone_folder(source, config)
    if folder is not None:
        clone = _clone(folder, source.name, _state(folder))
        return {split: partial(_from_clone, folder, split, source, config) for split in clone.files}
    loaded = _from_hub(source.path, source.name, source.revision, _streamed(config) if source.streaming else None)
    return {split: partial(loaded.__getitem__, split) for split in loaded}


def _streamed(config: DataConfig) -> Path:
    return cache_dir(config) / "streamed"


def _clone_folder(source: DatasetSource, config: DataConfig) -> Path | None:
    """The folder of a local clone; None for a data set that is only on the Hub.

    A folder that ``datasets`` would find by itself, such as one of this name in the working directory, is a clone too.
    """
    if source.path is None:
        return None
    if config.hub_dir:
        hub_dir: Path | None = user_path(config.hub_dir, key="data.hub_dir")
    else:
        hub_dir = path_of_variable("MTSMART_HUB_DIR")
    places = [hub_dir / source.path] if hub_dir is not None else []
    return next((place for place in (*places, Path(source.path)) if place.is_dir()), None)


@lru_cache(maxsize=64)
def _clone(folder: Path, name: str | None, state: str) -> Clone:
    """The clone in its present ``state``."""
    with _refusing(_shown(str(folder), name)):
        return open_clone(folder, name)


def _from_clone(folder: Path, split: str, source: DatasetSource, config: DataConfig) -> _Rows:
    state = _state(folder)
    clone = _clone(folder, source.name, state)
    with _refusing(_shown(str(folder), source.name)):
        if source.streaming:
            return stream_clone(clone, split, repr((state, source.name)), _streamed(config))
        table = spilled(clone.tables(split), cache_dir(config) / "clones")
        info = datasets.DatasetInfo(features=features_of(table.schema, clone.names(split)))
        return datasets.Dataset(InMemoryTable(table), info=info, fingerprint=uuid.uuid4().hex)


def _shown(path: str, name: str | None) -> str:
    """What errors call a data set."""
    return f"data set {path}" + (f"/{name}" if name else "")


@contextmanager
def _refusing(shown: str) -> Iterator[None]:
    """Say in the error of a data set's file which data set it is."""
    try:
        yield
    except (DataError, ValueError, TypeError, RecursionError, pa.ArrowException) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"cannot be loaded: {reason}", file=shown) from None


def _from_file(file: str, source: DatasetSource) -> datasets.Dataset:
    table = parse_fields(read_table(file, source.format, source.columns), source.parse, file)
    try:
        return datasets.Dataset(table)
    except (ValueError, TypeError, RecursionError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"has a column of a kind that is not read: {reason}", file=file) from None


def _state(clone: Path) -> str:
    """A hash that changes when a file of a local clone changes.

    The time of a file's modification does not tell, because copying keeps it and anyone can set it. Nobody can set the
    time of the last change of status, so it is part of the hash.
    """
    stats = [(name, (clone / name).stat()) for name in list_files(clone) if (clone / name).exists()]
    facts = [(name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino) for name, stat in stats]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


@lru_cache(maxsize=64)
def _from_hub(path: str, name: str | None, revision: str | None, streamed: Path | None) -> Mapping[str, _Rows]:
    """All splits of a data set on the Hub.

    Args:
        path: Hub id.
        name: configuration of the data set.
        revision: Hub branch, tag or commit.
        streamed: the folder for rows that were read, if the data set is streamed; None: it is downloaded as a whole.
    """
    shown = _shown(path, name)
    _check_id(path, shown)
    try:
        if streamed is not None:
            return open_streamed(path, name, revision, streamed)
        builder = datasets.load_dataset_builder(path, name, revision=revision)
        if isinstance(builder, Cache):
            text = "the Hub cannot be reached, or no longer has it; the copy in the cache is used"
            warnings.warn(f"{shown}: {text}", MtsmartWarning, stacklevel=2)
        builder.download_and_prepare()
        return dict(builder.as_dataset())
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(
            f"cannot be loaded: {reason.rstrip('.')}",
            file=shown,
            hint="For local clones set data.hub_dir or MTSMART_HUB_DIR",
        ) from None


def _check_id(path: str, shown: str) -> None:
    """Refuse what ``datasets`` takes for something else than a data set on the Hub: an address, or a reader of its own.

    Its readers take files from any place, and some of them open pickles.

    Raises:
        DataError: it is no Hub id.
    """
    try:
        validate_repo_id(path)
    except HFValidationError:
        known = False
    else:
        known = path not in _PACKAGED_DATASETS_MODULES
    if not known:
        hint = "Give owner/name, or a folder; data files go under 'files'"
        raise DataError("is neither a local clone nor the name of a data set on the Hub", file=shown, hint=hint)


def _bases(spec: str) -> list[str]:
    """The data set's own splits in a specification such as ``train[:85%]+validation``."""
    return [part.partition("[")[0].strip() for part in spec.split("+")]


def _slice(
    splits: Mapping[str, Callable[[], _Rows]], spec: str, task: str, split: str
) -> tuple[datasets.Dataset, np.ndarray]:
    """The rows that a specification such as ``train[:85%]`` or ``train+validation`` selects, and their numbers."""
    place: dict[str, Any] = {"file": f"task {task}", "key": f"splits.{split}"}
    for base in _bases(spec):
        if base not in splits:
            raise DataError(f"the data has no split '{base}'", hint=did_you_mean(base, splits), **place)
    loaded = {base: splits[base]() for base in _bases(spec)}
    chosen = _chosen(loaded, spec, place)
    if not any(len(part) for _, part in chosen):
        raise DataError("selects no rows", value=spec, **place)
    try:
        rows = chosen[0][1] if len(chosen) == 1 else datasets.concatenate_datasets([part for _, part in chosen])
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"adds splits whose columns differ: {reason}", value=spec, **place) from None
    return rows, np.concatenate([start + np.arange(len(part)) for start, part in chosen])


def _chosen(loaded: Mapping[str, _Rows], spec: str, place: dict[str, Any]) -> list[tuple[int, datasets.Dataset]]:
    """The parts that a specification selects, each with the number of its first row; empty parts are left out."""
    lengths = {base: len(rows) for base, rows in loaded.items()}
    try:
        parts = datasets.ReadInstruction.from_spec(spec).to_absolute(lengths)
        ranges = [range(part.from_ or 0, lengths[part.splitname] if part.to is None else part.to) for part in parts]
        return [
            (numbers.start, loaded[part.splitname].select(numbers))
            for part, numbers in zip(parts, ranges, strict=True)
            if len(numbers)
        ]
    except (ValueError, AssertionError) as error:
        hint = "Examples: train[:85%], train[:6000], train[85%:]"
        raise DataError(f"is not a split with an optional slice: {error}", value=spec, hint=hint, **place) from None
    except (OSError, datasets.exceptions.DatasetsError) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise DataError(f"cannot be read: {reason}", value=spec, **place) from None


def _named_labels(rows: datasets.Dataset, label: str) -> datasets.Dataset:
    """Label numbers, or lists of them, as the names that the data set gives them."""
    feature = rows.features.get(label)
    each = getattr(feature, "feature", None)  # of a list
    if isinstance(feature, datasets.ClassLabel):
        return _renamed(rows, label, partial(_label_name, feature.names), datasets.Value("string"))
    if isinstance(each, datasets.ClassLabel):
        names = each.names

        def all_names(values: list[int] | None) -> list[str | None] | None:
            return None if values is None else [_label_name(names, value) for value in values]

        return _renamed(rows, label, all_names, datasets.List(datasets.Value("string")))
    return rows


def _renamed(rows: datasets.Dataset, label: str, name_of: Callable[[Any], Any], feature: Any) -> datasets.Dataset:
    named = [name_of(value) for value in rows[label]]
    return rows.remove_columns(label).add_column(label, named, feature=feature)


def _label_name(names: Sequence[str], value: int | None) -> str | None:
    if value is not None and value >= len(names):
        raise DataError("is a label that the data set has no name for", value=value, hint=f"It names {len(names)}")
    return None if value is None or value < 0 else names[value]
