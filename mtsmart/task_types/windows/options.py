"""The option ``windows`` of task types whose output is one vector a row."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from mtsmart.config.strict import StrictModel
from mtsmart.models.heads.windows import HowToPool
from mtsmart.task_types.interface.base import TaskOptions

_OVERLAP = 32  # tokens


@dataclass(frozen=True)
class Windows:
    """How a text that is too long is read.

    Attributes:
        size: the most tokens of a window, special tokens included.
        overlap: tokens that neighbouring windows share at least.
    """

    size: int
    overlap: int


class WindowsOptions(StrictModel):
    """How a text that is longer than max_length is read in windows."""

    overlap: int | None = Field(
        None,
        ge=0,
        description=f"tokens that neighbouring windows share at least; null: {_OVERLAP}, or a quarter of max_length if "
        "less",
    )
    pooling: HowToPool = Field(
        "attention",
        description="how the logits of windows become those of the row: mean; max: each label by the window that "
        "shows it most; attention: a mean with weights that are learnt",
    )

    def over(self, max_length: int) -> Windows:
        """The windows for a limit of tokens."""
        overlap = min(_OVERLAP, max_length // 4) if self.overlap is None else self.overlap
        return Windows(max_length, overlap)


class LongTextOptions(TaskOptions):
    """How long texts are read."""

    windows: WindowsOptions | None = Field(
        None,
        description="read a row that is longer than max_length in overlapping windows of max_length tokens: "
        "{overlap: 32, pooling: mean | max | attention}, each of which may be left out; null: cut it. Of a pair, the "
        "longer text is split, and each window has the other one too",
    )
