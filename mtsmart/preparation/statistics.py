"""What the data of a task is like: rows, labels, lengths, rows that stand twice, texts that are missing, examples."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import datasets
import numpy as np
from transformers import PreTrainedTokenizerBase

from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.sources import has_split, load_split
from mtsmart.data.tables.missing import is_missing
from mtsmart.preparation.data_checks import plain_tokenizer
from mtsmart.preparation.preparer import LabelsMissing, Preparer
from mtsmart.preparation.split_checks import READ_WHOLE, label_counts
from mtsmart.quiet import without_bars
from mtsmart.task_types import TaskType
from mtsmart.task_types.shared.labels import number_of
from mtsmart.task_types.windows.reads_windows import could_read_windows, is_in_windows
from mtsmart.text.json_text import json_text

_OURS = ("train", "validation", "test")
_UNCUT = 2**20  # tokens, so that a row's whole length is seen
_READ = 10_000  # rows in memory together
_EXAMPLES = 2  # of each label
_MOST_SHOWN = 50  # labels with examples


@dataclass(frozen=True)
class Lengths:
    """Lengths of rows, special tokens included.

    Attributes:
        median, p95, longest: in tokens, or in words and punctuation marks.
        over: rows that are longer than the task's ``max_length``, which are cut or become several windows.
    """

    median: int
    p95: int
    longest: int
    over: int


@dataclass(frozen=True)
class Numbers:
    """Labels that are numbers."""

    least: float
    mean: float
    most: float


@dataclass(frozen=True)
class SplitStatistics:
    """What a split is like.

    Attributes:
        rows: how many the data has.
        left_out: of them, those without a text or a label that the task leaves out.
        labels: label -> rows with it, or words for tags; None if the task has no named labels, or the split none.
        numbers: labels that are numbers; None if they are none.
        lengths: of the rows that are read.
        empty: column -> rows in which it has no text; without columns that are always filled.
        repeated: rows whose input stands in an earlier row of the split too.
        shared: another split -> rows whose input stands there too.
    """

    rows: int
    left_out: int
    labels: Mapping[str, int] | None
    numbers: Numbers | None
    lengths: Lengths | None
    empty: Mapping[str, int]
    repeated: int
    shared: Mapping[str, int]


@dataclass(frozen=True)
class TaskStatistics:
    """What the data of a task is like.

    Attributes:
        name: of the task.
        task_type: its kind.
        unit: what lengths count: ``tokens`` of an encoder, or ``words`` and punctuation marks.
        max_length: where rows are cut, in tokens, unless an experiment says another number.
        of_long_rows: what happens to rows that are longer; empty where the task type says nothing of it.
        splits: our split -> what it is like.
        examples: label -> two training rows; an empty label where rows have no single named label.
    """

    name: str
    task_type: str
    unit: str
    max_length: int
    splits: Mapping[str, SplitStatistics]
    examples: Mapping[str, Sequence[Mapping[str, Any]]]
    of_long_rows: str = ""


@dataclass(frozen=True)
class _Split:
    """A split as the data has it, as training reads it, and a digest of each row's input."""

    rows: datasets.Dataset
    encoded: EncodedSplit
    inputs: list[bytes]


@without_bars()
def statistics_of(task: TaskType, tokenizer: PreTrainedTokenizerBase | None = None) -> TaskStatistics:
    """Read all splits of a task as training does, except that rows without a text or a label are counted, not refused.

    Args:
        task: the task.
        tokenizer: of the encoder in whose tokens lengths are counted; None: words and punctuation marks are counted.

    Raises:
        DataError: what training would refuse otherwise.
    """
    config = DataConfig()
    limit = task.definition.max_length or config.max_length
    uncut = _lenient(task)
    with tempfile.TemporaryDirectory(prefix="mtsmart-statistics-") as cache:
        preparer = Preparer(tokenizer or plain_tokenizer(), DataConfig(cache_dir=cache), None)
        read = {split: _read(uncut, split, preparer) for split in _splits(task, config)}
        found = {split: _statistics(task, split, read, limit) for split in read}
        examples = _examples(task, next(iter(read.values()))) if read else {}
    unit = "words" if tokenizer is None else "tokens"
    return TaskStatistics(task.name, task.definition.task_type, unit, limit, found, examples, _of_long_rows(task))


def _of_long_rows(task: TaskType) -> str:
    if is_in_windows(task):
        return "they are read in windows"
    return f"they are cut; {READ_WHOLE}" if could_read_windows(task) else ""


def _lenient(task: TaskType) -> TaskType:
    """The task without a limit of length and with all rows, except that incomplete rows are left out."""
    definition = task.definition
    missing = "drop" if definition.missing == "refuse" else definition.missing
    lenient = copy(task)
    lenient.definition = definition.model_copy(update={"max_length": _UNCUT, "missing": missing, "shots": None})
    return lenient


