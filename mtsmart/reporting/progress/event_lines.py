"""The progress of training for programs: one JSON object a line."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

from mtsmart.processes import launched
from mtsmart.reporting.progress.pace import Pace
from mtsmart.text.escaping import visible_json
from mtsmart.text.json_text import json_text
from mtsmart.training.callbacks import Callback, Evaluated, Logged, Started, UpdateDone


class EventLines(Callback):
    """Writes a line when training starts, for each line of training figures, for each evaluation, and at the end.

    Each line is a JSON object whose ``event`` is ``started``, ``logged``, ``evaluated`` or ``ended``. Of several
    processes only the first one writes.

    Args:
        stream: what the lines are written to; None: nothing is written.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = None if launched()[0] > 0 else stream

    def on_start(self, event: Started) -> None:
        """Write what is trained."""
        self._pace = Pace(event.updates, event.done)
        tasks = {
            name: {"train_rows": rows, "validation_rows": event.validation_rows.get(name, 0)}
            for name, rows in event.train_rows.items()
        }
        facts = {"updates": event.updates, "done": event.done, "device": event.device, "tasks": tasks}
        self._write("started", {**facts, "recipe": list(event.recipe), "regularizers": list(event.regularizers)})

    def on_update(self, event: UpdateDone) -> None:
        """Count the update."""
        self._pace.add(event.update, event.rows)

    def on_log(self, event: Logged) -> None:
        """Write the line of metrics.jsonl, with the speed and the time that is left."""
        figures = event.to_json()
        del figures["type"]
        pace = self._pace
        speed = {"rows_per_second": _rounded(pace.rows_per_second), "seconds_left": _rounded(pace.seconds_left)}
        self._write("logged", {"updates": pace.total, **speed, **figures})

    def on_evaluation(self, event: Evaluated) -> None:
        """Write the scores."""
        figures = event.to_json()
        del figures["type"]
        self._write("evaluated", figures)

    def write_end(self, run: str | None, results: Mapping[str, Any] | None) -> None:
        """Write the last line.

        Args:
            run: the run's folder; None if training was interrupted.
            results: what results.json holds; None if training was interrupted.
        """
        score = None if results is None else results["score"]
        tasks = {} if results is None else results["tasks"]
        self._write("ended", {"interrupted": results is None, "run": run, "score": score, "tasks": tasks})

    def _write(self, event: str, facts: Mapping[str, Any]) -> None:
        if self._stream is None:
            return
        # The output may be a file on a full disk. Training should not end for this reason; the command says it later.
        with suppress(OSError):
            self._stream.write(visible_json(json_text({"event": event, **facts})) + "\n")
            self._stream.flush()


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
