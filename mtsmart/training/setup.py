"""Everything a trainer needs, built from an experiment: tasks, data, model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from mtsmart.config.loader import Experiment
from mtsmart.config.sections import RunConfig
from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.loader import Collate
from mtsmart.data.mixing import check_mixing
from mtsmart.data.sources import has_split
from mtsmart.distill.teachers import add_teachers
from mtsmart.errors import CheckpointError, DataError
from mtsmart.evaluation.evaluator import baseline_scores
from mtsmart.models.files import fits, load_model, read_head_specs
from mtsmart.models.heads import HeadSpec
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.processes import ALONE, Processes
from mtsmart.runs.folder import RunFolder
from mtsmart.task_types import TaskType, build_tasks
from mtsmart.task_types.shared.preparation import Preparer
from mtsmart.tasks import TaskDefinition, select_tasks


@dataclass
class Setup:
    """The parts of a run.

    Attributes:
        config: the experiment's configuration.
        definitions, tasks: by task name.
        train, validation: encoded splits by task name; a task may lack either.
        collate: by task name.
        baselines: task -> scores of the best constant prediction on validation.
        model, tokenizer: on the CPU.
    """

    config: RunConfig
    definitions: Mapping[str, TaskDefinition]
    tasks: Mapping[str, TaskType]
    train: dict[str, EncodedSplit]
    validation: dict[str, EncodedSplit]
    collate: Mapping[str, Collate]
    baselines: Mapping[str, dict[str, float]]
    model: MultiTaskModel
    tokenizer: PreTrainedTokenizerBase


def prepare(experiment: Experiment, processes: Processes = ALONE) -> Setup:
    """Build the parts of a run; nothing is written but the cache of encoded data and of teachers' outputs.

    Args:
        experiment: what is to be trained.
        processes: those that train together; the first fills the cache for all.

    Raises:
        MtsmartError: anything that does not fit, before any training.
    """
    config = experiment.config
    known = _earlier_run(experiment).definitions() if config.init else {}
    entries = select_tasks(experiment, known)
    definitions = {name: entry.definition for name, entry in entries.items()}
    tasks = build_tasks(entries)
    torch.manual_seed(config.training.seed)
    specs = {task.head_name: task.head_spec for task in tasks.values() if task.owns_head}
    with experiment.document.locating():
        model, tokenizer = _load(config, specs)
    preparer = Preparer(tokenizer, config.data, model.encoder.max_positions)
    train, validation = {}, {}
    for name, task in tasks.items():
        if not task.definition.evaluation_only:
            train[name] = processes.main_first(partial(preparer.split, task, "train"))
        if "validation" in task.definition.splits or has_split(task.definition, "validation", config.data):
            validation[name] = processes.main_first(partial(preparer.split, task, "validation"))
    if not train:
        raise DataError("none of the tasks has training data", key="tasks")
    collate = {name: preparer.collate(task) for name, task in tasks.items()}
    with experiment.document.locating():
        check_mixing(config.mixing, train)
        train, collate = processes.main_first(partial(add_teachers, config, tasks, train, collate))
    return Setup(
        config,
        definitions,
        tasks,
        train,
        validation,
        collate,
        _baselines(tasks, train, validation),
        model,
        tokenizer,
    )


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
    if config.init is None:
        encoder, tokenizer = load_encoder(config.encoder)
        return MultiTaskModel(encoder, specs), tokenizer
    folder = RunFolder(Path(config.init.run)).model
    stored = read_head_specs(folder)
    if config.init.heads == "fresh":
        return load_model(folder, config.encoder, specs, keep=())
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
    return load_model(folder, config.encoder, specs, keep)


def _baselines(
    tasks: Mapping[str, TaskType], train: Mapping[str, EncodedSplit], validation: Mapping[str, EncodedSplit]
) -> dict[str, dict[str, float]]:
    return {name: baseline_scores(tasks[name], train[name], validation[name]) for name in validation if name in train}
