"""Rows of a task's split: from the Hub, from a local clone of it, or from data files.

If a data set names its labels, the rows hold the names instead of the numbers (None for hidden labels, -1). So tasks
match labels by name, never by a number that may stand for another label.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
from datasets.packaged_modules.cache.cache import Cache
from datasets.table import InMemoryTable

from mtsmart.config.sections import DataConfig
from mtsmart.data.data_files import files_of, has_no_null, header_hint, read_files, require_files, shown
from mtsmart.data.derived import named_labels, parts_of, source_columns, with_derived, with_named_labels
from mtsmart.data.drawn import drawn_rows, grouping_columns
from mtsmart.data.encoding import cache_dir
from mtsmart.data.perturbations import perturbed_rows
from mtsmart.data.readers import Clone, features_of, list_files, open_clone, open_streamed, spilled, stream_clone
from mtsmart.data.readers.streaming import check_id
from mtsmart.data.selection import Loaded, SourceRows, Splits, bases, select, select_with_labels
from mtsmart.data.tables.made_columns import with_made_columns
from mtsmart.data.tables.whole_rows import rows_of_table, with_column
from mtsmart.errors import DataError, MtsmartWarning, did_you_mean, reason_in, warn
from mtsmart.storage.durable import sha256_of
from mtsmart.tasks.dataset import DatasetSource
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.habits import hint_for_hub, refuse_joined_texts
from mtsmart.tasks.spellings import named, spelt_alike
from mtsmart.user_paths import path_of_variable, user_path


def load_split(
    task: str, definition: TaskDefinition, split: str, columns: Sequence[str], config: DataConfig
) -> datasets.Dataset:
    """The rows of our split ``split``, with a column ``row``: the row's number in the data set's own split, from 0.

    Returns:
        ``columns``, the label column where the split has one, and ``row``. The texts are perturbed where the task says
        so.

    Raises:
        DataError: the data set, split, slice or a column is not there.
    """
    named = definition.label_columns
    drawn = [name for name in grouping_columns(definition, split) if name not in columns]
    needed = [*columns, *(name for name in (*named, *drawn) if name not in columns)]
    spec = definition.split(split)
    require_files(task, definition.dataset, bases(spec))
    parts = [name for name in parts_of([*columns, *drawn]) if name not in named]
    opened = partial(_opened, wanted=source_columns(needed), config=config, parts=parts)
    named_place = {"key": f"{task}.splits.{split}"}
    rows, numbers = select_with_labels(definition, opened, spec, named_place)
    place = split_place(task, definition, split)
    has_no_null = _has_no_null(definition.dataset, spec, config)
    rows = with_made_columns(rows, [*columns, *drawn], definition, place, has_no_null)
    refuse_joined_texts(task, definition.text, rows.column_names, place)
    _require_or_hint([*columns, *drawn], needed, rows.column_names, place, definition.dataset)
    labels = [name for name in named if name in rows.column_names and name not in columns]
    rows = rows.select_columns(list(dict.fromkeys([*columns, *labels, *drawn])))
    for label in named:
        rows = named_labels(rows, label)
    kept = drawn_rows(rows, definition, split, place)
    if kept is not None:
        rows = rows.select(kept)
        numbers = numbers[kept]
    rows = with_column(rows.select_columns([*columns, *labels]), "row", numbers)
    if definition.dataset.perturb is None:
        return rows
    return perturbed_rows(rows, [name for name in definition.text if name in columns], definition.dataset.perturb)


def load_again(
    task: str, definition: TaskDefinition, split: str, columns: Sequence[str], config: DataConfig
) -> datasets.Dataset:
    """As :func:`load_split`, for a split that was read before: what is strange about it was told then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MtsmartWarning)
        return load_split(task, definition, split, columns, config)


def _has_no_null(source: DatasetSource, spec: str, config: DataConfig) -> bool:
    """Whether the files of the splits in ``spec`` are of a form in which an empty field is a missing value.

    Where files of several forms stand beside one another, reading them has judged each by its own form.
    """
    if source.files is not None and source.split_column is not None:
        return has_no_null(next(iter(source.files.values())), source)
    if source.files is not None:
        read = [source.files[split] for base in bases(spec) if (split := named(source.files, base))]
        return all(has_no_null(entry, source) for entry in read)
    folder = _clone_folder(source, config)
    if folder is None:
        return False  # `datasets` reads an empty field of the Hub's files as a missing value.
    files = _clone(folder, source.name, _state(folder)).files
    read = [str(file) for base in bases(spec) if (split := named(files, base)) for file in files[split]]
    return any(has_no_null(file, source) for file in read)


