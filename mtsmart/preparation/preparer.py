"""From a task's source to its encoded split: here data sources, checks and task types come together."""

from __future__ import annotations

import gc
import hashlib
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any

import datasets
import pyarrow as pa
from transformers import PreTrainedTokenizerBase

from mtsmart.config.sections import DataConfig
from mtsmart.data.batch import Batch
from mtsmart.data.completeness import select_complete
from mtsmart.data.derived import names_in, source_columns
from mtsmart.data.drawn import grouping_columns
from mtsmart.data.encoding import EncodedSplit, Rows, encode_rows, encode_split, recall, remember
from mtsmart.data.loader import Collate
from mtsmart.data.perturbations import PERTURBATIONS
from mtsmart.data.perturbations import VERSION as PERTURBED
from mtsmart.data.readers import WordsWarning
from mtsmart.data.sources import column_names, file_digests, load_split, split_place
from mtsmart.errors import DataError, LibraryPanic, did_you_mean, panics_as_errors
from mtsmart.hardware import installed_version
from mtsmart.preparation.label_judge import LabelJudge
from mtsmart.preparation.shots import draw_shots
from mtsmart.registry import Code, code_of
from mtsmart.task_types.interface.arranges_rows import arranged
from mtsmart.task_types.interface.base import LabelColumn, TaskType
from mtsmart.task_types.interface.checks_training import check_training
from mtsmart.task_types.interface.own_signature import signature_of
from mtsmart.task_types.interface.reads_labels import ReadsLabels
from mtsmart.tasks.habits import columns_hint


class LabelsMissing(DataError):
    """A split has no labels: no column, or no value in it."""


