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
from mtsmart.data.joined.batch import collate_joined
from mtsmart.data.joined.rows import Joined, JoinedSplit
from mtsmart.data.loader import Collate, Split
from mtsmart.data.mixing import check_mixing, summary_of_mixing
from mtsmart.data.sampler import MultiTaskSampler
from mtsmart.distill.teachers import add_teachers
from mtsmart.errors import CheckpointError, DataError, warn
from mtsmart.evaluation.evaluator import baseline_scores
from mtsmart.models.borrowed_heads import borrow_heads
from mtsmart.models.files import can_start, read_decoding, read_head_specs, read_model
from mtsmart.models.heads import HeadSpec
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.transform import summaries_of_transforms
from mtsmart.preparation.batch_parts import in_parts, joined_in_parts
from mtsmart.preparation.chosen_heads import automatic_heads, settle_heads, summary_of_heads
from mtsmart.preparation.learnt import learn_from_labels, tell_of_misfits
from mtsmart.preparation.prepared_task import PreparedTask, prepare_task
from mtsmart.preparation.preparer import Preparer
from mtsmart.preparation.probe import check_fit
from mtsmart.preparation.shots import with_shots_seed
from mtsmart.preparation.split_checks import tell_of_splits
from mtsmart.processes import ALONE, Processes, check_temporary_folder
from mtsmart.registry import Extension
from mtsmart.regularizers import check_regularizers, check_unlabelled
from mtsmart.runs.changes import Described
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import named_run
from mtsmart.storage.consistent import read_consistently
from mtsmart.task_types import TaskType, build_tasks
from mtsmart.task_types.details.label_spelling import with_labels_as_before
from mtsmart.task_types.interface.learns_from_labels import learnt_by, use_again
from mtsmart.tasks import TaskDefinition, select_tasks
from mtsmart.tasks.library import Entry
from mtsmart.training.joined_tasks import joined_tasks
from mtsmart.training.precision import MACHINE, Choice, Hardware, settle_precision
from mtsmart.training.stopping.task_patience import check_patience
from mtsmart.weighting import check_weighting, summary_of_weighting

_Start = tuple[MultiTaskModel, PreTrainedTokenizerBase, Mapping[str, Mapping[str, float]]]


