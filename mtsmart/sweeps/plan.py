"""Turns a file with a ``grid`` or ``folds`` into the runs of a sweep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from mtsmart.config.document import COMMAND_LINE, Document, Key, Origin
from mtsmart.config.hints.arms import hint_in_piece
from mtsmart.config.loader import Experiment, build_experiment, key_of, lay_over, parse_override
from mtsmart.config.sections import RunConfig
from mtsmart.config.sweeps.folds import FoldsConfig
from mtsmart.config.sweeps.grid import STARTS_TABLE, GridConfig
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import run_path
from mtsmart.sweeps.ledger import STARTS, UNFINISHED, folder_name
from mtsmart.sweeps.search.study import Trial
from mtsmart.sweeps.work.fingerprint import OF_SWEEPS, fingerprint
from mtsmart.tasks import TaskDefinition, select_tasks

_ENCODER_SOURCE = ("path", "revision", "sha256")
# The keys that a piece of a grid may have beside the keys of an experiment file.
_OWN = {"tables": ("arms", "baseline", "start", "seeds"), "arms": ("start", "seeds"), "starts": ()}
# The keys of an experiment file that would have no effect in a piece of a grid.
_IDLE = ("name", *OF_SWEEPS)


Replicate: TypeAlias = tuple[int, int | None]
"""The seed of a run, and its fold if there are any."""


@dataclass(frozen=True)
class Job:
    """One run.

    Attributes:
        label: the readable name of the run.
        config: the hash of everything except the seed that determines the result.
        seed: training.seed.
        experiment: the experiment that is trained.
        tasks: the names of its tasks, in their order.
        start: the job from whose run it starts; None if it starts from an encoder.
        fold: the part of the training rows on which it is scored, from 1; None: the validation rows.
        trial: what a search tries with it; None: it belongs to no search.
        keep_answers: whether its line in runs.jsonl has the predicted labels.
        precision: what was chosen for a run that leaves it open; None: nothing was.
    """

    label: str
    config: str
    seed: int
    experiment: Experiment
    tasks: tuple[str, ...]
    start: Job | None = None
    fold: int | None = None
    trial: Trial | None = None
    keep_answers: bool = False
    precision: str | None = None

    @property
    def replicate(self) -> Replicate:
        """Which of its arm's runs it is. Arms are compared between runs of the same seed and fold."""
        return self.seed, self.fold

    @property
    def key(self) -> tuple[str, int]:
        """The identity of the run. Arms with the same identity are trained once."""
        return self.config, self.seed

    @property
    def folder_name(self) -> str:
        """The name of the run's folder."""
        return folder_name(self.config, self.seed)


@dataclass
class Table:
    """One comparison: arms on the same data.

    Attributes:
        name: the title.
        baseline: the arm with which the others are compared; None: on each task the first arm that has it.
        arms: arm -> its jobs, one for each seed and fold.
    """

    name: str
    baseline: str | None
    arms: dict[str, list[Job]] = field(default_factory=dict)

    @property
    def tasks(self) -> list[str]:
        """The tasks of all runs of the table."""
        return list(dict.fromkeys(task for jobs in self.arms.values() for job in jobs for task in job.tasks))

    def title(self, task: str) -> str:
        """The title of the comparison on one of the table's tasks."""
        return f"{self.name}: {task}" if len(self.tasks) > 1 else self.name


@dataclass
class Plan:
    """All jobs of a sweep in the order of their training, and the tables that compare them.

    Attributes:
        name: the sweep's name.
        jobs: the runs; no run occurs twice.
        tables: the comparisons.
        conclusions: the file with the text before the tables.
        unused: messages about arms and starts that no run needs.
        folds: the number of folds; None: there are none.
        may_mix: whether runs that leave their precision open may have different ones.
    """

    name: str
    jobs: list[Job]
    tables: list[Table]
    conclusions: Path | None
    unused: list[str] = field(default_factory=list)
    folds: int | None = None
    may_mix: bool = False