def file_digests(definition: TaskDefinition, split: str, config: DataConfig) -> dict[str, list[str]] | None:
    """What our split ``split`` is read from: SHA-256 of each data file, and the names of a clone's labels.

    None where the data set is on the Hub, or streamed. For a file that cannot be read the result is None too;
    ``load_split`` raises the error.
    """
    try:
        files, names = _read_from(definition.dataset, config)
        digests = {}
        for base in bases(definition.split(split)):
            spelt = next(iter(files)) if definition.dataset.split_column else named(files, base)
            if spelt is None:
                return None
            read = files[spelt]
            if not all(file.is_file() for file in read):  # Reading a device or a pipe may never end.
                return None
            digests[base] = [*map(sha256_of, read), repr(names)]
        return digests
    except (OSError, DataError):
        return None


def _read_from(source: DatasetSource, config: DataConfig) -> tuple[dict[str, list[Path]], dict[str, list[str]]]:
    """The files of each split, and the names of labels that stand in no data file."""
    if source.files is not None:
        return {base: files_of(entry) for base, entry in source.files.items()}, {}
    folder = None if source.streaming else _clone_folder(source, config)
    if folder is None:
        return {}, {}
    clone = _clone(folder, source.name, _state(folder))
    return clone.files, clone.labels


def places_read(definition: TaskDefinition, config: DataConfig) -> list[Path]:
    """The data files, or the local clone and its files, that a task's rows come from; empty for the Hub's.

    Raises:
        DataError: the clone has too many files, or a pattern matches none.
    """
    source = definition.dataset
    if source.files is not None:
        return [file for entry in source.files.values() for file in files_of(entry)]
    folder = _clone_folder(source, config)
    return [] if folder is None else [folder, *(folder / name for name in list_files(folder))]


def _require_or_hint(
    wanted: Sequence[str], needed: Sequence[str], present: Sequence[str], place: str, source: DatasetSource
) -> None:
    """As :func:`require_columns`; where none of the ``needed`` columns is there, a file may have no header."""
    more = header_hint(source, source_columns(needed)) if set(needed).isdisjoint(present) else None
    require_columns(wanted, present, place, more)


def require_columns(wanted: Iterable[str], present: Iterable[str], place: str | Path, more: str | None = None) -> None:
    """Refuse data that lacks a column.

    Args:
        wanted, present: the columns that it needs and has.
        place: what errors call it.
        more: what the hint says besides.

    Raises:
        DataError: names ``place``, the column and the column with the nearest name.
    """
    known = list(present)
    for column in wanted:
        if column not in known:
            hint = did_you_mean(column, known) + (f". {more}" if more else "")
            raise DataError("there is no such column", file=place, key=column, hint=hint)


def split_place(task: str, definition: TaskDefinition, split: str) -> str:
    """The name of a split in messages: the task, and the data file or data set that the split comes from."""
    source = definition.dataset
    where = source_name(source)
    if source.files and not source.split_column:
        spelt = [named(source.files, base) for base in dict.fromkeys(bases(definition.split(split)))]
        where = ", ".join(shown(source.files[name]) for name in spelt if name is not None)
    return f"task {task}, split {split}" + (f" ({where})" if where else "")


