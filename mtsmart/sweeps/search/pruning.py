"""Ends a trial that is hopeless, after an evaluation."""

from __future__ import annotations

import math
import signal
from pathlib import Path

from mtsmart.evaluation.evaluator import Evaluation
from mtsmart.runs.journal import MetricsLine, read_metrics
from mtsmart.sweeps.search.study import Trial, is_hopeless
from mtsmart.training.callbacks import Callback, Evaluated, Started


class Pruning(Callback):
    """Notes the score of each evaluation, and stops the run where it is hopeless.

    The run stops as it does at a user's signal: after the present update, with a resume point.

    Args:
        trial: what is trained.
        metrics: the run's metrics.jsonl. A run that is resumed has its earlier evaluations there.

    Attributes:
        curve: the score at each evaluation; None where it was no number.
        has_stopped: whether the run was stopped.
    """

    def __init__(self, trial: Trial, metrics: Path) -> None:
        self.trial = trial
        self.metrics = metrics
        self.curve: list[float | None] = []
        self.has_stopped = False
        self._updates = 0

    def on_start(self, event: Started) -> None:
        self._updates = event.updates
        evaluations = [line for line in read_metrics(self.metrics) if line.type == "evaluation"]
        self.curve = [self._stored(line) for line in evaluations]
        if event.done and self.curve:  # A killed run may have been hopeless already.
            self._stop_if_hopeless(event.done)

    def on_evaluation(self, event: Evaluated) -> None:
        self.curve.append(self._score(event.evaluation))
        self._stop_if_hopeless(event.update)

    def _stop_if_hopeless(self, update: int) -> None:
        is_over = update >= self._updates
        if not is_over and is_hopeless(self.trial.search, self.curve, self.trial.earlier):
            self.has_stopped = True
            signal.raise_signal(signal.SIGTERM)

    def _score(self, evaluation: Evaluation) -> float | None:
        task = self.trial.search.task
        score = evaluation.score if task is None else evaluation.tasks[task].main
        return score if score is not None and math.isfinite(score) else None

    def _stored(self, line: MetricsLine) -> float | None:
        """The score in a line of metrics.jsonl, where null stands for what is no number."""
        task = self.trial.search.task
        return line.score if task is None else next(iter(line.tasks[task].values()))