class Preparer:
    """Encodes splits with one tokenizer.

    Args:
        tokenizer: the encoder's fast tokenizer.
        config: the data settings.
        max_positions: the most tokens that the encoder takes; None if it has no limit.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, config: DataConfig, max_positions: int | None) -> None:
        self.tokenizer = tokenizer
        self.config = config
        self.max_positions = max_positions
        self._labels = LabelJudge(config)
        self._told = set[str]()  # the tasks of whose data files the readers told something
        self._words_told = set[str]()  # those of which they told that the rows seem to be words of sentences

    def judge_like(self, trained: TaskType) -> None:
        """Read labels of other data of a task as its training split shows them.

        Args:
            trained: the task with the definition that it was trained with.
        """
        self._labels.judge_like(trained)

    def split(self, task: TaskType, split: str, with_labels: bool = True) -> EncodedSplit:
        """A split of a task's data, encoded now or found in the cache.

        Raises:
            DataError: the split does not exist, has no labels, or a row does not fit.
        """
        if with_labels and not task.definition.has_labels:
            raise LabelsMissing("the task has no labels (label: null)", file=f"task {task.name}")
        identity = self._identity(task, split, with_labels)
        known = recall(identity, self.config) if identity else None
        if known is None:
            with _no_collection():
                known = self._encode(task, split, with_labels)
            pa.default_memory_pool().release_unused()  # the memory of the source rows, which are in the cache now
            # If somebody wrote to the file while it was read, the rows may belong to neither version.
            # What is strange about a file, or was assumed about labels, is told in each run, and the training split
            # may change what numbers in another split mean. Such a split is not found without its source.
            is_alone = task.name not in self._told | self._labels.told | self._labels.judged_with_training
            if is_alone and identity and identity == self._identity(task, split, with_labels):
                remember(identity, known, self.config)
        return known

    def _identity(self, task: TaskType, split: str, with_labels: bool) -> dict[str, Any] | None:
        """What an encoded split of data files depends on, so that it is found without reading the files again.

        None for data sets of the Hub: their rows are in memory-mapped files already, and reading them takes no time.
        So it is for streamed ones, of which only a few rows are read. And so it is for code that stands in no file.
        """
        files = file_digests(task.definition, split, self.config)
        perturb = task.definition.dataset.perturb
        perturbing = None if perturb is None else code_of(PERTURBATIONS[perturb.kind].change)
        if files is None or not (_is_lasting(code_of(type(task))) and _is_lasting(perturbing)):
            return None
        asked = {**_read_as(task, split), "learnt": split == "train"}  # training rows get more checks
        if perturb is not None:
            asked["perturbed"] = PERTURBED if perturbing is None else [PERTURBED, perturbing.digest]
        if split == "train" and task.definition.shots is not None:
            asked["shots"] = [task.definition.shots, task.definition.shots_seed]
        if with_labels and isinstance(task, ReadsLabels):
            asked["judged"] = True  # by the whole column, which the first versions did not do
        return {"files": files, **asked, **self._signature(task, with_labels)}

    def _encode(self, task: TaskType, split: str, with_labels: bool) -> EncodedSplit:
        definition = task.definition
        beside = task.options.columns_of_labels if with_labels else []
        columns = list(dict.fromkeys([*task.columns, *beside]))
        with _repeated_warnings(task.name in self._words_told) as told:
            rows = load_split(task.name, definition, split, columns, self.config)
        if told:
            self._told.add(task.name)
        if any(issubclass(each.category, WordsWarning) for each in told):
            self._words_told.add(task.name)
        labels = definition.label_columns if with_labels and task.label_column is not LabelColumn.UNUSED else []
        if labels:
            self._require_labels(task, split, rows)
        place = split_place(task.name, definition, split)
        hint = "Correct them, or say 'missing: drop' in the task ('missing: empty' reads texts as empty ones)"
        # Of several label columns each needs a value; one alone may have an empty text.
        may_be_empty = task.label_column is LabelColumn.MAY_BE_EMPTY and len(labels) == 1
        rows, dropped = select_complete(rows, place, task.columns, labels, definition.missing, hint, may_be_empty)
        if split == "train" and labels:
            rows, is_told = draw_shots(task, rows, place)
            self._told |= {task.name} if is_told else set()
        try:
            encoded = self.rows(task, rows, with_labels, dropped, split)
            if split == "train" and with_labels:
                check_training(task, encoded.rows)
            return encoded
        except DataError as error:
            raise error.at(f"{place}, {error.file}", None) if error.file else error from None

    def has_told_of_words(self, task: TaskType) -> bool:
        """Whether reading a split of the task has told that its rows seem to be the words of sentences."""
        return task.name in self._words_told

    def rows_once(self, task: TaskType, rows: datasets.Dataset) -> EncodedSplit:
        """Complete source rows without labels, encoded in memory. Nothing of them is left in the cache.

        Raises:
            DataError: as for :meth:`rows`.
        """
        with tokenizing(task):
            return encode_rows(arranged(task, rows), self._encoder(task, with_labels=False))

    def rows(
        self, task: TaskType, rows: datasets.Dataset, with_labels: bool, dropped: int = 0, split: str | None = None
    ) -> EncodedSplit:
        """Complete source rows, encoded now or found in the cache.

        Args:
            task: the task.
            rows: the source columns, and ``row``.
            with_labels: whether to encode the labels too.
            dropped: how many rows were left out before; the result carries the number.
            split: which of our splits they are; None for rows of no split.

        Raises:
            DataError: a row does not fit, or the tokenizer fails on it.
        """
        if with_labels:
            place = f"task {task.name}" if split is None else split_place(task.name, task.definition, split)
            task = self._labels.judged(task, rows, split, place)
        encode = self._encoder(task, with_labels)
        signature = self._signature(task, with_labels)
        with tokenizing(task):
            stays = _is_lasting(code_of(type(task)))
            return encode_split(arranged(task, rows), encode, signature, self.config, dropped, stays)

    def _encoder(self, task: TaskType, with_labels: bool) -> Callable[[Rows], Rows]:
        limit = self.max_length(task)
        return partial(task.encode, tokenizer=self.tokenizer, max_length=limit, with_labels=with_labels)

    @cached_property
    def _tokenizer_key(self) -> str:
        return _tokenizer_key(self.tokenizer)  # Made when rows are encoded: a run that is only loaded has none.

    def _signature(self, task: TaskType, with_labels: bool) -> dict[str, Any]:
        code = code_of(type(task))
        return {
            **({} if code is None or not code.is_lasting else {"code": code.digest}),
            "task": signature_of(task),
            "tokenizer": self._tokenizer_key,
            "max_length": self.max_length(task),
            "with_labels": with_labels,
            "transformers": installed_version("transformers"),
        }

    def collate(self, task: TaskType) -> Collate:
        """The task's collate function."""
        # Not a closure, because data workers that are not forked get a pickled copy.
        return partial(_collated, task, self.tokenizer)

    def max_length(self, task: TaskType) -> int:
        """The most tokens that an encoded row of the task may have."""
        wanted = task.definition.max_length or self.config.max_length
        return wanted if self.max_positions is None else min(wanted, self.max_positions)

    def _require_labels(self, task: TaskType, split: str, rows: datasets.Dataset) -> None:
        where = split_place(task.name, task.definition, split)
        labels = task.definition.label_columns
        lacking = next((label for label in labels if label not in rows.column_names), None)
        if lacking is not None:
            # `rows` has only the columns that the task reads.
            present = column_names(task.name, task.definition, split, task.columns, self.config)
            known = [name for name in present if name not in source_columns(task.columns)]
            hint = columns_hint(lacking) or (did_you_mean(lacking, known) if known else None)
            raise LabelsMissing("the data has no such label column", file=where, key="label", value=lacking, hint=hint)
        if all(value is None for label in labels for value in rows[label][:]):
            raise LabelsMissing(
                "the labels of this split are hidden", file=where, hint="'mtsmart predict' works without labels"
            )