def column_names(
    task: str, definition: TaskDefinition, split: str, columns: Sequence[str], config: DataConfig
) -> list[str]:
    """The names of the columns that our split ``split`` has in its data, for hints; of very many the first ones.

    Raises:
        DataError: as :func:`load_split`.
    """
    splits = _opened(definition.dataset, source_columns(columns), config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # They were told when the rows were read.
        rows, _ = select(splits, definition.split(split), {"key": f"{task}.splits.{split}"})
    return list(rows.column_names)


def has_split(definition: TaskDefinition, split: str, config: DataConfig) -> bool:
    """Whether the task's data has our split ``split``."""
    splits = _opened(definition.dataset, [], config)
    return all(named(splits, base) is not None for base in bases(definition.split(split)))


def known_splits(definition: TaskDefinition, config: DataConfig) -> list[str]:
    """The splits that a task may be asked for: those that it names, and those of its data."""
    drawn = ["validation"] if definition.dataset.draws_validation else []
    return list(dict.fromkeys([*definition.splits, *split_names(definition.dataset, config), *drawn]))


def split_names(source: DatasetSource, config: DataConfig) -> list[str]:
    """The data's own splits.

    Raises:
        DataError: the data set is not there.
    """
    return list(_opened(source, None, config))


def whole_split(source: DatasetSource, split: str, config: DataConfig) -> tuple[datasets.Dataset, dict[str, list[str]]]:
    """One of the data's own splits with all its columns, and for each column of labels their names, in order.

    The rows hold names instead of numbers, as those of :func:`load_split` do.

    Raises:
        DataError: there is no such split, or it cannot be read.
    """
    rows = _opened(source, None, config)[split]().rows
    assert isinstance(rows, datasets.Dataset)  # Nothing is streamed here.
    return with_named_labels(rows)


def source_name(source: DatasetSource) -> str:
    """The name of a data set in messages."""
    if source.files:
        return ", ".join(map(shown, source.files.values()))
    return f"{source.path}" + (f"/{source.name}" if source.name else "")


def _opened(
    source: DatasetSource, wanted: Sequence[str] | None, config: DataConfig, parts: Collection[str] = ()
) -> Splits:
    """Split name -> function that gives its rows; data files are read only when called.

    Args:
        source: the task's ``dataset``.
        wanted: the columns that are needed; others may come without values. None: all.
        config: the data settings.
        parts: the columns of data files that texts are made of.
    """
    if source.files is not None and source.split_column is not None:
        return _by_column(source, source.split_column, wanted, parts)
    if source.files is not None:
        return {split: partial(_from_files, entry, source, wanted, parts) for split, entry in source.files.items()}
    assert source.path is not None
    folder = _clone_folder(source, config)
    if folder is not None:
        clone = _clone(folder, source.name, _state(folder))
        return {split: partial(_from_clone, folder, split, source, wanted, config) for split in clone.files}
    loaded = _from_hub(source.path, source.name, source.revision, _streamed(config) if source.streaming else None)
    return {split: partial(Loaded, loaded[split]) for split in loaded}


def _by_column(source: DatasetSource, column: str, wanted: Sequence[str] | None, parts: Collection[str]) -> Splits:
    """The splits that a column of the files names; a row without such a name belongs to none."""
    assert source.files is not None
    entry = next(iter(source.files.values()))
    needed = None if wanted is None else source_columns([*wanted, column])
    table = with_derived(read_files(entry, source, needed, parts), column, shown(entry))
    require_columns([column], table.column_names, shown(entry))
    names = [None if name is None else str(name) for name in table.column(column).to_pylist()]
    places = spelt_alike(names)
    return {name: partial(_numbered, table, numbers, shown(entry)) for name, numbers in places.items()}


def _numbered(table: pa.Table, numbers: list[int], place: str) -> Loaded:
    return Loaded(_rows_of(table.take(numbers), place), np.asarray(numbers))


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


def _from_clone(
    folder: Path, split: str, source: DatasetSource, wanted: Sequence[str] | None, config: DataConfig
) -> Loaded:
    state = _state(folder)
    clone = _clone(folder, source.name, state)
    with _refusing(_shown(str(folder), source.name)):
        if source.streaming:
            return Loaded(stream_clone(clone, split, repr((state, source.name)), _streamed(config)))
        table = spilled(clone.tables(split, wanted), cache_dir(config) / "clones")
        info = datasets.DatasetInfo(features=features_of(table.schema, clone.names(split)))
        return Loaded(rows_of_table(InMemoryTable(table), info))


def _shown(path: str, name: str | None) -> str:
    """What errors call a data set."""
    return f"data set {path}" + (f"/{name}" if name else "")


@contextmanager
def _refusing(shown: str) -> Iterator[None]:
    """Say in the error of a data set's file which data set it is."""
    try:
        yield
    except (DataError, ValueError, TypeError, RecursionError, pa.ArrowException) as error:
        raise DataError(f"cannot be loaded: {reason_in(error)}", file=shown) from None


def _from_files(
    entry: str | list[str], source: DatasetSource, wanted: Sequence[str] | None, parts: Collection[str]
) -> Loaded:
    return Loaded(_rows_of(read_files(entry, source, wanted, parts), shown(entry)))


def _rows_of(table: pa.Table, place: str) -> datasets.Dataset:
    try:
        return rows_of_table(table)
    except (ValueError, TypeError, RecursionError, pa.ArrowException) as error:
        raise DataError(f"has a column of a kind that is not read: {reason_in(error)}", file=place) from None


def _state(clone: Path) -> str:
    """A hash that changes when a file of a local clone changes.

    The time of a file's modification does not tell, because copying keeps it and anyone can set it. Nobody can set the
    time of the last change of status, so it is part of the hash.
    """
    stats = [(name, (clone / name).stat()) for name in list_files(clone) if (clone / name).exists()]
    facts = [(name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino) for name, stat in stats]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


@lru_cache(maxsize=64)
def _from_hub(path: str, name: str | None, revision: str | None, streamed: Path | None) -> Mapping[str, SourceRows]:
    """All splits of a data set on the Hub.

    Args:
        path: Hub id.
        name: configuration of the data set.
        revision: Hub branch, tag or commit.
        streamed: the folder for rows that were read, if the data set is streamed; None: it is downloaded as a whole.
    """
    shown = _shown(path, name)
    check_id(path, shown)
    try:
        if streamed is not None:
            return open_streamed(path, name, revision, streamed)
        builder = datasets.load_dataset_builder(path, name, revision=revision)
        if isinstance(builder, Cache):
            text = "the Hub cannot be reached, or no longer has it; the copy in the cache is used"
            warn(f"{shown}: {text}")
        builder.download_and_prepare()
        return dict(builder.as_dataset())
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"cannot be loaded: {reason_in(error).rstrip('.')}",
            file=shown,
            hint=hint_for_hub(path) or "For local clones set data.hub_dir or MTSMART_HUB_DIR",
        ) from None
