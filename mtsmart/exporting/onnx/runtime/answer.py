"""Predictions of an exported model, with numpy, tokenizers and onnxruntime alone.

This file lies beside ``model.onnx``, ``tokenizer.json`` and ``tasks.json``, which mtsmart has written::

    from answer import Model
    Model("FOLDER").predict("nli", [{"premise": "It rains.", "hypothesis": "The street is wet."}])

    python FOLDER/answer.py --task nli --input rows.jsonl > predictions.jsonl
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from mtsmart.exporting.onnx.runtime.decoding import Prediction, describe
from mtsmart.exporting.onnx.runtime.given import refuse_taken, rows_given, rows_of_file
from mtsmart.exporting.onnx.runtime.reading import read
from mtsmart.exporting.onnx.runtime.settings import read_settings
from mtsmart.exporting.onnx.runtime.tokens import AnswerError, Inputs, Item, Row, Settings, Tokens
from mtsmart.exporting.onnx.runtime.windows import pooled
from mtsmart.text.counts import first_of, part_of
from mtsmart.text.json_lines import json_line

_TOGETHER = 1000  # rows whose outputs are in memory together
_ANY = '["a", "b"]'  # A value that most tasks read: a text, and a list of words, of candidates or of their names.


@dataclass(frozen=True)
class Predicted:
    """What a pass through the encoder has given.

    Attributes:
        predictions: task -> a prediction for each row; all its values are None for one that lacks a text.
        lacking: the numbers of these rows, from 0.
        cut: the numbers of rows that lost tokens, because they were too long.
    """

    predictions: dict[str, list[Prediction]]
    lacking: list[int]
    cut: list[int]


class Model:
    """An exported model.

    Args:
        folder: the folder of ``model.onnx``.
        threads: how many threads compute; None: as many as there are cores.
        providers: what computes, as onnxruntime names it.

    Attributes:
        settings: what ``tasks.json`` holds.
        tasks: the names of the tasks.

    Raises:
        AnswerError: the folder holds no such model.
    """

    def __init__(
        self, folder: str | Path, threads: int | None = None, providers: Sequence[str] = ("CPUExecutionProvider",)
    ) -> None:
        place = Path(folder)
        self.settings = read_settings(place)
        self.tasks = list(self.settings["tasks"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        try:
            self._tokens = Tokens(place / "tokenizer.json", self.settings["tokenizer"])
            self._session = onnxruntime.InferenceSession(str(place / "model.onnx"), options, providers=list(providers))
        except Exception as error:  # tokenizers and onnxruntime have classes of their own for each lack and damage
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise AnswerError(f"{place}: cannot be loaded ({reason})") from None
        lacking = self.settings["outputs"].keys() - {each.name for each in self._session.get_outputs()}
        if lacking:
            raise AnswerError(f"{place / 'tasks.json'}: names outputs that model.onnx lacks: {sorted(lacking)}")

    def predict(
        self, task: str | Sequence[str], rows: Any, *, calibrated: bool = False, batch_size: int | None = None
    ) -> list[Prediction]:
        """Predictions as ``mtsmart predict`` writes them, one mapping for each row.

        Args:
            task: the name of a task, or several; then the keys are ``<task>.prediction`` and so on, and tasks that read
                the same columns share one pass through the encoder.
            rows: mappings of column to value, or one; for tasks that read one column also texts, or one text.
            calibrated: whether probabilities have the temperature that the run's report has fitted.
            batch_size: inputs that are computed together; None: as many as in the run's evaluations.

        Returns:
            all values are None for a row that lacks a text. Lines on standard error say how many rows lack a text, and
            how many lost tokens because they were too long.

        Raises:
            AnswerError: there is no such task, or a row does not fit.
        """
        names = [task] if isinstance(task, str) else list(task)
        listed = self._rows(rows, names)
        found: dict[str, list[Prediction]] = {}
        for sharing in self.passes(names):
            predicted = self.predict_pass(sharing, listed, calibrated=calibrated, batch_size=batch_size)
            _tell(
                sharing,
                predicted.lacking,
                len(listed),
                ("lacks a text and gets no prediction", "lack a text and get no prediction"),
            )
            _tell(sharing, predicted.cut, len(listed), ("is too long and is cut", "are too long and are cut"))
            found.update(predicted.predictions)
        if isinstance(task, str):
            return found[task]
        return [
            {f"{name}.{key}": value for name in names for key, value in found[name][number].items()}
            for number in range(len(listed))
        ]

    def logits(self, task: str, rows: Any, *, batch_size: int | None = None) -> list[list[np.ndarray]]:
        """The outputs of a task's head, before decoding.

        Args:
            task: the task's name.
            rows, batch_size: as for ``predict``. Rows that lack a text are left out.

        Returns:
            for each row, or each query whose candidates are rows, an array for each of its inputs (a window of words
            or of a context, a candidate): float32, (C,), (T, C) for T tokens, or (P, V) for P masks. A text that is
            read in windows has one array.
        """
        one = self._task(task)
        listed = self._rows(rows, [task])
        items = read(one, listed, range(len(listed)), self._tokens)
        return self._outputs([one], items, batch_size)[0]

    def _task(self, name: str) -> Settings:
        if name not in self.settings["tasks"]:
            raise AnswerError(f"there is no task '{name}'. There are: {', '.join(self.tasks)}")
        found: Settings = self.settings["tasks"][name]
        return found

    def passes(self, tasks: Iterable[str], by_place: bool = False) -> list[list[str]]:
        """The names of tasks; those that share a pass through the encoder stand together.

        Args:
            tasks: their names.
            by_place: whether texts are told apart by their place alone: the first text of one task is that of another,
                even if their columns have other names. Tasks that read more than texts still need the same columns.
        """
        groups: dict[str, list[str]] = {}
        for name in dict.fromkeys(tasks):
            groups.setdefault(_what_is_read(self._task(name), by_place), []).append(name)
        return list(groups.values())

    def _rows(self, rows: Any, names: Sequence[str]) -> list[Row]:
        columns = list(dict.fromkeys(chain.from_iterable(self._task(name)["columns"] for name in names)))
        return rows_given(rows, columns, ", ".join(names))

    def predict_pass(
        self, tasks: Sequence[str], rows: Sequence[Row], *, calibrated: bool = False, batch_size: int | None = None
    ) -> Predicted:
        """Predictions of tasks that share a pass through the encoder.

        Args:
            tasks: the names of tasks of one of the ``passes``.
            rows: mappings of column to value, with the columns of the first of these tasks.
            calibrated, batch_size: as for ``predict``.

        Raises:
            AnswerError: as for ``predict``.
        """
        first = self._task(tasks[0])
        temperatures = {name: self.temperature(name) if calibrated else None for name in tasks}
        found: dict[str, dict[int, Prediction]] = {name: {} for name in tasks}
        cut: set[int] = set()
        for numbers in _parts(len(rows), first):
            items = read(first, rows, numbers, self._tokens)
            cut.update(number for item in items for number in item.rows if item.is_cut)
            for name, described in self._described(items, temperatures, batch_size):
                found[name].update(described)
        lacking = [number for number in range(len(rows)) if number not in found[tasks[0]]]
        predictions = {name: self._with_nothing(name, of_task, len(rows)) for name, of_task in found.items()}
        return Predicted(predictions, lacking, sorted(cut))

    def temperature(self, task: str) -> float | None:
        """What divides the logits of a task's probabilities so that they are calibrated; None if it has none.

        Raises:
            AnswerError: there is no such task, or the run's report had fitted no temperature.
        """
        one = self._task(task)
        if one["has_probabilities"] and one["temperature"] is None:
            raise AnswerError(f"{task}: has no temperature. `mtsmart report RUN` fits one; then export the run again")
        found: float | None = one["temperature"]
        return found

    def _described(
        self, items: Sequence[Item], temperatures: Mapping[str, float | None], batch_size: int | None
    ) -> Iterator[tuple[str, dict[int, Prediction]]]:
        """For each task its name, and number of a row -> prediction."""
        tasks = {name: self._task(name) for name in temperatures}
        outputs = self._outputs(list(tasks.values()), items, batch_size)
        for (name, task), of_items in zip(tasks.items(), outputs, strict=True):
            found: dict[int, Prediction] = {}
            for item, arrays in zip(items, of_items, strict=True):
                described = describe(task["decoding"], item, arrays, self._tokens, temperatures[name])
                found.update(zip(item.rows, described, strict=True))
            yield name, found

    def _with_nothing(self, task: str, found: Mapping[int, Prediction], count: int) -> list[Prediction]:
        """The predictions in the order of the rows; None under each key where there is none."""
        if len(found) == count:
            return [found[number] for number in range(count)]
        shown = next(iter(found.values())) if found else self._likely_prediction(task)
        keys = list(shown)
        return [found[number] if number in found else dict.fromkeys(keys) for number in range(count)]

    def _likely_prediction(self, task: str) -> Prediction:
        """A prediction for a row that stands for any other."""
        one = self._task(task)
        try:
            items = read(one, [dict.fromkeys(one["columns"], _ANY)], range(1), self._tokens)
            ((_, found),) = self._described(items, {task: None}, None)
        except AnswerError:  # Not all columns are texts or lists of texts.
            return {"prediction": None}
        return found[0]

    def _outputs(
        self, tasks: Sequence[Settings], items: Sequence[Item], batch_size: int | None
    ) -> list[list[list[np.ndarray]]]:
        """For each task and each item the arrays of the item's sequences, or one array for all windows of a text."""
        names = list(dict.fromkeys(name for task in tasks for name in _outputs_for(task)))
        found = dict(zip(names, self._computed(names, items, batch_size), strict=True))
        return [_of_items(task, found) for task in tasks]

    def _computed(
        self, names: Sequence[str], items: Sequence[Item], batch_size: int | None
    ) -> list[list[list[np.ndarray]]]:
        """For each output and each item the arrays of the item's sequences."""
        sequences = [sequence for item in items for sequence in item.sequences]
        order = sorted(range(len(sequences)), key=lambda place: len(sequences[place]["input_ids"]), reverse=True)
        found: list[dict[int, np.ndarray]] = [{} for _ in names]
        size = batch_size or self.settings["batch_size"]
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            computed = self._run(names, [sequences[place] for place in chosen])
            for by_place, arrays in zip(found, computed, strict=True):
                by_place.update(zip(chosen, arrays, strict=True))
        parts = [iter([by_place[place] for place in range(len(sequences))]) for by_place in found]
        return [[[next(part) for _ in item.sequences] for item in items] for part in parts]

    def _run(self, names: Sequence[str], batch: Sequence[Inputs]) -> list[list[np.ndarray]]:
        """For each output the arrays of a batch's sequences, without padding."""
        feeds = {each.name: self._padded(each.name, batch) for each in self._session.get_inputs()}
        options = onnxruntime.RunOptions()
        options.only_execute_path_to_fetches = True  # of a graph with many heads
        arrays = self._session.run(list(names), feeds, options)
        return [self._without_padding(name, array, batch) for name, array in zip(names, arrays, strict=True)]

    def _padded(self, name: str, batch: Sequence[Inputs]) -> np.ndarray:
        """An input of the graph: (B, T) int64, or (B, P) for the positions of masks."""
        width = max(len(inputs["input_ids"]) for inputs in batch)
        if name == "positions":
            shifts = [width - len(inputs["input_ids"]) if self._tokens.pads_left else 0 for inputs in batch]
            places = [inputs.get(name, [0]) for inputs in batch]
            padded = np.zeros((len(batch), max(1, *map(len, places))), dtype=np.int64)
            for row, own, shift in zip(padded, places, shifts, strict=True):
                row[: len(own)] = [place + shift for place in own]
            return padded
        padded = np.full((len(batch), width), self._tokens.settings["pad"] if name == "input_ids" else 0, np.int64)
        for row, inputs in zip(padded, batch, strict=True):
            count = len(inputs["input_ids"])
            real = slice(width - count, width) if self._tokens.pads_left else slice(count)
            row[real] = 1 if name == "attention_mask" else inputs.get(name, 0)
        return padded

    def _without_padding(self, name: str, array: np.ndarray, batch: Sequence[Inputs]) -> list[np.ndarray]:
        kind = self.settings["outputs"][name]
        if kind == "row":
            found = list(array)
        elif kind == "position":
            found = [row[: len(inputs["positions"])] for row, inputs in zip(array, batch, strict=True)]
        else:
            lengths = [len(inputs["input_ids"]) for inputs in batch]
            starts = [array.shape[1] - length if self._tokens.pads_left else 0 for length in lengths]
            found = [row[start : start + length] for row, start, length in zip(array, starts, lengths, strict=True)]
        if not all(np.isfinite(each).all() for each in found):
            raise AnswerError(f"the model's outputs '{name}' are not numbers")
        return found


