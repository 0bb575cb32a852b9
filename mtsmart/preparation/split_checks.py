"""What the encoded splits of a task show before training: labels nobody can learn, rows seen before, texts cut.

None of it stops a run, but each is told in one line, because the scores would not mean what they seem to mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import EncodedSplit
from mtsmart.errors import warn
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.preparation.split_names import mistyped_splits, unread_validation
from mtsmart.task_types import TaskType
from mtsmart.task_types.interface.explains_outputs import ExplainsCuts
from mtsmart.task_types.windows.reads_windows import could_read_windows, is_in_windows
from mtsmart.text.counts import part_of, some_of
from mtsmart.text.escaping import is_visible, one_line

_FEW = 0.01  # A share of rows below this one is not worth a line: short texts stand twice in many data sets.
_MIX = np.uint64(0x9E3779B97F4A7C15)
_STEP = 6364136223846793005
_JOINERS = "\u200c\u200d"
_SHOWN = 8  # labels that a line names
READ_WHOLE = "'options: {windows: {}}' in the task reads all of their text, in windows"
"""What to do against cut rows."""


def tell_of_splits(task: PreparedTask, max_length: int, config: DataConfig | None = None) -> None:
    """Warn of what is wrong with a task's splits, a line each.

    Args:
        task: the task with its encoded splits.
        max_length: the most tokens that its rows have.
        config: says where its data is; None: as without any setting.
    """
    texts = [
        *mistyped_splits(task.definition),
        None if task.validation is not None else unread_validation(task.definition, config or DataConfig()),
        *label_texts(task),
        overlap_text(task),
        cut_text(task, max_length),
    ]
    for text in filter(None, texts):
        warn(f"task {task.name}: {text}")


def tell_of_labels(task: PreparedTask) -> None:
    """Warn of labels that cannot be learnt or scored; the tokens of the rows have no part in it."""
    for text in label_texts(task):
        warn(f"task {task.name}: {text}")


def label_texts(task: PreparedTask) -> Iterator[str]:
    """Texts on labels: those that cannot be seen, that have no training row, or that all rows of a split have."""
    if not task.definition.has_labels:
        return
    hidden = [name for name in task.type.labels if not _is_visible(name)]
    if hidden:
        verb = "has" if len(hidden) == 1 else "have"
        yield (
            f"{_listed(hidden)} {verb} characters that cannot be seen (written here as escapes), so labels that look "
            "the same may differ: look where they come from"
        )
    trained = None if task.train is None else label_counts(task.type, task.train)
    absent = [] if trained is None else _absent(task, trained)
    if absent:
        yield _absent_text(task, absent)
    if task.train is None:
        return
    if _is_of_tokens(task.type) and not task.words_told and _has_one_word_a_row(task.train):
        yield (
            f"each of the {len(task.train):,} training rows is a single word; if they are words of sentences, a row "
            "should hold all words of a sentence (a file of one word a line: 'format: conll')"
        )
    for kind, split in (("training", task.train), ("validation", task.validation)):
        only = None if split is None or (absent and split is task.train) else _only_label(task, split)
        if split is not None and only is not None:
            effect = "nothing can be learnt from them" if split is task.train else "scores on them say little"
            yield f"{_all_of(len(split), kind)} the label {only!r}, so {effect}"


def _all_of(rows: int, kind: str) -> str:
    return f"the only {kind} row has" if rows == 1 else f"all {rows:,} {kind} rows have"


def _is_visible(label: str) -> bool:
    """Whether all of a label can be seen; the joiners of Persian, Indian scripts and emoji change what is seen."""
    return all(is_visible(character) or character in _JOINERS for character in label)


def _listed(labels: list[str]) -> str:
    shown = some_of([f"'{one_line(name)}'" for name in labels], _SHOWN)
    return f"the {'label' if len(labels) == 1 else 'labels'} {shown}"


def _absent_text(task: PreparedTask, absent: list[str]) -> str:
    cuts = any("[" in task.definition.split(split) for split in ("train", "validation"))
    hint = "; a sorted file is not to be cut by place: 'dataset: {holdout: 20%}' draws rows" if cuts else ""
    return f"no training row has {_listed(absent)}, which cannot be learnt{hint}"


def _absent(task: PreparedTask, counts: np.ndarray) -> list[str]:
    """The labels without a row; of tags such as B-PER the kinds (PER), of which one may lack its I-PER."""
    present = [name for name, count in zip(task.type.labels, counts, strict=True) if count]
    kinds = {_kind(task, name) for name in present}
    return list(dict.fromkeys(kind for name in task.type.labels if (kind := _kind(task, name)) not in kinds))


def _kind(task: PreparedTask, label: str) -> str:
    return label[2:] if _is_of_tokens(task.type) and label[1:2] in ("-", "_") else label


def _is_of_tokens(task: TaskType) -> bool:
    return task.head_spec.kind == "token_classification"


def _has_one_word_a_row(split: EncodedSplit) -> bool:
    """Whether no row has two words with a tag, and there are several rows."""
    for labels in _columns(split, "labels"):
        rows = np.repeat(np.arange(len(labels)), np.asarray(pc.list_value_length(labels)))
        if (np.bincount(rows[np.asarray(labels.flatten()) >= 0], minlength=1) > 1).any():
            return False
    return len(split) > 1


def label_counts(task: TaskType, split: EncodedSplit) -> np.ndarray | None:
    """(C,) int64: how often each label of the task stands in the rows; None if its labels have no names."""
    if not task.labels or task.head_spec.labels is None:
        return None
    counts = np.zeros(len(task.labels), dtype=np.int64)
    for labels in _columns(split, "labels"):
        if not pa.types.is_list(labels.type):
            counts += np.bincount(np.asarray(labels), minlength=len(counts))
        elif _is_of_tokens(task):
            tags = np.asarray(labels.flatten())
            counts += np.bincount(tags[tags >= 0], minlength=len(counts))
        else:
            counts += (np.asarray(labels.flatten()).reshape(-1, len(counts)) > 0).sum(axis=0)
    return counts


def _only_label(task: PreparedTask, split: EncodedSplit) -> str | float | None:
    """The label of all rows, if they have one each and it is the same; None otherwise."""
    found: set[float] = set()
    for labels in _columns(split, "labels"):
        if pa.types.is_nested(labels.type):
            return None
        ends = pc.min_max(labels).as_py()
        found |= {ends["min"], ends["max"]}
        if len(found) > 1:
            return None
    if len(split) < 2 or not found:
        return None
    (only,) = found
    is_name = task.type.labels and isinstance(only, int) and only < len(task.type.labels)
    return task.type.labels[int(only)] if is_name else only


def _columns(split: EncodedSplit, name: str) -> Iterator[pa.Array]:
    """A column of encoded rows in parts; nothing where the rows lack it."""
    if name in split.rows.column_names:
        yield from filter(len, split.column(name).chunks)


def overlap_text(task: PreparedTask) -> str | None:
    """A text if validation rows have the tokens of a training row; None if hardly any has."""
    if task.train is None or task.validation is None:
        return None
    hashes = _hashes(task.validation)
    count = int(np.isin(hashes, _hashes(task.train)).sum())
    return seen_text(count, len(hashes))


def seen_text(count: int, rows: int) -> str | None:
    """What is said of ``count`` of ``rows`` validation rows whose text a training row has; None if they are few."""
    if not count or count < _FEW * rows:
        return None
    if count == 1:
        return f"{part_of(1, rows, 'validation row')} has the text of a training row, so its score is too good"
    return f"{count:,} of {rows:,} validation rows have the text of a training row, so their scores are too good"


def _hashes(split: EncodedSplit) -> np.ndarray:
    """(N,) uint64: a hash of each row's tokens."""
    return np.concatenate([np.empty(0, dtype=np.uint64), *map(_hashed, _columns(split, "input_ids"))])