def make_plan(experiment: Experiment, overrides: Iterable[str], folder: Path) -> Plan:
    """The runs of a file with a grid, with folds, or with both.

    Args:
        experiment: the file.
        overrides: ``key=value`` items, which apply to every run. Those of the grid are already in ``experiment``.
        folder: the sweep's folder. It keeps the runs from which other runs start.

    Raises:
        ConfigError: there is neither, or an arm, table or start contains a mistake.
    """
    config = experiment.config
    document = experiment.document
    if config.grid is None and config.folds is None:
        raise ConfigError(
            "has no grid, folds or search, so there is only one run",
            file=document.origin(()).file,
            hint="'mtsmart train' trains a single experiment",
        )
    grid = config.grid or GridConfig(seeds=[config.training.seed], arms={config.name: {}})
    if grid.conclusions is not None and not Path(grid.conclusions).is_file():
        raise document.error("there is no such file", ("grid", "conclusions"), value=grid.conclusions)
    overrides = list(overrides)
    for item in overrides:
        if config.grid is not None and key_of(item) == "training.seed":
            raise ConfigError("has no effect in a sweep", key="training.seed", hint="Set grid.seeds=[1, 2, 3]")
    own = [item for item in overrides if key_of(item).split(".")[0] not in OF_SWEEPS]
    return _Planner(grid, config.folds, document, own, folder).plan(config.name)