@dataclass
class Setup:
    """The parts of a run.

    Attributes:
        config: the experiment's configuration.
        tasks: the tasks by name, in the order of the experiment.
        model: encoder and heads, on the CPU.
        tokenizer: the encoder's tokenizer.
        kept_heads: the heads that come from an earlier run.
        untrained: the tasks whose head is new and gets no update, so that they are not scored.
        joined: the groups of trained tasks that read the same texts and share their batches.
        precision: what was chosen for an experiment that leaves it to mtsmart; None: it names one.
        automatic_heads: the tasks whose kind of head mtsmart has chosen.
    """

    config: RunConfig
    tasks: dict[str, PreparedTask]
    model: MultiTaskModel
    tokenizer: PreTrainedTokenizerBase
    kept_heads: frozenset[str] = frozenset()
    untrained: tuple[str, ...] = ()
    joined: tuple[Joined, ...] = ()
    precision: Choice | None = None
    automatic_heads: tuple[str, ...] = ()

    @property
    def task_types(self) -> dict[str, TaskType]:
        """Task -> its type."""
        return {name: task.type for name, task in self.tasks.items()}

    @property
    def definitions(self) -> dict[str, TaskDefinition]:
        """Task -> its definition."""
        return {name: task.definition for name, task in self.tasks.items()}

    @property
    def extensions(self) -> list[Extension]:
        """The entries of installed packages that the run uses."""
        return Described(self.config, self.definitions).extensions()

    @property
    def train(self) -> dict[str, EncodedSplit]:
        """Task -> its encoded training rows, for the tasks that are trained."""
        return {name: task.train for name, task in self.tasks.items() if task.train is not None}

    @property
    def validation(self) -> dict[str, EncodedSplit]:
        """Task -> its encoded validation rows, for the tasks that have any."""
        return {name: task.validation for name, task in self.tasks.items() if task.validation is not None}

    @property
    def scored(self) -> list[str]:
        """The tasks that evaluations score."""
        return [name for name in self.validation if name not in self.untrained]

    @property
    def collate(self) -> dict[str, Collate]:
        """Task -> what turns its encoded rows into a batch."""
        return {name: task.collate for name, task in self.tasks.items()}

    @property
    def drawn(self) -> dict[str, tuple[str, ...]]:
        """What batches are drawn of: a task alone or joined ones, by name, with the names of its tasks."""
        members = {name for group in self.joined for name in group.tasks}
        alone = {name: (name,) for name in self.train if name not in members}
        return {**alone, **{group.name: group.tasks for group in self.joined}}

    def sources_of_batches(self, processes: Processes = ALONE) -> tuple[dict[str, Split], dict[str, Collate]]:
        """What a process makes its training batches of.

        Returns:
            name of a task or of joined ones -> its rows, and -> what makes this process's part of a batch of them.
        """
        train = self.train
        splits: dict[str, Split] = dict(train)
        collate = {name: in_parts(self.tasks[name].collate, self.tasks[name].type, processes) for name in train}
        for group in self.joined:
            splits[group.name] = JoinedSplit(group, train)
            whole = collate_joined(self.tokenizer, {name: self.tasks[name].collate for name in group.tasks})
            collate[group.name] = joined_in_parts(whole, self.task_types, processes)
        return splits, collate

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """Task -> the scores of the best constant prediction, for the tasks that are trained and validated."""
        scored = [self.tasks[name] for name in self.scored]
        return {task.name: dict(task.baseline) for task in scored if task.train is not None}

    @property
    def learnt(self) -> dict[str, dict[str, float]]:
        """Task -> the numbers that it took from its training labels, for the tasks that have any."""
        return learnt_by(self.task_types)

    def use_again(self, learnt: Mapping[str, Mapping[str, float]]) -> None:
        """Give each task the numbers that an interrupted run had; a warning tells where its rows have changed much."""
        before = self.learnt
        use_again(self.task_types, learnt)
        changed = [task for name, task in self.tasks.items() if self.learnt.get(name) != before.get(name)]
        tell_of_misfits(changed, "a new run learns them in their own unit")

    def without_validation(self) -> Setup:
        """The same parts for a run that evaluates nothing."""
        tasks = {name: replace(task, validation=None, baseline={}) for name, task in self.tasks.items()}
        return replace(self, tasks=tasks)


def recipe_of(
    config: RunConfig, definitions: Mapping[str, TaskDefinition], precision: Choice | None = None
) -> list[str]:
    """Short texts: for each transform of the encoder, for the mixing of tasks, for their weighting and their heads.

    A last one is for the precision, where it was chosen.
    """
    transforms = summaries_of_transforms(config.encoder.parts)
    weighting = summary_of_weighting(config.weighting)
    chosen = [] if precision is None else [str(precision)]
    return [*transforms, summary_of_mixing(config.mixing), weighting, summary_of_heads(definitions), *chosen]


def build_sampler(setup: Setup) -> MultiTaskSampler:
    """What decides which rows make the batches of each epoch."""
    config = setup.config.training
    train = setup.train
    joined = {group.name: group.lengths for group in setup.joined}
    sizes = {name: task.definition.batch_size or config.batch_size for name, task in setup.tasks.items()}
    return MultiTaskSampler(
        {name: joined[name] if name in joined else train[name].lengths for name in setup.drawn},
        {name: min(sizes[task] for task in tasks) for name, tasks in setup.drawn.items()},
        setup.config.mixing,
        config.epochs,
        config.seed,
        setup.config.data.length_grouped,
        setup.config.data.max_tokens,
        {name: split.sequences for name, split in train.items() if split.sequences is not None},
        config.accumulation,
    )


