"""The file runs.jsonl of a sweep. It has one line for each finished run, and one for each trial that ended early."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from mtsmart.config.strict import first_problem
from mtsmart.errors import DataError, StorageError
from mtsmart.storage.durable import append_line, open_to_append, read_bytes
from mtsmart.storage.failures import reason_of, writing

LEDGER = "runs.jsonl"
"""The file's name in the folder of a sweep."""
STARTS = "starts"
"""The folder, beside it, of the runs from which other runs start."""
UNFINISHED = "unfinished"
"""The folder, beside it, of the runs that are being trained."""

_MAX_BYTES = 64_000_000  # enough for about a hundred thousand runs


class TrialRecord(BaseModel):
    """What a line says of a trial of a search.

    Attributes:
        study: the hash of what all trials of the search have in common.
        number: from 1.
        values: setting -> the value that it had.
        curve: the score that is to rise at each evaluation; None where it was no number.
        is_pruned: whether the trial ended early.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    study: str
    number: int
    values: dict[str, str | int | float | bool | None]
    curve: list[float | None]
    is_pruned: bool


class FinishedRun(BaseModel):
    """One line: a finished run.

    Attributes:
        run: the readable name of the run.
        config: the hash of everything except the seed that determines the result.
        seed: training.seed.
        tasks: task -> metric -> value at the last evaluation. The main metric is the first one.
        updates: the number of updates.
        seconds: the duration of training, with evaluations and resume points.
        seconds_per_update: the duration of an update, without evaluations and resume points. On a CPU it is processor
            time. None if it was not measured.
        figures: the regularisers' figures in the last line of metrics.jsonl.
        rows: task -> split -> the number of rows and the beginning of their hash.
        versions: library -> version.
        machine: the name of the processor or GPU.
        device: torch's name of the device.
        answers: task -> the predicted label of each validation row, as numbers, for a grid with ``keep_answers``; left
            out of the line otherwise.
        precision: what was chosen for a run that leaves ``training.precision`` to mtsmart; None, and left out of the
            line, for a run that names it.
        trial: what a search tried; None, and left out of the line, for a run of a grid.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    run: str
    config: str
    seed: int
    tasks: dict[str, dict[str, float]]
    updates: int
    seconds: float
    seconds_per_update: float | None
    figures: dict[str, float]
    rows: dict[str, dict[str, str]]
    versions: dict[str, str]
    machine: str
    device: str
    answers: dict[str, list[int]] | None = None
    precision: str | None = None
    trial: TrialRecord | None = None

    @property
    def folder_name(self) -> str:
        """The name of the run's folder."""
        return folder_name(self.config, self.seed)

    def main(self, task: str) -> tuple[str, float]:
        """The main metric of a task and its value."""
        return next(iter(self.tasks[task].items()))


def folder_name(config: str, seed: int) -> str:
    """The name of a run's folder, from the hash of its configuration and its seed."""
    return f"{config[:16]}-{seed}"


class Ledger:
    """The finished runs of a sweep's folder.

    A trial that ended early is no finished run: only its search knows it.

    Args:
        file: the path of runs.jsonl. The file need not exist.

    Raises:
        DataError: the file cannot be read, or contains a line that no sweep wrote.
        StorageError: the file is a link. A sweep writes only into its own folder.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._runs: dict[tuple[str, int], FinishedRun] = {}
        self._pruned: dict[tuple[str, int], FinishedRun] = {}
        self._trials: dict[str, dict[int, FinishedRun]] = {}
        if file.is_symlink():
            raise StorageError("is a link; a sweep writes into its own folder", file=file)
        try:
            content = read_bytes(file, _MAX_BYTES)
        except FileNotFoundError:
            content = b""
        except (OSError, ValueError) as error:
            raise DataError(f"cannot be read: {reason_of(error)}", file=file) from None
        *lines, last = content.split(b"\n")
        for number, line in enumerate(lines, 1):
            if line.strip():
                self._keep(_parse(file, number, line))
        # A killed process can leave its last line incomplete. The line is then removed and its run is trained again.
        # If an editor removed only the last newline, the line is complete and stays.
        self._cut_at: int | None = None
        self._lacks_newline = bool(last)
        if last:
            try:
                self._keep(_parse(file, len(lines) + 1, last))
            except DataError:
                self._cut_at = len(content) - len(last)
                self._lacks_newline = False

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key in self._runs

    def __len__(self) -> int:
        """The number of runs that have ended, early or not."""
        return len({*self._runs, *self._pruned})

    def __iter__(self) -> Iterator[FinishedRun]:
        """All runs that have ended, early or not."""
        yield from self._runs.values()
        yield from self._pruned.values()

    def __getitem__(self, key: tuple[str, int]) -> FinishedRun:
        return self._runs[key]

    def trials(self, study: str) -> Mapping[int, FinishedRun]:
        """Number -> the line of each trial of a search. Several trials may have the same configuration."""
        return self._trials.get(study, {})

    def add(self, run: FinishedRun) -> None:
        """Add the line of a finished run.

        Raises:
            StorageError: the line cannot be written.
        """
        if self._cut_at is not None:
            with writing(self.file), open_to_append(self.file) as stream:
                stream.truncate(self._cut_at)
            self._cut_at = None
        if self._lacks_newline:
            append_line(self.file, "")
            self._lacks_newline = False
        left_out = {name for name in ("answers", "precision", "trial") if getattr(run, name) is None}
        append_line(self.file, run.model_dump_json(exclude=left_out))
        self._keep(run)

    def _keep(self, run: FinishedRun) -> None:
        is_pruned = run.trial is not None and run.trial.is_pruned
        known = self._pruned if is_pruned else self._runs
        # A search that takes over a run copies its line, but not the time that the training took.
        if run.seconds or (run.config, run.seed) not in known:
            known[run.config, run.seed] = run
        if run.trial is not None:
            self._trials.setdefault(run.trial.study, {})[run.trial.number] = run


def _parse(file: Path, number: int, line: bytes) -> FinishedRun:
    try:
        run = FinishedRun.model_validate_json(line)
        if not all(run.tasks.values()):
            raise DataError("has a task without a score", file=file, line=number, key="tasks")
    except ValidationError as error:
        key, problem = first_problem(error)
        message = f"is not what a sweep wrote: {problem}"
        hint = "Delete the line to train that run again"
        raise DataError(message, file=file, line=number, key=key, hint=hint) from None
    return run