class _Planner:
    def __init__(
        self, grid: GridConfig, folds: FoldsConfig | None, document: Document, overrides: list[str], folder: Path
    ) -> None:
        self.grid = grid
        self.folds = folds
        self.numbers: list[int | None] = [None] if folds is None else [*range(1, folds.count + 1)]
        self.document = document
        self.folder = folder
        self.overrides = {item: parse_override(item).data for item in overrides}
        self.idle = set(overrides)  # the overrides that no run has used so far
        data = {key: value for key, value in document.data.items() if key not in OF_SWEEPS}
        kept = {path: place for path, place in document.origins.items() if not path or path[0] not in OF_SWEEPS}
        self.base = Document(data, kept)
        self.starts: dict[tuple[str, Replicate], Job] = {}
        self.known: dict[tuple[tuple[tuple[str, str], ...], str, int | None], tuple[str, tuple[str, ...]]] = {}

    def plan(self, name: str) -> Plan:
        self._check_pieces()
        tables = [self._table(table, changes) for table, changes in (self.grid.tables or {name: {}}).items()]
        jobs: dict[tuple[str, int], Job] = {}
        for job in (job for table in tables for job in self._in_order(table)):
            jobs.setdefault(job.key, job)  # A job that several tables share has its name from the first table.
        if self.starts:
            tables.insert(0, self._start_table())
        for item in sorted(self.idle):
            raise ConfigError("has no effect: no run has such a task", file=COMMAND_LINE.file, value=item)
        conclusions = Path(self.grid.conclusions) if self.grid.conclusions else None
        folds = None if self.folds is None else self.folds.count
        unused = list(self._unused(tables))
        return Plan(name, list(jobs.values()), tables, conclusions, unused, folds, self.grid.mixed_precision)

    def _unused(self, tables: list[Table]) -> Iterator[str]:
        used = {"arms": {arm for table in tables for arm in table.arms}, "starts": {name for name, _ in self.starts}}
        for section, names in used.items():
            if left := [name for name in getattr(self.grid, section) if name not in names]:
                yield f"no table has these {section}, which are not trained: {'; '.join(left)}"

    def _check_pieces(self) -> None:
        for section, own in _OWN.items():
            known = [*own, *(key for key in RunConfig.known_keys() if key not in _IDLE)]
            for name, piece in getattr(self.grid, section).items():
                for key in (key for key in piece if key not in known):
                    path: Key = ("grid", section, name, key)
                    if key in _IDLE:
                        raise self.document.error("has no effect here", path)
                    if key == "start":
                        raise self.document.error("a start cannot continue from another start", path, value=piece[key])
                    raise self.document.error("unknown key", path, hint=hint_in_piece(RunConfig, key, known))

    def _in_order(self, table: Table) -> Iterator[Job]:
        """The jobs of a table seed by seed, so that an unfinished table has all arms. Starts come first."""
        for seed in self.grid.seeds:
            for job in (job for jobs in table.arms.values() for job in jobs if job.seed == seed):
                if job.start is not None:
                    yield job.start
                yield job

    def _table(self, name: str, changes: Mapping[str, Any]) -> Table:
        arms = changes.get("arms") or list(self.grid.arms)
        is_alone = self.folds is not None and len(arms) == 1
        table = Table(name, None if is_alone else self.grid.baseline_of(name))
        for arm in arms:
            seeds = self.grid.seeds_of(name, arm)
            table.arms[arm] = [self._arm_job(name, arm, (seed, n)) for seed in seeds for n in self.numbers]
        return table

    def _start_table(self) -> Table:
        table = Table(STARTS_TABLE, None)
        for name in dict.fromkeys(name for name, _ in self.starts):
            table.arms[name] = [job for (start, _), job in self.starts.items() if start == name]
        return table

    def _arm_job(self, table: str, arm: str, replicate: Replicate) -> Job:
        start = self.grid.arms[arm].get("start", self.grid.tables.get(table, {}).get("start"))
        before = None if start is None else self._start_job(start, replicate)
        for section, name in (("arms", arm), ("tables", table)):
            piece = getattr(self.grid, section).get(name, {})
            if "init" in piece and (start if section == "arms" else piece.get("start")) is not None:
                raise self.document.error("has no effect beside a start", ("grid", section, name, "init"))
        pieces = [("tables", table), ("arms", arm)]
        return self._job(f"{table}: {arm}" if self.grid.tables else arm, pieces, replicate, before)

    def _start_job(self, start: str, replicate: Replicate) -> Job:
        if (start, replicate) not in self.starts:
            self.starts[start, replicate] = self._job(start, [("starts", start)], replicate, None)
        return self.starts[start, replicate]

    def _job(self, label: str, pieces: list[tuple[str, str]], replicate: Replicate, start: Job | None) -> Job:
        seed, fold = replicate
        document = self.base
        for section, name in pieces:
            if name in getattr(self.grid, section):
                document = self._with(document, section, name)
        if start is not None:
            document = _started_from(document, start, self.folder)
        overrides = [*self._holding(document, start), f"training.seed={seed}"]
        experiment = build_experiment(document, overrides)
        if self.folds is not None and fold is not None:
            document = _in_fold(document, self.folds, fold, definitions_of(experiment, start))
            experiment = build_experiment(document, overrides)
        run = experiment.config.init.run if experiment.config.init else ""
        if start is not None and run != str(start_folder(self.folder, start).path.absolute()):
            raise ConfigError("has no effect on runs that continue from a start", key="init.run", value=run)
        # The seed does not change the fingerprint, so it is computed once for all seeds.
        without_seed = (tuple(pieces), "" if start is None else start.config, fold)
        if without_seed not in self.known:
            tasks = definitions_of(experiment, start)
            before = None if start is None else start.config
            self.known[without_seed] = (fingerprint(experiment, tasks, before), tuple(tasks))
        config, names = self.known[without_seed]
        label = label if fold is None else f"{label}, fold {fold}"
        return Job(label, config, seed, experiment, names, start, fold, keep_answers=self.grid.keep_answers)

    def _holding(self, document: Document, start: Job | None) -> list[str]:
        """The overrides of a run. It ignores those of other tasks, and those of the encoder if it has a start."""
        overrides = {k: v for k, v in self.overrides.items() if start is None or not _names_encoder(v)}
        of_tasks = {k: set(v["tasks"]) for k, v in overrides.items() if isinstance(v.get("tasks"), dict)}
        own = set(document.data.get("tasks", {}))
        if of_tasks and own:  # A suite or a pattern may include some of the tasks, so it is resolved first.
            others = [item for item in overrides if item not in of_tasks]
            own |= set(definitions_of(build_experiment(document, others), start))
            overrides = {k: v for k, v in overrides.items() if k not in of_tasks or of_tasks[k] & own}
        self.idle -= set(overrides)
        return list(overrides)

    def _with(self, document: Document, section: str, name: str) -> Document:
        prefix: Key = ("grid", section, name)
        changes = {key: value for key, value in getattr(self.grid, section)[name].items() if key not in _OWN[section]}
        origins = {path[3:]: place for path, place in self.document.origins.items() if path[:3] == prefix}
        origins[()] = document.origin(())
        tasks = changes.get("tasks")
        if section != "arms" and isinstance(tasks, dict):  # The tasks of a table or a start replace the file's tasks.
            document = lay_over(document, Document({"tasks": list(tasks)}, {("tasks",): self.document.origin(prefix)}))
        return lay_over(document, Document(changes, origins))