def _hashed(rows: pa.Array) -> np.ndarray:
    """(N,) uint64 for N lists of tokens, or lists of such lists."""
    counts = np.asarray(pc.list_value_length(rows), dtype=np.int64)
    tokens = rows.flatten()
    if pa.types.is_nested(tokens.type):
        inner = np.append(0, np.cumsum(np.asarray(pc.list_value_length(tokens), dtype=np.int64)))
        ends = inner[np.cumsum(counts)]
        counts = np.diff(ends, prepend=0)
        tokens = tokens.flatten()
    starts = np.cumsum(counts) - counts
    places = np.arange(len(tokens)) - np.repeat(starts, counts)
    mixed = (np.asarray(tokens).astype(np.uint64) + np.uint64(1)) * _MIX
    mixed ^= mixed >> np.uint64(29)
    summed = np.append(np.uint64(0), np.cumsum(mixed * _powers(int(counts.max(initial=0)))[places], dtype=np.uint64))
    return np.asarray(summed[starts + counts] - summed[starts])


@cache
def _powers(count: int) -> np.ndarray:
    """(count,) uint64: the factors of the places in a row."""
    return np.cumprod(np.full(count, _STEP, dtype=np.uint64), dtype=np.uint64)


def cut_text(task: PreparedTask, max_length: int) -> str | None:
    """A text if rows lost tokens because they were too long; None if hardly any did."""
    splits = {"training": task.train, "validation": task.validation}
    parts = [_cut_part(kind, split, max_length) for kind, split in splits.items() if split is not None]
    found = [part for part in parts if part]
    if not found:
        return None
    is_one_row = len(found) == 1 and found[0].startswith("1 ")
    return f"{' and '.join(found)} {'is' if is_one_row else 'are'} {_how_cut(task.type, max_length)}"


def _cut_part(kind: str, split: EncodedSplit, max_length: int) -> str | None:
    # Rows that an earlier version stored do not say it; those that are shorter than the limit were not cut.
    count = int((split.lengths == max_length).sum()) if split.cut is None else split.cut
    if not count or count < _FEW * len(split):
        return None
    return f"{'up to ' if split.cut is None else ''}{_share_text(count, len(split), f'{kind} row')}"


def _share_text(count: int, rows: int, noun: str, more: str = "") -> str:
    share = "" if rows == 1 else f" ({count / rows:.0%})"
    return f"{part_of(count, rows, noun, more)}{share}"


def _how_cut(task: TaskType, max_length: int) -> str:
    """To how many tokens rows are cut, and how they would not be."""
    if isinstance(task, ExplainsCuts):
        return task.how_cut(max_length)
    if is_in_windows(task):
        return f"cut, because both texts of the pair are longer than half a window of {max_length} tokens"
    hint = f"; {READ_WHOLE}" if could_read_windows(task) else ""
    return f"cut to {max_length} tokens{hint}"


def cut_rows_text(task: TaskType, count: int, rows: int, max_length: int, more: str = "") -> str | None:
    """A text if ``count`` of ``rows`` rows lost tokens because they were too long; None if hardly any did.

    A task that cuts rows in its own way tells of each.

    Args:
        task, max_length: the task, and the most tokens that its rows have.
        count, rows: how many rows were cut, of how many.
        more: which rows they are, such as `` of the split 'test'``.
    """
    is_few = count < _FEW * rows and not isinstance(task, ExplainsCuts)
    if not count or is_few:
        return None
    return f"{_share_text(count, rows, 'row', more)} {'is' if count == 1 else 'are'} {_how_cut(task, max_length)}"
