"""What training tells those who watch it."""

from __future__ import annotations

from typing import Any, Protocol

from mtsmart.evaluation.evaluator import Evaluation


class Callback(Protocol):
    """Hooks of the training loop. None of them may change the run."""

    def on_start(self, facts: dict[str, Any]) -> None:
        """Before the first update: rows per task, what is dropped or not scored, updates in all and done, device."""
        ...

    def on_update(self, update: int, rows: int) -> None:
        """After each update: its number, and the rows it saw."""
        ...

    def on_log(self, record: dict[str, Any]) -> None:
        """When a training line is written to metrics.jsonl."""
        ...

    def on_evaluation(self, evaluation: Evaluation, update: int, best: bool) -> None:
        """After each evaluation."""
        ...

    def on_checkpoint(self, update: int) -> None:
        """After each resume point."""
        ...

    def on_notice(self, text: str) -> None:
        """Something that the user should know, but that stops nothing."""
        ...

    def on_end(self) -> None:
        """After the last update, also when training was interrupted."""
        ...


class Silent:
    """Watches nothing."""

    def on_start(self, facts: dict[str, Any]) -> None:
        """Nothing."""

    def on_update(self, update: int, rows: int) -> None:
        """Nothing."""

    def on_log(self, record: dict[str, Any]) -> None:
        """Nothing."""

    def on_evaluation(self, evaluation: Evaluation, update: int, best: bool) -> None:
        """Nothing."""

    def on_checkpoint(self, update: int) -> None:
        """Nothing."""

    def on_notice(self, text: str) -> None:
        """Nothing."""

    def on_end(self) -> None:
        """Nothing."""
