"""Writes the zip that a leaderboard takes: each file whole, with the board's own rows, or no zip at all."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import load_split
from mtsmart.errors import ConfigError, DataError, MtsmartError
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.log import log_notice
from mtsmart.storage.durable import replacing
from mtsmart.suites.boards.answers import ChoiceText
from mtsmart.suites.boards.board import IDS, Board, BoardFile
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.library import TaskLibrary
from mtsmart.text.counts import counted

_TOGETHER = 20_000  # rows that are predicted at once
_SPLIT = "test"
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold, so that equal answers make equal files


@dataclass(frozen=True)
class Answers:
    """What one file says.

    Attributes:
        file: which one.
        ids: N ids, as the data has them.
        answers: N answers.
        is_filled: whether all rows say the same, because the run does not have the task.
    """

    file: BoardFile
    ids: Sequence[Any]
    answers: Sequence[Any]
    is_filled: bool = False

    @property
    def text(self) -> str:
        """The content of the file."""
        return self.file.layout(self.ids, self.answers)


def answers_of(board: Board, run: LoadedRun, fill: bool = False) -> list[Answers]:
    """The answers of a run to all rows of a board. All rows are read and checked before any is predicted.

    Args:
        board: the leaderboard.
        run: the loaded run.
        fill: whether files of tasks that the run does not have are written too, with the same answer in all rows.

    Raises:
        ConfigError: the run lacks tasks of the board, or the labels of one are not the board's.
        DataError: a test split cannot be read, or is not that of the board.
    """
    lacking = [file for file in board.files if not run.has_head_for(file.task)]
    _check_lacking(board, lacking, run, fill)
    for file in board.files:
        if file not in lacking:
            file.form.check(run.task(file.task))
    filled: dict[str, Answers] = {}
    rows: dict[str, datasets.Dataset] = {}
    unread: dict[str, MtsmartError] = {}
    for file in board.files:
        try:
            if file in lacking:
                filled[file.name] = _filled(file, run.config.data)
            else:
                rows[file.name] = _rows(file, run)
        except MtsmartError as error:
            unread[file.task] = error
    _refuse_unread(unread)
    found = [filled.get(file.name) or _predicted(file, run, rows[file.name]) for file in board.files]
    for file in lacking:
        log_notice(f"{file.name} has no predictions: the run has no head for '{file.task}', so {file.form.filling}")
    return found


def _refuse_unread(unread: Mapping[str, MtsmartError]) -> None:
    """Name all tasks whose test split cannot be used.

    Raises:
        MtsmartError: there is one.
    """
    if not unread:
        return
    error = next(iter(unread.values()))
    if len(unread) == 1:
        raise error.with_hint(f"Nothing is written. {error.hint}" if error.hint else "Nothing is written")
    message = f"nothing is written, because {len(unread)} test splits cannot be used: {', '.join(unread)}"
    raise DataError(message, hint=f"The first of them: {error}")


def _check_lacking(board: Board, lacking: Sequence[BoardFile], run: LoadedRun, fill: bool) -> None:
    """Refuse a run that lacks tasks of the board, unless their files are filled.

    Raises:
        ConfigError: names the tasks.
    """
    names = ", ".join(_by_head(lacking))
    if len(lacking) == len(board.files):
        raise ConfigError(f"the run has none of {board.title}'s tasks", file=run.path, hint=f"They are: {names}")
    if lacking and not fill:
        message = f"{board.title} needs a file for each of its tasks, and the run has no head for: {names}"
        hint = "With `fill=True` all rows of their files say the same, and the board shows low scores for them"
        raise ConfigError(message, file=run.path, hint=hint)


def _by_head(files: Sequence[BoardFile]) -> list[str]:
    """The tasks that need a head, each with the tasks that are answered by the same head."""
    library = TaskLibrary()
    heads: dict[str, list[str]] = {}
    for file in files:
        heads.setdefault(library[file.task].share_head or file.task, []).append(file.task)
    found = []
    for head, tasks in heads.items():
        others = [task for task in tasks if task != head]
        if head in tasks and others:
            found.append(f"{head} (whose head also answers {' and '.join(others)})")
        else:
            found += tasks
    return found


def _rows(file: BoardFile, run: LoadedRun) -> datasets.Dataset:
    """The board's rows as the run's own task reads them, with their ids."""
    task = run.task(file.task)
    return _checked_rows(file, task.definition, task.columns, run.config.data)


def _checked_rows(
    file: BoardFile, definition: TaskDefinition, columns: Sequence[str], config: DataConfig
) -> datasets.Dataset:
    rows = load_split(file.task, definition, _SPLIT, list(dict.fromkeys([*columns, IDS])), config)
    file.check_ids(rows[IDS][:])
    return rows


def _filled(file: BoardFile, config: DataConfig) -> Answers:
    """The answers of a file without a model. Ids that count the rows need no data."""
    if file.id_parts:
        columns = [file.form.column] if isinstance(file.form, ChoiceText) else []
        rows = _checked_rows(file, TaskLibrary()[file.task], columns, config).to_list()
    else:
        rows = [{IDS: number} for number in range(file.rows)]
    return Answers(file, [row[IDS] for row in rows], list(map(file.form.filler, rows)), is_filled=True)


def _predicted(file: BoardFile, run: LoadedRun, rows: datasets.Dataset) -> Answers:
    columns = run.task(file.task).columns
    inputs = rows.select_columns(list(dict.fromkeys(columns)))
    found: list[Mapping[str, Any]] = []
    log_notice(f"{file.name}: answering {counted(len(inputs), 'row')}")  # A test split may take minutes.
    for start in range(0, len(inputs), _TOGETHER):
        found += run.predict(file.task, inputs.select(range(start, min(start + _TOGETHER, len(inputs)))))
    for row, prediction in enumerate(found, 1):
        if prediction["prediction"] is None:
            message = f"row {row:,} lacks a text, so it gets no prediction, and the board needs one"
            raise DataError(message, file=f"task {file.task}, split {_SPLIT}", hint="Say 'missing: empty' in the task")
    return Answers(file, rows[IDS][:], list(map(file.form.answer, found)))


def write_submission(answers: Iterable[Answers], output: Path) -> None:
    """Write the zip. Equal answers make equal bytes.

    Args:
        answers: of all files of a board, in its order.
        output: the zip. It appears only when it is complete.

    Raises:
        StorageError: it cannot be written.
    """
    with replacing(output) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in answers:
            entry = zipfile.ZipInfo(each.file.name, _DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, each.text.encode("utf-8"), zipfile.ZIP_DEFLATED)
