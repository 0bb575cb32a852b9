"""A run that stands behind the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from mtsmart.data.derived import fields_of
from mtsmart.errors import ConfigError
from mtsmart.evaluation.details.temperatures import temperatures_of
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.evaluation.predicting import Predictor
from mtsmart.evaluation.typed_texts import predictions_for_texts, texts_read_by
from mtsmart.log import log_notice
from mtsmart.serving.engine import Answer, Answers, Parts, Question, ServedTask, numbered
from mtsmart.serving.sizes import parts_of
from mtsmart.task_types import TaskType
from mtsmart.task_types.interface.arranges_rows import needs_all_rows
from mtsmart.task_types.interface.explains_outputs import Portable
from mtsmart.task_types.windows.reads_windows import cuts_texts, is_in_windows

_REMEMBERED = 64  # sets of tasks; clients may ask for any of them


def engine_of_run(run: LoadedRun, names: Sequence[str] | None, calibrated: bool) -> RunEngine:
    """The engine of a run; a line tells which tasks it leaves out.

    Args:
        run, names, calibrated: as for :class:`RunEngine`.

    Raises:
        MtsmartError: as for :class:`RunEngine`.
    """
    engine = RunEngine(run, names, calibrated)
    if engine.left_out:
        log_notice(f"not served, because their heads are not trained: {', '.join(engine.left_out)}")
    return engine


class RunEngine:
    """Asks the heads of a run.

    Args:
        run: the run.
        names: the tasks to serve; None: all tasks of the run whose head is trained.
        calibrated: whether probabilities are those of the temperatures that the run's report has fitted.

    Attributes:
        left_out: the tasks of the run that are not served, because their heads are not trained.

    Raises:
        ConfigError: a named task is unknown, or the run has no head for it; or no head is trained.
        CheckpointError: the run has no temperature for a task whose probabilities should be calibrated.
    """

    def __init__(self, run: LoadedRun, names: Sequence[str] | None = None, calibrated: bool = False) -> None:
        self._run = run
        self._calibrated = calibrated
        self.left_out = [] if names else [name for name in run.definitions if run.is_untrained(name)]
        served = [name for name in dict.fromkeys(names or run.definitions) if name not in self.left_out]
        if not served:
            raise ConfigError("has trained no head that could answer", argument="run", value=str(run.path))
        found = {name: run.task(name) for name in served}
        if names:
            run.tell_untrained(list(found))
        if calibrated:
            temperatures_of(run.run_folder, found.values())  # so that a lack is told before the first question
        self._predictor = lru_cache(maxsize=_REMEMBERED)(self._new_predictor)
        of_rows = numbered(self._new_predictor(tuple(found), by_place=False).passes)
        reading_texts = tuple(name for name, task in found.items() if texts_read_by(task))
        of_texts = numbered(self._new_predictor(reading_texts, by_place=True).passes) if reading_texts else {}
        self._tasks = {
            name: _served(task, run.max_length(name), of_rows[name], of_texts.get(name, -1))
            for name, task in found.items()
        }

    @property
    def tasks(self) -> Mapping[str, ServedTask]:
        """Name -> task."""
        return self._tasks

    def answer(self, question: Question) -> Answers:
        """Answers in the order of the inputs.

        Raises:
            MtsmartError: an input cannot be read.
        """
        by_place = bool(question.texts)
        predictor = self._predictor(question.tasks, by_place)
        predictor.restart()
        if by_place:
            found = predictions_for_texts(predictor, question.texts)
        else:
            found = predictor.by_task(lambda task: question.rows)
        cut = predictor.cut_rows
        return {
            name: [Answer(*each) for each in zip(predictions, cut[name].tolist(), strict=True)]
            for name, predictions in found.items()
        }

    def _new_predictor(self, tasks: tuple[str, ...], by_place: bool) -> Predictor:
        return self._run.predictor(tasks, calibrated=self._calibrated, by_place=by_place)


def _served(task: TaskType, max_length: int, pass_of_rows: int, pass_of_texts: int) -> ServedTask:
    return ServedTask(
        name=task.name,
        task_type=task.definition.task_type,
        fields=fields_of(task.columns),
        texts=texts_read_by(task),
        labels=tuple(task.labels),
        max_length=max_length,
        parts=_parts(task, max_length),
        in_windows=is_in_windows(task),
        needs_all_rows=needs_all_rows(task),
        pass_of_rows=pass_of_rows,
        pass_of_texts=pass_of_texts,
    )


def _parts(task: TaskType, max_length: int) -> Parts | None:
    """How a task makes several sequences of an input. Types of other packages may not say it."""
    if isinstance(task, Portable):
        return parts_of(task.how_read(max_length))
    return None if cuts_texts(task) else Parts(max_length)
