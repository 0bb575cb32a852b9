"""From a task's source to its encoded split: the one place where sources, checks and task types meet."""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import datasets
import pyarrow as pa
from transformers import PreTrainedTokenizerBase

from mtsmart.config.sections import DataConfig
from mtsmart.data.batch import Batch
from mtsmart.data.encoding import EncodedSplit, encode_split, recall, remember, select_complete
from mtsmart.data.loader import Collate
from mtsmart.data.sources import file_digests, load_split, split_place
from mtsmart.errors import DataError
from mtsmart.task_types.base import TaskType


class Preparer:
    """Encodes splits with one tokenizer.

    Args:
        tokenizer: the encoder's fast tokenizer.
        config: data settings.
        max_positions: the longest input that the encoder takes; None if it has no limit.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, config: DataConfig, max_positions: int | None) -> None:
        self.tokenizer, self.config, self.max_positions = tokenizer, config, max_positions
        self._tokenizer_key = _tokenizer_key(tokenizer)

    def split(self, task: TaskType, split: str, with_labels: bool = True) -> EncodedSplit:
        """A split of a task's data, encoded (or found in the cache).

        Raises:
            DataError: the split is not there, has no labels, or a row does not fit.
        """
        identity = self._identity(task, split, with_labels)
        known = recall(identity, self.config) if identity else None
        if known is None:
            with _no_collection():
                known = self._encode(task, split, with_labels)
            pa.default_memory_pool().release_unused()  # the rows as they were read, which are in the cache now
            # Unless the file has been written anew while it was read.
            if identity and identity == self._identity(task, split, with_labels):
                remember(identity, known, self.config)
        return known

    def _identity(self, task: TaskType, split: str, with_labels: bool) -> dict[str, Any] | None:
        """What a split of data files is known by: reading them takes longer than all else once it is encoded.

        None for data sets of the Hub, whose rows are in memory-mapped files already.
        """
        files = file_digests(task.definition, split)
        if files is None:
            return None
        definition = task.definition.model_dump(mode="json", include={"dataset", "label", "missing"})
        asked: dict[str, Any] = {"split": task.definition.split(split), "columns": task.columns}
        asked |= {"definition": definition, "learnt": split == "train"}  # training rows are checked for more
        return {"files": files, **asked, **self._signature(task, with_labels)}

    def _encode(self, task: TaskType, split: str, with_labels: bool) -> EncodedSplit:
        definition = task.definition
        rows = load_split(task.name, definition, split, task.columns, self.config)
        label = definition.label if with_labels and task.labelled else None
        if label is not None:
            self._require_labels(task, split, rows)
        place, hint = split_place(task.name, definition, split), "Mend them, or say 'missing: drop' in the task"
        rows, dropped = select_complete(rows, place, task.columns, label, definition.missing, hint, task.empty_label)
        try:
            encoded = self.rows(task, rows, with_labels, dropped)
            if split == "train" and with_labels:
                task.check_training(encoded.rows)
            return encoded
        except DataError as error:
            raise error.at(f"{place}, {error.file}", None) if error.file else error from None

    def rows(self, task: TaskType, rows: datasets.Dataset, with_labels: bool, dropped: int = 0) -> EncodedSplit:
        """Complete rows (with a column ``row``), encoded."""
        rows, max_length = task.arrange(rows), self.max_length(task)
        encode = partial(task.encode, tokenizer=self.tokenizer, max_length=max_length, with_labels=with_labels)
        return encode_split(rows, encode, self._signature(task, with_labels), self.config, dropped)

    def _signature(self, task: TaskType, with_labels: bool) -> dict[str, Any]:
        return {
            "task": task.signature(),
            "tokenizer": self._tokenizer_key,
            "max_length": self.max_length(task),
            "with_labels": with_labels,
            "transformers": version("transformers"),
        }

    def collate(self, task: TaskType) -> Collate:
        """The task's collate function."""

        return _Collate(task, self.tokenizer)

    def max_length(self, task: TaskType) -> int:
        """Tokens that the task's inputs are cut to."""
        wanted = task.definition.max_length or self.config.max_length
        return wanted if self.max_positions is None else min(wanted, self.max_positions)

    def _require_labels(self, task: TaskType, split: str, rows: datasets.Dataset) -> None:
        label, where = task.definition.label, split_place(task.name, task.definition, split)
        if label not in rows.column_names:
            raise DataError("the data has no such label column", file=where, key="label", value=label)
        if all(value is None for value in rows[label]):
            raise DataError(
                "the labels of this split are hidden", file=where, hint="'mtsmart predict' works without labels"
            )


@dataclass(frozen=True)
class _Collate:
    """A task's collate function; an object, because processes that are not forked get it as a copy."""

    task: TaskType
    tokenizer: PreTrainedTokenizerBase

    def __call__(self, features: list[dict[str, Any]], seed: int) -> Batch:
        return self.task.collate(features, self.tokenizer, seed)


def _tokenizer_key(tokenizer: PreTrainedTokenizerBase) -> str:
    """Stands for everything in a tokenizer that tokens depend on.

    How it would cut and pad by itself is left out: nobody asks it to, and a saved copy says other things of it.
    """
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    state = {name: part for name, part in state.items() if name not in ("truncation", "padding")}
    settings = [tokenizer.truncation_side, tokenizer.model_input_names, repr(tokenizer.special_tokens_map)]
    return hashlib.sha256(json.dumps([state, settings, version("tokenizers")], sort_keys=True).encode()).hexdigest()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Records and lists of tokens are in no cycles, and looking for some takes a quarter of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
