"""A run from its experiment to its finished folder: training, tracking, card and report."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtsmart.config.loader import Experiment, dump_config
from mtsmart.errors import ConfigError
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.processes import join_processes
from mtsmart.reporting.card import write_card
from mtsmart.reporting.progress.lines import ProgressLog
from mtsmart.reporting.report.writing import report_at_end, reports_at_end
from mtsmart.reporting.verdicts import tell_verdicts
from mtsmart.runs.changes import Described, describe_rows
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.runs.claim import RunPlace
from mtsmart.runs.folder import RunFolder, resolved_config
from mtsmart.runs.results import Results
from mtsmart.runs.resume_policy import check_allowed, find_resume_point
from mtsmart.text.html import html_scores
from mtsmart.text.scores import score_text
from mtsmart.tracking.shared.tracking import Tracking, check_trackers
from mtsmart.training.callbacks import Apart, Callback, Callbacks, Reporting
from mtsmart.training.precision import MACHINE, Hardware
from mtsmart.training.resume import check_trained_labels
from mtsmart.training.setup import Setup, prepare
from mtsmart.training.trainer import Trainer

_TRAINING: dict[int, object] = {}  # A process that trains -> a mark of that training. A fork is another process.


@contextmanager
def only_training() -> Iterator[None]:
    """A context, and a decorator, for the one training of this process: all would draw from torch's one generator.

    Raises:
        ConfigError: this process, in this thread or another one, trains already.
    """
    process = os.getpid()
    mark = object()
    if _TRAINING.setdefault(process, mark) is not mark:
        hint = "Wait for its end, or train in other processes, for example with: mtsmart sweep"
        raise ConfigError("a training runs already in this process, and two would disturb each other", hint=hint)
    try:
        yield
    finally:
        del _TRAINING[process]


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        path: its folder, as an absolute path, so that it stays right when the program changes its working directory.
        results: what results.json holds: score, tasks, baselines, best, last.
        shown: its folder as it was named, for messages.
    """

    path: Path
    results: dict[str, Any]
    shown: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shown", str(self.path))
        object.__setattr__(self, "path", Path(self.path).absolute())

    def __repr__(self) -> str:
        scores = {name: dict(metrics) for name, metrics in self.results.get("tasks", {}).items()}
        return f"Run({self.shown!r}, score={self.results.get('score')}, tasks={scores})"

    def _repr_html_(self) -> str:
        """The scores beside those of constant predictions, for notebooks."""
        title = f"Run {self.shown}: score {score_text(self.results.get('score'))}"
        return html_scores(title, self.results.get("tasks", {}), self.results.get("baselines", {}))

    def load(self) -> LoadedRun:
        """The best model, ready to evaluate and predict."""
        return LoadedRun(self.path)


def train_experiment(
    experiment: Experiment,
    output_dir: str | Path | None,
    resume: bool = False,
    allow_changes: Iterable[str] = (),
    callback: Callback | None = None,
    report: bool = True,
    hardware: Hardware = MACHINE,
) -> Run:
    """Train an experiment that has been read; otherwise like :func:`train`.

    Without ``report`` it gets no report. ``hardware`` is asked where ``training.precision`` is ``auto``.
    """
    processes = join_processes()
    allowed = processes.together(lambda: check_allowed(allow_changes, resume))
    processes.together(lambda: check_trackers(experiment))
    with RunPlace(experiment.config.name, output_dir, resume) as place, Tracking(experiment.config) as tracking:
        folder = processes.on_main(place.choose)
        setup = processes.together(lambda: prepare(experiment, processes, _begun(folder, resume), hardware))
        config = resolved_config(setup.config, setup.definitions)
        text = processes.together(lambda: dump_config(config))
        watchers = [ProgressLog(), tracking] if callback is None else [ProgressLog(), tracking, Apart(callback)]
        trainer = Trainer(setup, folder, Callbacks(*watchers), processes)
        folder, point = processes.on_main(lambda: _open_folder(place, setup, allowed, text, trainer.notify, resume))
        trainer.write_into(folder)
        tracking.write_into(folder, config, text)
        # A resume point that does not load must leave the run's configuration as it is.
        results = trainer.train(point, resumed=lambda: folder.store(text))
        tell_verdicts(setup, results)
        with tempfile.TemporaryDirectory(prefix="mtsmart-") as figures:
            wanted = Path(figures) if tracking.is_used else None
            pictures = processes.on_main(lambda: _write_pages(folder, results, trainer, report, wanted))
            tracking.finish(results.to_json(), pictures)
    return Run(folder.path, results.to_json())


def _begun(folder: RunFolder, resume: bool) -> Described | None:
    """The run that is resumed; None for a new run."""
    return Described(folder.config(), folder.definitions()) if resume and folder.exists else None


def _write_pages(
    folder: RunFolder, results: Results, trainer: Trainer, report: bool, figures: Path | None
) -> dict[str, Path]:
    """Write the card, and the report if both the caller and the settings want it.

    Args:
        folder: the run's folder.
        results: how it ended.
        trainer: what trained it.
        report: whether the caller wants a report.
        figures: a folder for the report's pictures; None: no such files.

    Returns:
        title -> PNG file of each picture.
    """
    # A resumed run that was finished before keeps its configuration.
    write_card(folder, folder.config(), folder.definitions(), results.to_json(), trainer.setup.precision)
    if not report or not trainer.config.report or not reports_at_end():
        return {}
    trainer.callback.receive(Reporting(folder.report_file))
    return report_at_end(folder, trainer.device, figures)


def _open_folder(
    place: RunPlace,
    setup: Setup,
    allowed: Collection[str],
    text: str,
    notify: Callable[[str], None],
    resume: bool,
) -> tuple[RunFolder, Path | None]:
    """Take the run's folder.

    Args:
        place: where it is.
        setup: the parts of the run.
        allowed: the keys that may differ from those of an interrupted run.
        text: the configuration, which a new run stores.
        notify: called with a text about each damaged resume point, and if there is none.
        resume: whether the user wants to go on with a run.

    Returns:
        the folder, and the resume point from which the run continues; None: it begins.
    """
    claimed = place.claim()
    point = None
    if claimed.exists:
        if list_checkpoints(claimed.checkpoints):
            check_trained_labels(claimed.path, claimed.definitions(), setup.task_types)
        rows = describe_rows(setup.train, setup.validation)
        present = Described(setup.config, setup.definitions)
        point = find_resume_point(claimed, present, rows, allowed, notify, setup.model.encoder.max_positions)
        if point is None:
            notify(f"{claimed.path} has no resume point yet, so training starts at its beginning")
    elif resume:
        notify(f"{claimed.path} holds no run, so nothing is resumed, and a new run starts")
    claimed.open()
    if point is None:
        claimed.store(text)
    return claimed, point