def _outputs_for(task: Settings) -> list[str]:
    """The graph's outputs that a task needs."""
    scores = task["windows"] and task["windows"]["scores"]
    return [task["output"], scores] if scores else [task["output"]]


def _of_items(task: Settings, found: Mapping[str, list[list[np.ndarray]]]) -> list[list[np.ndarray]]:
    """The logits of a task for each item."""
    logits = found[task["output"]]
    if task["windows"] is None:
        return logits
    scores = found.get(task["windows"]["scores"], [None] * len(logits))
    return [[pooled(own, task["windows"]["pooling"], weighed)] for own, weighed in zip(logits, scores, strict=True)]


def _what_is_read(task: Settings, by_place: bool) -> str:
    """Equal for tasks that read the same input."""
    reading = dict(task["reading"])
    if not by_place or task["columns"] != reading["text"]:
        return json.dumps([reading, task["columns"], task["empty"]])
    columns = reading.pop("text")
    return json.dumps([reading, len(columns), [column in task["empty"] for column in columns]])


def _parts(count: int, task: Settings) -> list[range]:
    """The rows in parts whose outputs are in memory together; those of a query may stand anywhere."""
    size = count if task["reading"]["kind"] == "groups" else _TOGETHER
    return [range(start, min(start + size, count)) for start in range(0, count, max(size, 1))]


