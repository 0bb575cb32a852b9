"""A start for task types that read a text or a pair, which may be longer than the encoder reads at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch, pad_inputs
from mtsmart.data.encoding import Rows
from mtsmart.data.tokenizing import tokenize
from mtsmart.errors import ConfigError
from mtsmart.models.heads.windows import WINDOWS
from mtsmart.task_types.interface.base import TaskType
from mtsmart.task_types.interface.splits_batches import SplitsBatches
from mtsmart.task_types.windows.lists import pad_windows, take_rows
from mtsmart.task_types.windows.options import LongTextOptions, WindowsOptions
from mtsmart.task_types.windows.splitting import split_rows


class ReadsWindows(SplitsBatches, TaskType):
    """Reads texts in windows if ``Options`` extend :class:`LongTextOptions` and the user says ``windows``.

    An encoded row is then a list: ``input_ids`` holds one token sequence a window. A batch holds the M windows of all
    its rows one below the other, (M, T), and the head makes one row of logits of each row's windows. See
    :mod:`mtsmart.models.heads.windows`.
    """

    def check(self) -> None:
        super().check()
        if self.windows is None or self.shared_head is None:
            return
        pools = self.shared_head.windows
        if pools == self.windows.pooling:
            return
        key = f"{self.name}.options.windows"
        if pools is None:
            hint = f"Give the task '{self.head_name}' options.windows too"
            raise ConfigError("is for a head that pools windows, and the shared head does not", key=key, hint=hint)
        message = "is not how the shared head pools windows"
        raise ConfigError(message, key=f"{key}.pooling", value=self.windows.pooling, hint=f"Say pooling: {pools}")

    @property
    def windows(self) -> WindowsOptions | None:
        """How texts that are too long are read in windows; None if they are cut."""
        return self.options.windows if isinstance(self.options, LongTextOptions) else None

    @property
    def window_pooling(self) -> str | None:
        """How the head pools windows; None if the task reads none."""
        return None if self.windows is None else self.windows.pooling

    def tokenized(
        self, columns: Sequence[Sequence[str]], tokenizer: PreTrainedTokenizerBase, max_length: int, segments: bool
    ) -> Rows:
        """The token columns of N texts or pairs: a sequence a row, or a list of windows.

        Args:
            columns, tokenizer, max_length, segments: as for :func:`mtsmart.data.tokenizing.tokenize`.

        Raises:
            ConfigError: windows overlap so much that they have no room for new tokens.
        """
        if self.windows is None:
            return tokenize(columns, tokenizer, max_length, segments)
        return split_rows(columns, tokenizer, self.windows.over(max_length), self.name, segments)

    def padded(self, features: Sequence[Mapping[str, Any]], tokenizer: PreTrainedTokenizerBase) -> dict[str, Tensor]:
        """A batch's inputs from its encoded rows."""
        pad = pad_inputs if self.windows is None else pad_windows
        return pad(features, tokenizer)

    @property
    def signature_of_windows(self) -> dict[str, Any]:
        """What encoded rows depend on: how windows overlap, but not how they are pooled."""
        return {} if self.windows is None else {"overlap": self.windows.overlap}

    def take(self, batch: Batch, rows: slice) -> Batch:
        """Some of a batch's rows, with their windows."""
        if WINDOWS not in batch.inputs:
            return super().take(batch, rows)
        part, places = take_rows(batch, rows, batch.inputs[WINDOWS])
        part.inputs[WINDOWS] = places
        return part


def is_in_windows(task: TaskType) -> bool:
    """Whether a task reads long texts in windows."""
    return isinstance(task, ReadsWindows) and task.windows is not None


def cuts_texts(task: TaskType) -> bool:
    """Whether an input of a task is one token sequence, which is cut where it is too long."""
    return isinstance(task, ReadsWindows) and task.windows is None


def could_read_windows(task: TaskType) -> bool:
    """Whether a task cuts long texts, although its type has the option ``windows``."""
    return cuts_texts(task) and isinstance(task.options, LongTextOptions)