def _splits(task: TaskType, config: DataConfig) -> Iterator[str]:
    definition = task.definition
    for split in dict.fromkeys([*_OURS, *definition.splits]):
        if split == "train" and definition.evaluation_only:
            continue
        if has_split(definition, split, config):
            yield split


def _read(task: TaskType, split: str, preparer: Preparer) -> _Split:
    rows = load_split(task.name, task.definition, split, task.columns, preparer.config)
    try:
        encoded = preparer.split(task, split)
    except LabelsMissing:
        encoded = preparer.split(task, split, with_labels=False)
    return _Split(rows, encoded, list(_inputs(rows, task.columns)))


def _inputs(rows: datasets.Dataset, columns: Sequence[str]) -> Iterator[bytes]:
    """A digest of each row's input."""
    for batch in rows.select_columns(list(columns)).iter(_READ):
        for values in zip(*(batch[column] for column in columns), strict=True):
            yield blake2b(json_text(values).encode(errors="surrogatepass"), digest_size=16).digest()


def _statistics(task: TaskType, split: str, read: Mapping[str, _Split], limit: int) -> SplitStatistics:
    this = read[split]
    counts = None
    if "labels" in this.encoded.rows.column_names:
        counts = label_counts(task, this.encoded)
    labels = None if counts is None else dict(zip(task.labels, map(int, counts), strict=True))
    others = {name: set(other.inputs) for name, other in read.items() if name != split}
    return SplitStatistics(
        rows=len(this.rows),
        left_out=this.encoded.dropped,
        labels=labels,
        numbers=None if task.labels else _numbers(task, this.rows),
        lengths=_lengths(this.encoded.lengths, limit),
        empty=_empty(this.rows, task.definition.text),
        repeated=len(this.inputs) - len(set(this.inputs)),
        shared={name: sum(key in inputs for key in this.inputs) for name, inputs in others.items()},
    )


def _lengths(lengths: np.ndarray, limit: int) -> Lengths | None:
    if not len(lengths):
        return None
    median, p95 = np.percentile(lengths, [50, 95], method="lower")
    return Lengths(int(median), int(p95), int(lengths.max()), int((lengths > limit).sum()))


def _numbers(task: TaskType, rows: datasets.Dataset) -> Numbers | None:
    labels = [name for name in task.definition.label_columns[:1] if name in rows.column_names]
    if not labels:
        return None
    found = [number_of(value) for value in rows[labels[0]][:]]
    numbers = [number for number in found if number is not None]
    return Numbers(min(numbers), math.fsum(numbers) / len(numbers), max(numbers)) if numbers else None


def _empty(rows: datasets.Dataset, columns: Sequence[str]) -> dict[str, int]:
    counts = {column: sum(_is_empty(value) for value in rows[column][:]) for column in columns}
    return {column: count for column, count in counts.items() if count}


def _is_empty(value: Any) -> bool:
    return is_missing(value) or not str(value).strip()


def _examples(task: TaskType, split: _Split) -> dict[str, list[dict[str, Any]]]:
    """Two rows of each label that a row has as a whole; otherwise the first two rows."""
    places = dict(zip(split.rows["row"][:], range(len(split.rows)), strict=True))
    chosen: dict[str, list[int]] = {}
    taken: Counter[str] = Counter()
    for labels, row in _labelled(task, split.encoded.rows):
        for label in labels:
            if taken[label] < _EXAMPLES and (label in chosen or len(chosen) < _MOST_SHOWN):
                taken[label] += 1
                chosen.setdefault(label, []).append(places[row])
    if not chosen:
        chosen = {"": list(range(min(_EXAMPLES, len(split.rows))))}
    shown = split.rows.remove_columns("row")
    return {label: [shown[place] for place in chosen[label]] for label in sorted(chosen, key=_order(task))}


def _order(task: TaskType) -> Any:
    return lambda label: task.labels.index(label) if label in task.labels else -1


def _labelled(task: TaskType, rows: datasets.Dataset) -> Iterator[tuple[list[str], int]]:
    """The labels of each row, and its number in the data; nothing where labels belong to parts of a row."""
    if not {"labels", "row"} <= set(rows.column_names) or task.head_spec.labels is None:
        return
    if task.head_spec.kind != "sequence_classification" or not task.labels:
        return
    for batch in rows.select_columns(["labels", "row"]).iter(_READ):
        for value, row in zip(batch["labels"], batch["row"], strict=True):
            yield _names(task.labels, value), row


def _names(labels: Sequence[str], value: Any) -> list[str]:
    """The label of a place, or the labels that a row of 0 and 1 names."""
    if isinstance(value, list):
        return [label for label, bit in zip(labels, value, strict=True) if bit > 0]
    return [labels[int(value)]]
