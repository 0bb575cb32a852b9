"""What the files of a run say about it, without its model and its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from mtsmart.config.sections import RunConfig
from mtsmart.errors import CheckpointError
from mtsmart.preparation.chosen_heads import without_chosen_factor, without_chosen_head
from mtsmart.runs.changes import Described, flatten
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import refuse_address
from mtsmart.runs.journal import Curves, TimingLine, read_curves, read_timing
from mtsmart.runs.lock import is_being_written
from mtsmart.runs.results import Results
from mtsmart.storage.owned import Kind, OwnedFolder
from mtsmart.tasks.definition import TaskDefinition


class State(StrEnum):
    """How far a run has come."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Cost:
    """What training has cost, over all times that it ran.

    Attributes:
        seconds: its duration, with evaluations and resume points.
        peak_memory: in bytes; None if it is not known.
        device: where it ran last, as torch names it; empty if it is not known.
        versions: library -> version.
    """

    seconds: float
    peak_memory: int | None
    device: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Attributes:
        folder: where it lies.
        config: its configuration.
        definitions: task -> its definition.
        results: its scores; without any before the first evaluation.
        curves: what it logged.
        cost: what it cost so far.
        updates: how many updates it has done.
        state: how far it has come.
        date: when it ended, or when it last wrote its configuration or results.
        missing: which package it needs that is not installed; None if there is none.
    """

    folder: RunFolder
    config: RunConfig
    definitions: Mapping[str, TaskDefinition]
    results: Results
    curves: Curves
    cost: Cost
    updates: int
    state: State
    date: datetime
    missing: str | None = None

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.path.resolve().name

    @property
    def has_one_evaluation(self) -> bool:
        """Whether its scores are single points and no curves."""
        return len(self.curves.score) == 1

    @property
    def as_set(self) -> dict[str, TaskDefinition]:
        """Task -> its definition without the head that was chosen, and the factor that follows from it and the rate."""
        rate = self.config.optimizer.learning_rate
        found = {name: without_chosen_factor(name, each, rate) for name, each in self.definitions.items()}
        automatic = [name for name in self.results.automatic_heads if name in found]
        return found | {name: without_chosen_head(found[name]) for name in automatic}

    def settings(self) -> dict[str, object]:
        """All settings with dotted keys, defaults included."""
        return {"name": self.config.name, **flatten(Described(self.config, self.as_set).settings())}


def read_record(path: Path) -> RunRecord:
    """Read a run's files.

    Raises:
        ConfigError: it is an address on the Hub.
        MissingPackageError: its configuration cannot be read without a package that is not installed.
        MtsmartError: the folder is none of a run, or a file of it is damaged.
    """
    refuse_address(path, "runs")
    folder = RunFolder(path)
    owned = OwnedFolder.read(path)
    if owned is not None and owned.kind is not Kind.RUN:
        raise CheckpointError(f"is the folder of {owned.kind.with_article}, not of a run", file=path)
    config = folder.config()
    definitions = folder.definitions()
    curves = read_curves(folder.metrics_file)
    timing = read_timing(folder.timing_file)
    results = folder.results_so_far()
    return RunRecord(
        folder,
        config,
        definitions,
        results,
        curves,
        _cost(timing),
        _updates(curves, timing, results),
        _state(folder, timing),
        _date(folder, timing),
        next((each.describe_missing() for each in results.extensions if each.is_missing), None),
    )


def _cost(timing: list[TimingLine]) -> Cost:
    peaks = [line.peak_memory for line in timing if line.peak_memory is not None]
    last = timing[-1] if timing else None
    return Cost(
        sum(line.seconds for line in timing),
        max(peaks, default=None),
        "" if last is None else last.device,
        {} if last is None else last.versions,
    )


def _updates(curves: Curves, timing: list[TimingLine], results: Results) -> int:
    logged = [points[-1][0] for points in curves.overall.values()]
    scored = [] if results.last is None else [results.last.update]
    return max([*logged, *scored, *(line.update for line in timing)], default=0)


def _state(folder: RunFolder, timing: list[TimingLine]) -> State:
    if is_being_written(folder.path):
        return State.RUNNING
    last = timing[-1].finished if timing else False
    # Runs of earlier versions do not say it. They wrote their card at the end.
    is_finished = folder.card_file.exists() if last is None else last
    return State.FINISHED if is_finished else State.STOPPED


def _date(folder: RunFolder, timing: list[TimingLine]) -> datetime:
    if timing and timing[-1].ended is not None:
        try:
            return datetime.fromisoformat(timing[-1].ended).astimezone()
        except ValueError:
            message = "is not what a run wrote: it is no time"
            raise CheckpointError(message, file=folder.timing_file, key="ended", value=timing[-1].ended) from None
    files = [file for file in (folder.results_file, folder.config_file) if file.is_file()]
    return datetime.fromtimestamp(max(file.stat().st_mtime for file in files)).astimezone()
