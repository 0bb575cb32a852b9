"""An exported graph that stands behind the server. It needs neither torch nor transformers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mtsmart.errors import CheckpointError, ConfigError, DataError, did_you_mean
from mtsmart.exporting.onnx.runtime.answer import Model, Predicted
from mtsmart.exporting.onnx.runtime.tokens import AnswerError
from mtsmart.serving.engine import Answer, Answers, Question, ServedTask, numbered
from mtsmart.serving.sizes import parts_of

_GROUPS = "groups"
_WINDOWS = "windows"
_WORDS = "words"


class GraphEngine:
    """Asks the heads of an exported graph.

    It computes with as many threads as ``OMP_NUM_THREADS`` says, or else as there are cores.

    Args:
        folder: the folder of the graph.
        names: the tasks to serve; None: all of the graph.
        calibrated: whether probabilities have the temperatures that the run's report had fitted before the export.

    Raises:
        ConfigError: a named task is unknown.
        CheckpointError: the folder cannot be loaded, or has no temperature for a task whose probabilities should be
            calibrated.
    """

    def __init__(self, folder: Path, names: Sequence[str] | None = None, calibrated: bool = False) -> None:
        model = _loaded(folder)
        self._model = model
        self._calibrated = calibrated
        served = list(dict.fromkeys(names or model.tasks))
        for name in served:
            if name not in model.tasks:
                hint = did_you_mean(name, model.tasks)
                raise ConfigError("there is no task of this name", argument="task", value=name, hint=hint)
        if calibrated:
            self._require_temperatures(served)
        of_rows = numbered(model.passes(served))
        of_texts = numbered(model.passes((name for name in served if self._described(name)["texts"]), by_place=True))
        self._tasks = {
            name: _served(name, self._described(name), of_rows[name], of_texts.get(name, -1)) for name in served
        }

    @property
    def tasks(self) -> Mapping[str, ServedTask]:
        """Name -> task."""
        return self._tasks

    def answer(self, question: Question) -> Answers:
        """Answers in the order of the inputs.

        Raises:
            DataError: an input cannot be read.
        """
        by_place = bool(question.texts)
        found: Answers = {}
        for names in self._model.passes(question.tasks, by_place):
            rows = [self._row(names[0], texts) for texts in question.texts] if by_place else question.rows
            found.update(self._answers(names, self._predicted(names, rows)))
        return {name: found[name] for name in question.tasks}

    def _predicted(self, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Predicted:
        try:
            return self._model.predict_pass(names, rows, calibrated=self._calibrated)
        except AnswerError as error:
            place = None if error.row is None else f"row {error.row}"
            shown = "" if error.shown is None else f", got {error.shown}"
            raise DataError(f"{error.message}{shown}", file=place, key=error.column) from None

    def _answers(self, names: Sequence[str], predicted: Predicted) -> Iterator[tuple[str, list[Answer]]]:
        cut = set(predicted.cut)
        for name in names:
            predictions = predicted.predictions[name]
            is_whole_cut = bool(cut) and self._tasks[name].needs_all_rows
            yield (
                name,
                [Answer(each, is_whole_cut or number in cut) for number, each in enumerate(predictions)],
            )

    def _row(self, name: str, texts: Sequence[str]) -> dict[str, Any]:
        """The row that the texts make. A task that tags words gets words."""
        reading = self._described(name)["reading"]
        values = [text.split() for text in texts] if reading["kind"] == _WORDS else texts
        return dict(zip(reading["text"], values, strict=True))

    def _described(self, name: str) -> Mapping[str, Any]:
        """What ``tasks.json`` says of a task."""
        found: Mapping[str, Any] = self._model.settings["tasks"][name]
        return found

    def _require_temperatures(self, names: Sequence[str]) -> None:
        """So that a lack is told before the first question."""
        for name in names:
            try:
                self._model.temperature(name)
            except AnswerError as error:
                raise CheckpointError(error.message) from None


def _loaded(folder: Path) -> Model:
    threads = os.environ.get("OMP_NUM_THREADS", "")
    try:
        return Model(folder, int(threads) if threads.isdecimal() else None)
    except AnswerError as error:
        raise CheckpointError(error.message, hint="Export the run again with this mtsmart") from None


def _served(name: str, described: Mapping[str, Any], pass_of_rows: int, pass_of_texts: int) -> ServedTask:
    reading = described["reading"]
    return ServedTask(
        name=name,
        task_type=described["type"],
        fields=described["fields"],
        texts=described["texts"],
        labels=tuple(described["labels"]),
        max_length=reading["max_length"],
        parts=parts_of(reading),
        in_windows=reading["kind"] == _WINDOWS,
        needs_all_rows=reading["kind"] == _GROUPS,
        pass_of_rows=pass_of_rows,
        pass_of_texts=pass_of_texts,
    )
