"""Which evaluation was best, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mtsmart.evaluation.evaluator import Evaluation
from mtsmart.runs.results import ScoredUpdate


class Selection:
    """Keeps the best evaluation by score. Of two with the same score it keeps the earlier one.

    Args:
        patience: stop after this many evaluations in a row without a better score; None: never.
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.best: ScoredUpdate | None = None
        self.last: ScoredUpdate | None = None
        self.waited = 0

    def add(self, evaluation: Evaluation, update: int) -> bool:
        """Note an evaluation; whether it is the best so far."""
        tasks = {name: result.metrics for name, result in evaluation.tasks.items()}
        self.last = ScoredUpdate(update, evaluation.score, tasks)
        if not self._is_better(evaluation.score):
            self.waited += 1
            return False
        self.best = self.last
        self.waited = 0
        return True

    def _is_better(self, score: float | None) -> bool:
        if score is None or not math.isfinite(score):
            return False
        return self.best is None or self.best.score is None or score > self.best.score

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and self.waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """The state in JSON types."""
        best = None if self.best is None else self.best.to_json()
        last = None if self.last is None else self.last.to_json()
        return {"best": best, "last": last, "waited": self.waited}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state_dict`` gave."""
        self.best = None if state["best"] is None else ScoredUpdate.from_json(state["best"])
        self.last = None if state["last"] is None else ScoredUpdate.from_json(state["last"])
        self.waited = state["waited"]