def _names_encoder(override: Mapping[str, Any]) -> bool:
    encoder = override.get("encoder")
    return isinstance(encoder, dict) and set(encoder) <= set(_ENCODER_SOURCE)


def start_folder(folder: Path, job: Job) -> RunFolder:
    """The folder that keeps the run of a start."""
    return RunFolder(folder / STARTS / job.folder_name)


def unfinished_folder(folder: Path, job: Job) -> RunFolder:
    """The folder of a run while it is trained."""
    return RunFolder(folder / UNFINISHED / job.folder_name)


def _started_from(document: Document, start: Job, folder: Path) -> Document:
    data = dict(document.data)
    tasks = data.get("tasks", {})
    shared = set(tasks) & set(start.experiment.config.tasks)
    data["init"] = {
        "heads": "keep" if shared else "fresh",
        **(data.get("init") or {}),
        "run": str(start_folder(folder, start).path.absolute()),
    }
    encoder = data.get("encoder")
    if isinstance(encoder, dict):
        data["encoder"] = {key: value for key, value in encoder.items() if key not in _ENCODER_SOURCE}
    return Document(data, {**document.origins, ("init",): Origin(f"start '{start.label}'")})


def _in_fold(document: Document, folds: FoldsConfig, number: int, tasks: Mapping[str, TaskDefinition]) -> Document:
    """The experiment whose tasks leave a part of their training rows out of training and are scored on it."""
    unknown = [name for name in folds.group_column if name not in tasks] if isinstance(folds.group_column, dict) else []
    for name in unknown:
        raise ConfigError("is none of the tasks", key=f"folds.group_column.{name}", hint=did_you_mean(name, tasks))
    changes = {
        name: {"dataset": {"holdout": None, "seed": folds.seed, "fold": _fold(folds, number, name)}}
        for name, definition in tasks.items()
        if definition.has_labels and not definition.evaluation_only
    }
    return lay_over(document, Document({"tasks": changes}, {("tasks",): Origin(f"fold {number}")}))


def _fold(folds: FoldsConfig, number: int, task: str) -> dict[str, Any]:
    return {"number": number, "of": folds.count, "group_column": folds.group_of(task)}


def definitions_of(experiment: Experiment, start: Job | None) -> dict[str, TaskDefinition]:
    """The definitions of a run's tasks. ``init.run`` may define some; a start has the same tasks as the file."""
    known: Mapping[str, TaskDefinition] | None = None
    if experiment.config.init is not None and start is None:
        folder = RunFolder(run_path(experiment.config.init.run, key="init.run"))
        known = folder.definitions() if folder.exists else None
    return {name: entry.definition for name, entry in select_tasks(experiment, known).items()}
