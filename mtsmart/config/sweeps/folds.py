"""The ``folds`` section: cross-validation, one run for each part of the training rows."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mtsmart.config.strict import StrictModel


class FoldsConfig(StrictModel):
    """Cross-validation: each run leaves one part of the training rows out of training and is scored on it."""

    count: int = Field(ge=2, le=1000, description="the number of parts, and of runs")
    group_column: str | dict[str, str] | None = Field(
        None,
        description="column whose equal values stay in one part; for all tasks, or task -> column; null: each row "
        "stands for itself (for ranking: options.group)",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="of the parts; training.seed does not change them")

    def group_of(self, task: str) -> str | None:
        """The column of the groups of a task; None: it has none."""
        return self.group_column.get(task) if isinstance(self.group_column, dict) else self.group_column


def expand_folds(value: Any) -> Any:
    """Turn ``5`` into ``{count: 5}``. Anything else stays as it is."""
    return {"count": value} if isinstance(value, int) and not isinstance(value, bool) else value
