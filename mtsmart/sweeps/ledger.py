"""runs.jsonl of a sweep: a line for each finished run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from mtsmart.durable import append_line, read_bytes, reason_of, writing
from mtsmart.errors import DataError, StorageError

_MAX_BYTES = 64_000_000  # some hundred thousand runs


class FinishedRun(BaseModel):
    """A line.

    Attributes:
        run: what people call it.
        config: hash of everything that decides the result, but for the seed.
        seed: training.seed.
        tasks: task -> metric -> value at the last evaluation, the main metric first.
        updates: how many there were.
        seconds: that training took, evaluations and resume points included.
        seconds_per_update: without these, of the processor's time on a CPU; None if it was not measured.
        figures: what the regularisers measured at the last line of metrics.jsonl.
        rows: task -> split -> how many rows, and the beginning of their hash.
        versions: library -> version.
        machine, device: the name of the processor or GPU, and torch's device.
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

    @property
    def folder_name(self) -> str:
        """Names the run's folder."""
        return folder_name(self.config, self.seed)

    def main(self, task: str) -> tuple[str, float]:
        """A task's main metric and its value."""
        return next(iter(self.tasks[task].items()))


def folder_name(config: str, seed: int) -> str:
    """Names the folder of the run of a configuration (its hash) and a seed."""
    return f"{config[:16]}-{seed}"


class Ledger:
    """The finished runs of a folder.

    Args:
        file: runs.jsonl; it need not exist.

    Raises:
        DataError: it cannot be read, or a line is not one that a sweep wrote.
        StorageError: the file is a link, through which nothing is written.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._runs: dict[tuple[str, int], FinishedRun] = {}
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
        # A killed process leaves at most its last line unfinished, and that run is trained again; an editor may have
        # left out the last newline alone.
        self._cut_at: int | None = None
        self._lacks_newline = bool(last)
        if last:
            try:
                self._keep(_parse(file, len(lines) + 1, last))
            except DataError:
                self._cut_at, self._lacks_newline = len(content) - len(last), False

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key in self._runs

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[FinishedRun]:
        return iter(self._runs.values())

    def __getitem__(self, key: tuple[str, int]) -> FinishedRun:
        return self._runs[key]

    def add(self, run: FinishedRun) -> None:
        """Note a finished run.

        Raises:
            StorageError: it cannot be written.
        """
        if self._cut_at is not None:
            with writing(self.file):
                os.truncate(self.file, self._cut_at)
            self._cut_at = None
        if self._lacks_newline:
            append_line(self.file, "")
            self._lacks_newline = False
        append_line(self.file, run.model_dump_json())
        self._keep(run)

    def _keep(self, run: FinishedRun) -> None:
        self._runs[run.config, run.seed] = run


def _parse(file: Path, number: int, line: bytes) -> FinishedRun:
    try:
        run = FinishedRun.model_validate_json(line)
        if not all(run.tasks.values()):
            raise DataError("has a task without a score", file=file, line=number, key="tasks")
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, problem["loc"])) or None
        message = f"is not what a sweep wrote: {problem['msg']}"
        hint = "Delete the line to train that run again"
        raise DataError(message, file=file, line=number, key=key, hint=hint) from None
    return run
