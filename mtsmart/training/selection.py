"""Which evaluation was best, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from typing import Any

from mtsmart.evaluation.evaluator import Evaluation


class Selection:
    """Keeps the best evaluation by score; the earlier one wins a tie.

    Args:
        patience: stop after this many evaluations in a row without a better score; None: never.
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.best: dict[str, Any] | None = None
        self.last: dict[str, Any] | None = None
        self.waited = 0

    def add(self, evaluation: Evaluation, update: int) -> bool:
        """Note an evaluation; whether it is the best so far."""
        self.last = {"update": update, **evaluation.to_json()}
        score = evaluation.score
        better = score is not None and math.isfinite(score) and (self.best is None or score > self.best["score"])
        self.best = self.last if better else self.best
        self.waited = 0 if better else self.waited + 1
        return better

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and self.waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """JSON types."""
        return {"best": self.best, "last": self.last, "waited": self.waited}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` gave."""
        self.best, self.last, self.waited = state["best"], state["last"], state["waited"]