def _read_as(task: TaskType, split: str) -> dict[str, Any]:
    """How the rows of a split are read from its files (JSON types)."""
    definition = task.definition.model_dump(mode="json", include={"dataset", "label", "missing"})
    for later in ("perturb", "group_column"):
        if definition["dataset"][later] is None:
            del definition["dataset"][later]  # Rows that were noted before there was such a setting stay found.
    read: dict[str, Any] = {"split": task.definition.split(split), "columns": task.columns, "definition": definition}
    if groups := grouping_columns(task.definition, split):
        read["together"] = groups
    if any(map(names_in, task.columns)):
        read["empty_fields"] = "missing"  # The first versions read those of csv files as texts.
    return read


def _is_lasting(code: Code | None) -> bool:
    """Whether rows that some code has made may be stored for later processes. It is None for mtsmart's own code."""
    return code is None or code.is_lasting


@contextmanager
def _repeated_warnings(words_told: bool) -> Iterator[list[warnings.WarningMessage]]:
    """A list that gets the warnings of what runs within. They are shown as always, but at the end.

    That rows seem to be words is shown once, unless ``words_told``: all files of a task are mended by one setting.
    """
    told: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            yield told
    finally:
        told += caught
        for each in told:
            of_words = issubclass(each.category, WordsWarning)
            if not (of_words and words_told):
                warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
            words_told = words_told or of_words


def _collated(task: TaskType, tokenizer: PreTrainedTokenizerBase, features: list[dict[str, Any]], seed: int) -> Batch:
    return task.collate(features, tokenizer, seed)


def _tokenizer_key(tokenizer: PreTrainedTokenizerBase) -> str:
    """A digest of everything in a tokenizer that tokens depend on.

    Its own settings for truncation and padding are left out: they are not used, and a saved copy has other ones.
    """
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    state = {name: part for name, part in state.items() if name not in ("truncation", "padding")}
    settings = [tokenizer.truncation_side, tokenizer.model_input_names, repr(tokenizer.special_tokens_map)]
    parts = [state, settings, installed_version("tokenizers")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@contextmanager
def tokenizing(task: TaskType) -> Iterator[None]:
    """Say in the error of a tokenizer which task's text it fails on."""
    try:
        with panics_as_errors():
            yield
    except LibraryPanic as error:
        raise DataError(f"the encoder's tokenizer fails on a text: {error}", file=f"task {task.name}") from None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Switch Python's search for reference cycles off: rows of tokens have none, and it takes a quarter of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
