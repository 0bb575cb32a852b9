"""Everything that a trainer needs, built from an experiment: tasks with their data, and the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from mtsmart.config.loader import Experiment
from mtsmart.config.sections import RunConfig
from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.loader import Collate
from mtsmart.data.mixing import check_mixing, summary_of_mixing
from mtsmart.data.sampler import MultiTaskSampler
from mtsmart.data.sources import has_split
from mtsmart.distill.teachers import add_teachers
from mtsmart.errors import CheckpointError, DataError
from mtsmart.evaluation.evaluator import baseline_scores
from mtsmart.models.files import fits, read_head_specs, read_model
from mtsmart.models.heads import HeadSpec
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.transform import summaries_of_transforms
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.preparation.preparer import Preparer
from mtsmart.preparation.probe import check_fit
from mtsmart.processes import ALONE, Processes, check_temporary_folder
from mtsmart.runs.folder import RunFolder
from mtsmart.storage.consistent import read_consistently
from mtsmart.task_types import TaskType, build_tasks
from mtsmart.tasks import TaskDefinition, select_tasks
from mtsmart.weighting import check_weighting, summary_of_weighting


@dataclass
class Setup:
    """The parts of a run.

    Attributes:
        config: the experiment's configuration.
        tasks: the tasks by name, in the order of the experiment.
        model: encoder and heads, on the CPU.
        tokenizer: the encoder's tokenizer.
    """

    config: RunConfig
    tasks: dict[str, PreparedTask]
    model: MultiTaskModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def task_types(self) -> dict[str, TaskType]:
        """Task -> its type."""
        return {name: task.type for name, task in self.tasks.items()}

    @property
    def definitions(self) -> dict[str, TaskDefinition]:
        """Task -> its definition."""
        return {name: task.definition for name, task in self.tasks.items()}

    @property
    def train(self) -> dict[str, EncodedSplit]:
        """Task -> its encoded training rows, for the tasks that are trained."""
        return {name: task.train for name, task in self.tasks.items() if task.train is not None}

    @property
    def validation(self) -> dict[str, EncodedSplit]:
        """Task -> its encoded validation rows, for the tasks that have any."""
        return {name: task.validation for name, task in self.tasks.items() if task.validation is not None}

    @property
    def collate(self) -> dict[str, Collate]:
        """Task -> what turns its encoded rows into a batch."""
        return {name: task.collate for name, task in self.tasks.items()}

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """Task -> the scores of the best constant prediction, for the tasks that are trained and validated."""
        scored = [task for task in self.tasks.values() if task.train is not None and task.validation is not None]
        return {task.name: dict(task.baseline) for task in scored}

    def without_validation(self) -> Setup:
        """The same parts for a run that evaluates nothing."""
        tasks = {name: replace(task, validation=None, baseline={}) for name, task in self.tasks.items()}
        return replace(self, tasks=tasks)


def recipe_of(config: RunConfig) -> list[str]:
    """One short text for each transform of the encoder, one for the mixing of tasks and one for their weighting."""
    transforms = summaries_of_transforms(config.encoder.parts)
    return [*transforms, summary_of_mixing(config.mixing), summary_of_weighting(config.weighting)]


def build_sampler(setup: Setup) -> MultiTaskSampler:
    """What decides which rows make the batches of each epoch."""
    config = setup.config.training
    train = setup.train
    return MultiTaskSampler(
        {name: split.lengths for name, split in train.items()},
        {name: setup.tasks[name].definition.batch_size or config.batch_size for name in train},
        setup.config.mixing,
        config.epochs,
        config.seed,
        setup.config.data.length_grouped,
        setup.config.data.max_tokens,
        {name: split.sequences for name, split in train.items() if split.sequences is not None},
        config.accumulation,
    )


def prepare(experiment: Experiment, processes: Processes = ALONE) -> Setup:
    """Build the parts of a run. Only the cache of encoded data and of teachers' outputs is written.

    Args:
        experiment: what will be trained.
        processes: the processes that train together; the first one fills the cache for all.

    Raises:
        MtsmartError: something does not fit. This is found out before any training.
    """
    config = experiment.config
    if config.data.workers:
        check_temporary_folder()
    known = _earlier_run(experiment).definitions() if config.init else {}
    entries = select_tasks(experiment, known)
    types = build_tasks(entries)
    torch.manual_seed(config.training.seed)
    specs = {task.head_name: task.head_spec for task in types.values() if task.owns_head}
    with experiment.document.locating():
        model, tokenizer = _load(config, specs)
    preparer = Preparer(tokenizer, config.data, model.encoder.max_positions)
    tasks = {name: _prepare_task(entries[name].definition, task, preparer, processes) for name, task in types.items()}
    trained = {name: task.train for name, task in tasks.items() if task.train is not None}
    if not trained:
        raise DataError("none of the tasks has training data", key="tasks")
    check_fit(model, tasks, tokenizer)
    with experiment.document.locating():
        check_mixing(config.mixing, trained, experiment.document)
        is_sharded = config.training.shard and processes.count > 1
        check_weighting(config.weighting, config.mixing.strategy == "rounds", is_sharded)
        tasks = processes.main_first(partial(add_teachers, config, tasks))
    tasks = {name: replace(task, baseline=_baseline(task)) for name, task in tasks.items()}
    return Setup(config, tasks, model, tokenizer)


def _prepare_task(definition: TaskDefinition, task: TaskType, preparer: Preparer, processes: Processes) -> PreparedTask:
    """Encode the splits that the task has."""
    train = validation = None
    if not task.definition.evaluation_only:
        train = processes.main_first(partial(preparer.split, task, "train"))
    if "validation" in task.definition.splits or has_split(task.definition, "validation", preparer.config):
        validation = processes.main_first(partial(preparer.split, task, "validation"))
    return PreparedTask(definition, task, preparer.collate(task), train, validation)


def _baseline(task: PreparedTask) -> Mapping[str, float]:
    if task.train is None or task.validation is None:
        return {}
    return baseline_scores(task.type, task.train, task.validation)


def _earlier_run(experiment: Experiment) -> RunFolder:
    """The run that training starts from."""
    assert experiment.config.init is not None
    folder = RunFolder(Path(experiment.config.init.run))
    if not folder.exists:
        with experiment.document.locating():
            raise CheckpointError(
                "is not the folder of a run (it has no config.yaml)",
                key="init.run",
                value=str(folder.path),
                hint="Train that run first, or name another: init.run=FOLDER",
            )
    return folder


def _load(config: RunConfig, specs: Mapping[str, HeadSpec]) -> tuple[MultiTaskModel, PreTrainedTokenizerBase]:
    """The model that training starts with: a pretrained encoder with new heads, or an earlier run's model."""
    if config.init is None:
        encoder, tokenizer = load_encoder(config.encoder)
        return MultiTaskModel(encoder, specs), tokenizer
    fresh = config.init.heads == "fresh"

    random = torch.get_rng_state()

    def read(folder: Path) -> tuple[MultiTaskModel, PreTrainedTokenizerBase]:
        torch.set_rng_state(random)  # Heads that start fresh are the same, however often the model is read.
        keep = () if fresh else _heads_to_keep(folder, read_head_specs(folder), specs)
        return read_model(folder, config.encoder, specs, keep)

    run = RunFolder(Path(config.init.run))
    return read_consistently(lambda: run.model, read)


def _heads_to_keep(folder: Path, stored: Mapping[str, HeadSpec], specs: Mapping[str, HeadSpec]) -> Sequence[str]:
    """The heads of an earlier run's model that this run goes on with.

    Args:
        folder: the earlier run's model, for messages.
        stored: the heads that the earlier run has.
        specs: the heads that this run needs.

    Raises:
        CheckpointError: there are none, or one has another form than this run's head of the same name.
    """
    keep = [name for name in specs if name in stored]
    if not keep:
        raise CheckpointError(
            "the run has no head for any of these tasks",
            file=folder,
            value=list(specs),
            hint="Say head=fresh to start new heads",
        )
    for name in keep:
        if not fits(stored[name], specs[name]):
            raise CheckpointError(
                f"the run's head for '{name}' has other labels or another form",
                file=folder,
                value=stored[name].labels,
                hint="Say head=fresh to start a new head",
            )
    return keep