def _tell(names: Sequence[str], told: Sequence[int], count: int, does: tuple[str, str]) -> None:
    """A line on standard error about some of the rows, whose numbers from 0 are given: what one does, or several."""
    if told:
        what = does[0] if len(told) == 1 else does[1]
        text = f"{part_of(len(told), count, 'row')} {what}; {first_of(len(told), told[0] + 1)}"
        print(f"{', '.join(names)}: {text}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict the rows of a file. What does not fit is told in one line, with status 2."""
    parser = argparse.ArgumentParser(description="Predict the rows of a file of JSON lines.")
    parser.add_argument("--task", action="append", required=True, help="the task; repeat it for several at once")
    parser.add_argument("--input", type=Path, required=True, help="a JSON object a line")
    parser.add_argument("--calibrated", action="store_true", help="probabilities with the fitted temperature")
    parser.add_argument("--threads", type=int, help="default: as many as there are cores")
    given = parser.parse_args(arguments)
    if given.threads is not None and given.threads < 1:
        parser.error(f"argument --threads: must be at least 1, got {given.threads}")
    try:
        rows = rows_of_file(given.input)
        tasks = list(dict.fromkeys(given.task))
        model = Model(Path(__file__).parent, given.threads)
        found = model.predict(tasks if len(tasks) > 1 else tasks[0], rows, calibrated=given.calibrated)
        refuse_taken(given.input, rows, found)
        for row, prediction in zip(rows, found, strict=True):
            print(json_line({**row, **prediction}, sys.stdout.encoding))
    except AnswerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
