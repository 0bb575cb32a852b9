"""Turns a file with a ``search`` into trials, and keeps what has become of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mtsmart.config.document import COMMAND_LINE, Document, Key
from mtsmart.config.loader import Experiment, build_experiment, key_of, lay_over
from mtsmart.config.sweeps.search import SearchConfig, Value
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.sweeps.ledger import FinishedRun, Ledger, TrialRecord
from mtsmart.sweeps.plan import Job, definitions_of
from mtsmart.sweeps.search.study import Trial, Tried, propose
from mtsmart.sweeps.work.fingerprint import fingerprint
from mtsmart.tasks import TaskDefinition

_FIXED = ("name", "description", "grid", "folds", "search", "tasks", "task_files", "tracking")
"""Keys whose values are the same in all trials."""


_WAY = {"sampler": "tpe", "pruner": "median", "seed": 0}
"""Settings of a search that determine which values its trials have and when they end, and what ledgers from before
these settings counted stand for. Other defaults would not change it."""


@dataclass(frozen=True)
class SearchPlan:
    """A search.

    Attributes:
        name: the sweep's name.
        search: its settings.
        base: the experiment that each trial changes, without the search.
        overrides: ``key=value`` items for all trials.
        study: the hash of everything that all trials have in common. Scores of trials with another one mean nothing
            here.
    """

    name: str
    search: SearchConfig
    base: Document
    overrides: tuple[str, ...]
    study: str = ""

    def experiment(self, values: Mapping[str, Value]) -> Experiment:
        """The experiment of a trial.

        Raises:
            ConfigError: a value does not fit; the error names its place in the file.
        """
        document = build_experiment(self.base, self.overrides).document
        for name, value in values.items():
            origin = self.base.origin(("search", "space", name))
            document = lay_over(document, Document.of(name.split("."), value, origin))
        return build_experiment(document)

    def job(self, number: int, values: dict[str, Value], earlier: Iterable[Tried]) -> Job:
        """The run of a trial."""
        experiment = self.experiment(values)
        tasks = definitions_of(experiment, None)
        trial = Trial(self.search, self.study, number, values, tuple(earlier))
        seed = experiment.config.training.seed
        label = f"trial {number}"
        return Job(label, fingerprint(experiment, tasks), seed, experiment, tuple(tasks), trial=trial)

    def lines(self, ledger: Ledger) -> dict[int, FinishedRun]:
        """Number -> the line of each trial of this search that has ended, in the order of the numbers."""
        found = ledger.trials(self.study)
        return {number: found[number] for number in sorted(found) if number <= self.search.trials}

    def tried(self, run: FinishedRun) -> Tried:
        """What the search learns from a line."""
        assert run.trial is not None
        record = run.trial
        return Tried(record.number, record.values, self.score(run), tuple(record.curve), record.is_pruned)

    def score(self, run: FinishedRun) -> float:
        """What is to rise, at the last evaluation."""
        if self.search.task is not None:
            return run.main(self.search.task)[1]
        values = [run.main(task)[1] for task in run.tasks]
        return sum(values) / len(values)


def make_search(experiment: Experiment, overrides: Iterable[str]) -> SearchPlan:
    """The search of a file.

    Args:
        experiment: the file.
        overrides: ``key=value`` items, which apply to every trial. Those of the search are already in ``experiment``.

    Raises:
        ConfigError: the search does not go with the rest of the file, or a setting of it does not exist or fit.
    """
    config, document = experiment.config, experiment.document
    search = config.search
    assert search is not None
    for key in ("grid", "folds"):
        if getattr(config, key) is not None:
            # The mistake is in what the command line has added to the file.
            wrong, other = (key, "search") if document.origin((key,)) == COMMAND_LINE else ("search", key)
            raise document.error(f"does not go with '{other}'", (wrong,), hint="Leave one of the two out")
    own = tuple(item for item in overrides if key_of(item).split(".")[0] != "search")
    data = {key: value for key, value in document.data.items() if key != "search"}
    plan = SearchPlan(config.name, search, Document(data, document.origins), own)
    _check_settings(plan, document)
    first = plan.experiment({name: values.ends[0] for name, values in search.space.items()})
    tasks = definitions_of(first, None)
    if search.task is not None and search.task not in tasks:
        hint = did_you_mean(search.task, tasks)
        raise document.error("is none of the tasks", ("search", "task"), value=search.task, hint=hint)
    return replace(plan, study=_study_of(first, tasks, search))


def _study_of(first: Experiment, tasks: Mapping[str, TaskDefinition], search: SearchConfig) -> str:
    """The hash of what all trials of a search have in common."""
    space = {name: values.model_dump() for name, values in search.space.items()}
    common: list[Any] = [fingerprint(first, tasks), first.config.training.seed, space, search.task]
    if way := {name: value for name, usual in _WAY.items() if (value := getattr(search, name)) != usual}:
        common.append(way)
    return hashlib.sha256(json.dumps(common, sort_keys=True).encode()).hexdigest()


def _check_settings(plan: SearchPlan, document: Document) -> None:
    """Refuse a setting that does not exist, and a value that it cannot have, before any trial is trained."""
    given = {key_of(item) for item in plan.overrides}
    space = plan.search.space
    first = {name: values.ends[0] for name, values in space.items()}
    for name, values in space.items():
        path: Key = ("search", "space", name)
        if name.split(".")[0] in _FIXED and not name.startswith("tasks."):
            raise document.error("is the same in all trials, so it cannot be searched", path)
        if name == "training.seed":
            raise document.error("is no setting to choose by its score", path, hint="folds or grid.seeds compare seeds")
        if not all(name.split(".")):
            raise document.error("is no setting", path, hint="Write it as optimizer.learning_rate")
        if name in given:
            raise ConfigError("is searched, so it cannot be set too", file=COMMAND_LINE.file, key=name)
        for value in values.ends:
            definitions_of(plan.experiment({**first, name: value}), None)


class SearchQueue:
    """The trials that are left to train.

    A trial learns from all trials but the ``size - 1`` before it, which may run at the same time. So its settings
    depend on no run's duration, and a search that was killed continues as if it had not been.

    Args:
        plan: the search.
        ledger: the trials that have ended.
    """

    starts: Collection[Any] = ()
    folders: Collection[str] | None = None

    def __init__(self, plan: SearchPlan, ledger: Ledger) -> None:
        self.plan = plan
        self.ledger = ledger
        self.ended = {number: plan.tried(run) for number, run in plan.lines(ledger).items()}
        self.failed: set[int] = set()
        self.begun: set[int] = set()

    def __len__(self) -> int:
        return self.plan.search.trials - len({*self.ended, *self.failed, *self.begun})

    def to_train(self) -> str:
        """How many trials may be trained. Those with settings that were trained before take over the scores."""
        return f"at most {len(self)}"

    def next(self, working: Collection[Any], size: int) -> Job | None:
        """The next trial; None if there is none, or if it waits for one that is running.

        Args:
            working: the keys of the running jobs.
            size: how many run at a time.
        """
        for number in range(1, self.plan.search.trials + 1):
            if number in self.ended or number in self.failed or number in self.begun:
                continue
            window = range(1, number - size + 1)
            if any(other in self.begun for other in window):
                return None
            job = self._job(number, size)
            if job.key in working:
                return None
            if (known := self._known(job)) is not None:
                self._take_over(job, known)
                continue
            self.begun.add(number)
            return job
        return None

    def _job(self, number: int, size: int) -> Job:
        """The run of a trial, which learns from all trials but the ``size - 1`` before it."""
        earlier = [self.ended[other] for other in range(1, number - size + 1) if other in self.ended]
        return self.plan.job(number, propose(self.plan.search, number, earlier), earlier)

    def done(self, job: Job, run: FinishedRun | None) -> None:
        """Note that a trial has ended; None: it has failed, and the same settings are tried again at the next start."""
        assert job.trial is not None
        self.begun.discard(job.trial.number)
        if run is None:
            self.failed.add(job.trial.number)
        else:
            self.ended[job.trial.number] = self.plan.tried(run)

    def _known(self, job: Job) -> FinishedRun | None:
        """An earlier run with the same settings, of this search if there is one; it need not be trained again."""
        trials = self.ledger.trials(self.plan.study).values()
        own = [run for run in trials if (run.config, run.seed) == job.key]
        others = [self.ledger[job.key]] if job.key in self.ledger else []
        return next(iter([*own, *others]), None)

    def _take_over(self, job: Job, earlier: FinishedRun) -> None:
        """Note what an earlier run with the same settings has reached."""
        assert job.trial is not None
        record = record_of(job.trial, [], is_pruned=False)
        # The curve of another search may be that of another score.
        if earlier.trial is not None and earlier.trial.study == self.plan.study:
            record = record_of(job.trial, earlier.trial.curve, earlier.trial.is_pruned)
        run = earlier.model_copy(update={"run": job.label, "seconds": 0.0, "trial": record})
        self.ledger.add(run)
        self.ended[job.trial.number] = self.plan.tried(run)


def record_of(trial: Trial, curve: Iterable[float | None], is_pruned: bool) -> TrialRecord:
    """What the ledger keeps of a trial."""
    return TrialRecord(
        study=trial.study, number=trial.number, values=trial.values, curve=list(curve), is_pruned=is_pruned
    )
