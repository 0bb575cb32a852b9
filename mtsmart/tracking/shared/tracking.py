"""The callback that hands the figures of training to the trackers of an experiment."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from mtsmart.config.loader import Experiment
from mtsmart.config.sections import RunConfig
from mtsmart.config.trackers import TRACKERS
from mtsmart.log import log_notice
from mtsmart.registry import form_of, is_own
from mtsmart.runs.changes import flatten
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.journal import read_metrics
from mtsmart.tracking.shared.apart import apart_from_training, reason_without_secrets
from mtsmart.tracking.shared.base import Again, Opening, Tracker
from mtsmart.tracking.shared.curves import Position, figures_of, results_of
from mtsmart.tracking.shared.state import Known, read_state, write_state
from mtsmart.training.callbacks import Callback, Evaluated, Logged, Started


def check_trackers(experiment: Experiment) -> None:
    """Refuse a tracker that is not installed, before anything else is done.

    Raises:
        ConfigError: names the tracker and what to install.
    """
    for name in experiment.config.tracking.parts:
        entry = TRACKERS[name]
        if not _is_installed(entry.package):
            wanted = f"'mtsmart[{entry.extra}]'" if is_own(entry) else entry.package.partition(".")[0]
            message = f"needs the package {entry.package}, which is not installed"
            raise experiment.document.error(message, ("tracking", name), hint=f"pip install {wanted}")


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # of a module in a package that is not there, or that is no package
        return False


class _Tracked:
    """An open tracker, and the last line that it has taken."""

    def __init__(self, tracker: Tracker[Any], logged: Position) -> None:
        self.tracker = tracker
        self.logged = logged

    def take(self, record: Mapping[str, Any]) -> None:
        """Hand over a line, unless the tracker has it."""
        position = Position.of(record)
        if position > self.logged:
            self.tracker.log(figures_of(record), position.update)
            self.logged = position


class Tracking(Callback):
    """Hands each line of metrics.jsonl to the trackers, and the results at the end.

    A resumed run goes on with the same runs of the trackers. They first get the lines that they lack, and never a line
    twice that they would double. A tracker that fails is told of once; training and the other trackers go on.

    Args:
        config: the experiment's configuration.
    """

    def __init__(self, config: RunConfig) -> None:
        self._settings = config.tracking.parts
        self._open: dict[str, _Tracked] = {}
        self._known: dict[str, Known] = {}
        self._completed = False

    @property
    def is_used(self) -> bool:
        """Whether the configuration names a tracker."""
        return bool(self._settings)

    def write_into(self, folder: RunFolder, config: RunConfig, text: str) -> None:
        """Take the run's folder, and its configuration with all tasks: as settings and as YAML; before training."""
        self._folder = folder
        self._config = config
        self._text = text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._each(lambda tracked: tracked.tracker.close(self._completed))
        self._open = {}

    def on_start(self, event: Started) -> None:
        """Open the trackers, and hand them the lines of before that they lack."""
        if not self._settings:
            return
        try:
            self._folder.claim(self._folder.tracking)
            self._folder.tracking.mkdir(exist_ok=True)
            self._known = read_state(self._state_file)
        except Exception as error:
            log_notice(f"no tracker is used: {reason_without_secrets(error)}")
            return
        for name in self._settings:
            self._guarded(name, lambda name=name: self._begin(name, event.done))  # type: ignore[misc]
        self._remember()

    def on_log(self, event: Logged) -> None:
        """Hand over figures of training."""
        self._take(event.to_json())

    def on_evaluation(self, event: Evaluated) -> None:
        """Hand over scores."""
        self._take(event.to_json())

    def finish(self, results: Mapping[str, Any], pictures: Mapping[str, Path] | None = None) -> None:
        """Hand over how the run ended.

        Args:
            results: what results.json holds.
            pictures: title -> a PNG file.
        """
        self._completed = True
        found = results_of(results)
        last = results["last"]["update"] if results["last"] else 0
        if found:
            self._each(lambda tracked: tracked.tracker.conclude(found, results["best"]["update"]))
        for title, picture in (pictures or {}).items():
            self._each(lambda tracked, title=title, picture=picture: tracked.tracker.show(title, picture, last))  # type: ignore[misc]

    @property
    def _state_file(self) -> Path:
        return self._folder.tracking / "state.json"

    def _begin(self, name: str, done: int) -> None:
        """Open one tracker after so many updates."""
        kind = cast(type[Tracker[Any]], TRACKERS[name])
        known = self._known.get(name)
        logged = Position() if known is None else known.logged
        if kind.again is Again.REPLACES:  # It may have taken its last line in part.
            logged = Position(max(0, min(logged.update - 1, done)))
        folder = self._folder.tracking / name
        folder.mkdir(exist_ok=True)
        run_id = None if known is None else known.run_id
        opening = Opening(folder, self._folder.path.resolve().name, run_id, logged.update)
        tracked = _Tracked(kind(self._settings[name], opening), logged)
        self._open[name] = tracked
        if known is None:
            tracked.tracker.describe(flatten(self._config.model_dump(exclude_none=True)), self._text)
        for line in read_metrics(self._folder.metrics_file):
            tracked.take(line.model_dump())

    def _take(self, record: Mapping[str, Any]) -> None:
        if self._open:
            self._each(lambda tracked: tracked.take(record))
            self._remember()

    def _remember(self) -> None:
        for name in list(self._open):
            self._guarded(name, lambda name=name: self._know(name))  # type: ignore[misc]
        try:
            write_state(self._state_file, self._known)
        except OSError as error:
            for name in list(self._open):
                self._give_up(name, error)

    def _know(self, name: str) -> None:
        tracked = self._open[name]
        run_id: object = tracked.tracker.run_id
        if not isinstance(run_id, str):
            raise TypeError(f"its run_id is {form_of(run_id)}, and must be a text")
        self._known[name] = Known(run_id, tracked.logged)

    def _each(self, action: Callable[[_Tracked], None]) -> None:
        for name, tracked in list(self._open.items()):
            self._guarded(name, lambda tracked=tracked: action(tracked))  # type: ignore[misc]

    def _guarded(self, name: str, action: Callable[[], None]) -> None:
        """Do something with a tracker. Nothing that happens there may stop or change training."""
        try:
            with apart_from_training():
                action()
        except (Exception, SystemExit) as error:
            self._give_up(name, error)

    def _give_up(self, name: str, error: BaseException) -> None:
        self._open.pop(name, None)
        log_notice(
            f"{name} failed and is not used any more: {reason_without_secrets(error)}. Training goes on, metrics.jsonl "
            "has all figures, and a resumed run hands over what is missing"
        )
