"""Writes the progress of training to the log: what is trained, and a line for each evaluation."""

from __future__ import annotations

from mtsmart.log import log_progress
from mtsmart.training.callbacks import Callback, Evaluated, Started


class ProgressLog(Callback):
    """Writes the progress of training to the log."""

    def on_start(self, event: Started) -> None:
        """Write what will be trained."""
        rows = ", ".join(f"{name} {count:,}" for name, count in event.train_rows.items())
        rest = f": {event.updates:,} updates; rows: {rows}"
        log_progress(f"Training on {event.device}{rest}", {str(event.device): "bold"})
        for name, count in event.dropped.items():
            log_progress(f"  {name}: {count:,} rows without a text or label were dropped")
        for name in event.unscored:
            log_progress(f"  {name} has no validation split; it is not scored")
        for text in event.recipe:
            log_progress(f"  {text}")
        terms = ", ".join(event.regularizers) or "none"
        resumed = f"; training continues after update {event.done:,}" if event.done else ""
        log_progress(f"  regularisers: {terms}{resumed}")

    def on_evaluation(self, event: Evaluated) -> None:
        """Write the score, and the main metric of each task."""
        score = f"update {event.update:,}: score {event.evaluation.score:.4f}"
        tasks = "  ".join(
            f"{name} {next(iter(result.metrics))} {result.main:.3f}" for name, result in event.evaluation.tasks.items()
        )
        best = " (best)" if event.best else ""
        log_progress(f"{score}{best}  {tasks}", {"(best)": "green"})