def prepare(
    experiment: Experiment, processes: Processes = ALONE, begun: Described | None = None, hardware: Hardware = MACHINE
) -> Setup:
    """Build the parts of a run. Only the cache of encoded data and of teachers' outputs is written.

    Args:
        experiment: what will be trained.
        processes: the processes that train together; the first one fills the cache for all.
        begun: the interrupted run that is resumed; what it has chosen stays.
        hardware: what the choice of a precision asks of the machine.

    Raises:
        MtsmartError: something does not fit. This is found out before any training.
    """
    config = experiment.config
    if config.data.workers:
        check_temporary_folder()
    start = _earlier_run(experiment)
    entries = _entries(experiment, start, begun)
    types = build_tasks(entries)
    torch.manual_seed(config.training.seed)
    given = Described(config, {name: entry.definition for name, entry in entries.items()})
    with experiment.document.locating():
        model, tokenizer, kept = _load(given, start, types)
    capped = _capped(given, model.encoder.max_positions)
    used, chosen = settle_precision(capped, model.encoder, processes, begun, hardware)
    config = used.config
    preparer = Preparer(tokenizer, config.data, model.encoder.max_positions)
    tasks = {name: _prepared(entries[name], used, task, preparer, processes) for name, task in types.items()}
    trained = _trained(tasks)
    learn_from_labels(tasks, kept)
    check_fit(model, tasks, tokenizer)
    with experiment.document.locating():
        check_mixing(config.mixing, trained, experiment.document)
        _check_methods(used, tasks, processes)
        joined = joined_tasks(config, tasks, model)
        tasks = processes.main_first(partial(add_teachers, config, tasks))
    tasks = {name: _scored(task, preparer) for name, task in tasks.items()}
    setup = Setup(config, tasks, model, tokenizer, frozenset(kept), joined=joined, precision=chosen)
    return replace(setup, untrained=_untrained(setup), automatic_heads=automatic_heads(entries))


def _trained(tasks: Mapping[str, PreparedTask]) -> dict[str, EncodedSplit]:
    """Task -> its training rows; DataError if there are none."""
    trained = {name: task.train for name, task in tasks.items() if task.train is not None}
    if not trained:
        raise DataError("none of the tasks has training data", key="tasks")
    return trained


def _check_methods(used: Described, tasks: Mapping[str, PreparedTask], processes: Processes) -> None:
    """Refuse a weighting, a regulariser or a patience that the rest of the experiment does not go with."""
    check_patience(tasks)
    config = used.config
    is_sharded = config.training.shard and processes.count > 1
    check_weighting(config.weighting, config.mixing.strategy == "rounds", is_sharded)
    check_regularizers(config, used.definitions, is_sharded)


def _entries(experiment: Experiment, start: RunFolder | None, begun: Described | None) -> dict[str, Entry]:
    """The tasks with the heads that they get. An earlier run's tasks stand before the shipped ones."""
    config = experiment.config
    known = {} if start is None else start.definitions()
    going_on = {} if begun is None else begun.definitions
    heads = {} if config.init is None or config.init.heads == "fresh" else known
    entries = with_labels_as_before(select_tasks(experiment, known), {**heads, **going_on})
    entries = with_shots_seed(entries, config.training.seed)
    with experiment.document.locating():
        check_unlabelled(config, {name: entry.definition for name, entry in entries.items()})
        return settle_heads(entries, config, known, going_on)


def _capped(given: Described, most: int | None) -> Described:
    """The configuration without a ``max_length`` that the encoder does not take; a warning tells of each."""
    used = given.within(most)
    if used.config.data != given.config.data and "max_length" in given.config.data.model_fields_set:
        _tell_capped("data.max_length", given.config.data.max_length, most)
    for name, definition in given.definitions.items():
        if used.definitions[name] != definition:
            _tell_capped(f"tasks.{name}.max_length", definition.max_length, most)
    return used


def _tell_capped(key: str, wanted: int | None, most: int | None) -> None:
    text = f"{key}: {wanted} is more than the {most} tokens that the encoder takes, so {most} is used"
    warn(f"{text}; options.windows of a task reads longer rows")


def _untrained(setup: Setup) -> tuple[str, ...]:
    """The tasks whose head stays as it was at random, because the run ends before it is drawn; a warning tells it."""
    sampler = build_sampler(setup)
    updates = setup.config.training.planned_updates(-(-len(sampler) // sampler.batches_per_update))
    drawn = {task for name in sampler.drawn_within(updates) for task in setup.drawn[name]}
    types = setup.task_types
    for name in setup.train:
        if name not in drawn:
            text = f"task {name}: none of the {updates:,} updates has a batch of it, so nothing is learnt from its rows"
            hint = "train longer, or use mixing.strategy=rounds, which draws every task in each update"
            warn(f"{text}: {hint}")
    trained = {types[name].head_name for name in drawn} | setup.kept_heads
    return tuple(name for name, task in types.items() if task.head_name not in trained)


def _prepared(entry: Entry, used: Described, task: TaskType, preparer: Preparer, processes: Processes) -> PreparedTask:
    """A task with its encoded splits. What its tokens show to be wrong in its definition is told with its place."""
    with entry.document.locating((entry.name,)):
        return prepare_task(used.definitions[entry.name], task, preparer, processes)


def _scored(task: PreparedTask, preparer: Preparer) -> PreparedTask:
    """The task with the scores of constant predictions; a warning tells what is strange about its splits."""
    tell_of_splits(task, preparer.max_length(task.type), preparer.config)
    if task.train is None or task.validation is None:
        return replace(task, baseline={})
    return replace(task, baseline=baseline_scores(task.type, task.train, task.validation))


def _earlier_run(experiment: Experiment) -> RunFolder | None:
    """The run that training starts from; None if it starts from an encoder."""
    init = experiment.config.init
    if init is None:
        return None
    with experiment.document.locating():
        return named_run(init.run, "init.run")


def _load(given: Described, run: RunFolder | None, types: Mapping[str, TaskType]) -> _Start:
    """The model that training starts with: a pretrained encoder with new heads, or an earlier run's model.

    Args:
        given: the experiment's configuration and tasks.
        run: the earlier run; None: there is none.
        types: the tasks by name; they say which heads there are.

    Returns:
        the model, its tokenizer, and for each head that goes on from another run the numbers stored for decoding.
    """
    specs = {task.head_name: task.head_spec for task in types.values() if task.owns_head}
    own = {name: spec for name, spec in specs.items() if given.definitions[name].init is None}
    model, tokenizer, kept = _started(given.config, run, specs, own)
    return model, tokenizer, {**kept, **borrow_heads(model, given.definitions)}


def _started(
    config: RunConfig, run: RunFolder | None, specs: Mapping[str, HeadSpec], own: Mapping[str, HeadSpec]
) -> _Start:
    """As :func:`_load`; only the heads in ``own`` go on from the earlier run."""
    if run is None or config.init is None:
        encoder, tokenizer = load_encoder(config.encoder)
        return MultiTaskModel(encoder, specs), tokenizer, {}
    fresh = config.init.heads == "fresh" or not own

    random = torch.get_rng_state()

    def read(folder: Path) -> _Start:
        torch.set_rng_state(random)  # Heads that start fresh are the same, however often the model is read.
        keep = () if fresh else _heads_to_keep(folder, read_head_specs(folder), own)
        decoding = read_decoding(folder) if keep else {}
        return *read_model(folder, config.encoder, specs, keep), {name: decoding.get(name, {}) for name in keep}

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
        if not can_start(stored[name], specs[name]):
            raise CheckpointError(
                f"the run's head for '{name}' has other labels or another form",
                file=folder,
                value=stored[name].labels,
                hint="Say head=fresh to start a new head",
            )
    return keep
