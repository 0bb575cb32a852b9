"""Teachers' predictions for the training rows. They are computed once, kept in files and added to the batches.

A file holds the adapted logits of one teacher for one task's training rows, in the form that the task's ``unbatch``
returns. The file's name depends on the teacher's weights and on everything that determines the rows, so a later run
finds the file and need not load the teacher.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from mtsmart.config.sections import DataConfig, RunConfig
from mtsmart.data.batch import Batch
from mtsmart.data.encoding import EncodedSplit, cache_dir
from mtsmart.data.loader import Collate
from mtsmart.data.sealed import open_sealed, seal
from mtsmart.distill.term import TEACHER, Distill, DistillSettings
from mtsmart.errors import CheckpointError, ConfigError, did_you_mean
from mtsmart.evaluation.evaluator import run_model
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.hardware import installed_version
from mtsmart.models.files import read_decoding, read_head_specs
from mtsmart.models.heads import HeadSpec
from mtsmart.models.heads.windows import WINDOWS
from mtsmart.models.output_unit import OutputUnit
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.preparation.preparer import Preparer
from mtsmart.registry import code_of
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import named_run
from mtsmart.storage.consistent import read_consistently
from mtsmart.storage.durable import replacing, sha256_of
from mtsmart.storage.failures import writing
from mtsmart.task_types import TaskType, build_task
from mtsmart.task_types.interface.distillable import Distillable
from mtsmart.task_types.interface.explains_outputs import unit_of
from mtsmart.task_types.interface.own_signature import signature_of
from mtsmart.tasks.definition import TaskDefinition

_FORMAT = 1  # Increase it when the stored columns change their meaning, so that old files are not used.


class Teacher:
    """A finished run whose predictions the student learns.

    Args:
        run: the run's folder, or ``hub:owner/name[@revision]``.

    Raises:
        CheckpointError: the folder holds no run or no model.
    """

    def __init__(self, run: str) -> None:
        self.folder = named_run(run, "distill.teachers", example="[FOLDER]")
        stored = read_consistently(lambda: self.folder.model, partial(_read, self.folder), [self.folder.config_file])
        self.definitions, self.specs, self._digests, self._decoding = stored

    @property
    def tasks(self) -> list[str]:
        """The tasks for which the teacher has heads."""
        return [name for name, own in self.definitions.items() if (own.share_head or name) in self.specs]

    def knows(self, task: TaskType) -> bool:
        """Whether the teacher has a head for a task of this name and type."""
        return task.name in self.tasks and self.definitions[task.name].task_type == task.definition.task_type

    def task(self, task: TaskType) -> TaskType:
        """The student's task with the teacher's head and the teacher's order of labels."""
        own = self.definitions[task.name]
        definition = task.definition
        changes = {name: getattr(own, name) for name in ("head", "share_head", "project", "max_length")}
        changes["options"] = _read_as(own, definition)
        if task.head_spec.labels is not None:
            changes["labels"] = own.labels
        owner = build_task(own.share_head, self.definitions[own.share_head]) if own.share_head else None
        return build_task(task.name, definition.model_copy(update=changes), owner)

    def order(self, task: TaskType) -> list[int] | None:
        """The teacher's index of each of the task's labels; None if the order is the same or outputs have no names.

        Raises:
            ConfigError: the teacher has other labels.
        """
        taught = self.task(task)
        ours = task.head_spec.labels
        theirs = taught.head_spec.labels
        if ours is None or theirs is None or taught.definition.labels == task.definition.labels:
            return None
        # Some outputs are not the labels themselves, such as the steps between ordinal labels. They have no meaning in
        # another order.
        if ours != task.definition.labels or set(ours) != set(theirs):
            has = taught.definition.labels
            wanted = task.definition.labels
            raise ConfigError(
                f"the teacher {self.folder.path} has other labels for '{task.name}': it has {has}, not {wanted}",
                key="distill.tasks",
                hint=f"Leave '{task.name}' out of distill.tasks, or take another teacher",
            )
        return [theirs.index(label) for label in ours]

    def digest(self, task: TaskType) -> str:
        """A hash of everything except the rows that determines the teacher's outputs."""
        taught = self.task(task)
        encoder = sorted((name, digest) for name, digest in self._digests.items() if name.startswith("encoder"))
        head = self._digests.get(file := str(Path("heads") / f"{taught.head_name}.safetensors"))
        if head is None:
            raise CheckpointError("is missing", file=self.folder.model / file)
        parts: list[Any] = [encoder, head, self.specs[taught.head_name].to_json()]
        parts += [signature_of(taught), taught.definition.project, taught.definition.share_head]
        code = code_of(type(taught))
        parts += [] if code is None else [code.digest]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def unit(self, task: TaskType) -> OutputUnit:
        """The unit of the teacher's outputs for the student's task."""
        taught = self.task(task)
        taught.decoding = dict(self._decoding.get(task.name) or self._decoding.get(taught.head_name, {}))
        return unit_of(taught)

    @cached_property
    def data(self) -> DataConfig:
        """The teacher's data settings, because the teacher cuts rows at its own length limit."""
        return self.folder.config().data

    @cached_property
    def run(self) -> LoadedRun:
        """The loaded run.

        Raises:
            CheckpointError: its model is no longer the one that the names of the files were made of.
        """
        run = LoadedRun(self.folder.path)
        if read_consistently(lambda: self.folder.model, _digests) != self._digests:
            message = "the teacher got another model while its predictions were prepared"
            hint = "Start again when the run that trains it has ended"
            raise CheckpointError(message, key="distill.teachers", value=str(self.folder.path), hint=hint)
        return run


def add_teachers(config: RunConfig, tasks: Mapping[str, PreparedTask]) -> dict[str, PreparedTask]:
    """Add the teachers' logits to the training rows, and ``targets["teacher"]`` to the batches made of them.

    Torch's random state stays as it is, whether the teachers run or their files exist already.

    Args:
        config: the experiment's configuration.
        tasks: the tasks by name; they stay as they are.

    Returns:
        the tasks by name. The tasks that are not distilled are the same objects.

    Raises:
        MtsmartError: a teacher does not exist, or does not suit the tasks. The error names a key of the experiment.
    """
    distill = Distill.resolve(config.parts.get(Distill.name))
    if not isinstance(distill, DistillSettings) or not distill.is_on:
        return dict(tasks)
    teachers = [Teacher(run) for run in distill.teachers]
    chosen = {name: tasks[name] for name in _chosen(distill, teachers, tasks)}
    splits = {name: task.train for name, task in chosen.items() if task.train is not None}
    for teacher in teachers:
        for task in chosen.values():
            teacher.order(task.type)  # Refuse other labels before any teacher computes.
    tables: dict[str, list[datasets.Dataset]] = {name: [] for name in chosen}
    for teacher in teachers:
        for name, task in chosen.items():
            tables[name].append(_stored(teacher, task.type, splits[name], config))
        teacher.__dict__.pop("run", None)  # Free the teacher's memory before the next teacher is loaded.
    taught = {}
    for name, task in chosen.items():
        units = [teacher.unit(task.type) for teacher in teachers]
        digests: list[Any] = [splits[name].key, *(teacher.digest(task.type) for teacher in teachers)]
        digests += [unit.to_numbers() for unit in units if unit != OutputUnit()]
        key = hashlib.sha256(json.dumps(digests).encode()).hexdigest()
        train = replace(splits[name], rows=_with_columns(splits[name].rows, tables[name]), key=key)
        assert isinstance(task.type, Distillable)  # _chosen refuses other tasks.
        collate = _Collate(task.type, task.collate, units, distill.temperature)
        taught[name] = replace(task, train=train, collate=collate)
    return {**tasks, **taught}


def _chosen(distill: DistillSettings, teachers: Sequence[Teacher], tasks: Mapping[str, PreparedTask]) -> list[str]:
    """The names of the tasks that are distilled."""
    types = {name: task.type for name, task in tasks.items()}
    possible = [name for name, task in tasks.items() if task.train is not None and isinstance(task.type, Distillable)]
    if distill.tasks is None:
        return _common(teachers, types, possible)
    for name in distill.tasks:
        if name not in tasks or tasks[name].train is None:
            message = "is only evaluated, not trained" if name in tasks else "the experiment has no such task"
            raise ConfigError(message, key="distill.tasks", value=name, hint=did_you_mean(name, possible))
        kind = types[name].definition.task_type
        if not isinstance(types[name], Distillable):
            message = f"task type '{kind}' cannot be distilled"
            raise ConfigError(message, key="distill.tasks", value=name, hint="Leave it out")
        for teacher in teachers:
            if not teacher.knows(types[name]):
                has = ", ".join(teacher.tasks) or "none"
                message = f"the teacher {teacher.folder.path} has no {kind} head for it (it has: {has})"
                raise ConfigError(message, key="distill.tasks", value=name)
    return list(dict.fromkeys(distill.tasks))


def _read_as(teacher: TaskDefinition, student: TaskDefinition) -> dict[str, Any]:
    """The student's options, but long texts are read as the teacher reads them: its head may pool windows."""
    others = {name: value for name, value in student.options.items() if name != WINDOWS}
    return {**others, WINDOWS: teacher.options[WINDOWS]} if WINDOWS in teacher.options else others


def _common(teachers: Sequence[Teacher], types: Mapping[str, TaskType], possible: Sequence[str]) -> list[str]:
    """The tasks that can be distilled and for which all teachers have heads."""
    for teacher in teachers:
        if not any(teacher.knows(types[name]) for name in possible):
            message = f"has a head for none of the tasks (it has: {', '.join(teacher.tasks) or 'none'})"
            raise ConfigError(message, key="distill.teachers", value=str(teacher.folder.path))
    common = [name for name in possible if all(teacher.knows(types[name]) for teacher in teachers)]
    if not common:
        raise ConfigError("have no task of the experiment in common", key="distill.teachers")
    return common


def _stored(teacher: Teacher, task: TaskType, split: EncodedSplit, config: RunConfig) -> datasets.Dataset:
    """The teacher's logits for each row of ``split``, flat in ``values`` with their ``shape``."""
    limit = teacher.task(task).definition.max_length or teacher.data.max_length
    parts = [_FORMAT, teacher.digest(task), split.key, limit, installed_version("transformers")]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    file = cache_dir(config.data) / "teachers" / f"{key}.arrow"
    stored = open_sealed(file)
    if stored is not None and len(stored) == len(split):
        return stored
    with writing(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):  # Building the teacher's heads draws random numbers.
        logits = _score(teacher, task, split, config)
    _write(file, logits)
    return seal(file)


def _score(teacher: Teacher, task: TaskType, split: EncodedSplit, config: RunConfig) -> list[Tensor]:
    """The teacher's adapted logits for each row of ``split``. The labels have the order of the student's task.

    Raises:
        ConfigError: the outputs belong to tokens, and the teacher's tokens differ from the student's.
    """
    run = teacher.run
    taught = teacher.task(task)
    data = config.data.model_copy(update={"max_length": teacher.data.max_length})
    preparer = Preparer(run.tokenizer, data, run.model.encoder.max_positions)
    read = preparer.split(taught, "train", task.definition.has_labels)
    assert isinstance(task, Distillable)  # _chosen refuses other tasks.
    column = task.taught_by.value
    if read.key != split.key and not read.column(column).equals(split.column(column)):
        raise ConfigError(
            f"reads the rows of '{task.name}' as other tokens, and a {task.definition.task_type} learns token by token",
            key="distill.teachers",
            value=str(teacher.folder.path),
            hint="It needs the student's tokenizer and length limit",
        )
    (outputs,) = run_model(run.model, [taught], read, preparer.collate(taught), config.training.eval_batch_size)
    order = teacher.order(task)
    return [logits if order is None else logits[..., order] for logits in outputs.logits]


def _write(file: Path, logits: Sequence[Tensor]) -> None:
    """Write an Arrow stream. The file appears only when it is complete."""
    schema = pa.schema({"values": pa.list_(pa.float32()), "shape": pa.list_(pa.int32())})
    with replacing(file) as aside, pa.OSFile(str(aside), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for start in range(0, len(logits), 1000):
            some = logits[start : start + 1000]
            values = [np.asarray(one.float()).ravel() for one in some]
            columns = [pa.array(values, schema.field(0).type), pa.array([list(one.shape) for one in some])]
            writer.write_batch(pa.record_batch([columns[0], columns[1].cast(schema.field(1).type)], schema=schema))


def _with_columns(rows: datasets.Dataset, tables: Sequence[datasets.Dataset]) -> datasets.Dataset:
    renamed = [
        table.rename_columns({"values": f"{TEACHER}_{number}", "shape": f"{TEACHER}_{number}_shape"})
        for number, table in enumerate(tables)
    ]
    return datasets.concatenate_datasets([rows, *renamed], axis=1)


@dataclass(frozen=True)
class _Collate:
    """Collates rows, and adds the ensemble of the teachers' logits if the rows have them. Validation rows do not.

    Logits that are numbers get the unit of the student's.
    """

    task: Any  # a task type that is Distillable
    collate: Collate
    units: Sequence[OutputUnit]
    temperature: float

    def __call__(self, features: list[dict[str, Any]], seed: int) -> Batch:
        batch = self.collate(features, seed)
        if f"{TEACHER}_0" in features[0]:
            own = unit_of(self.task)
            logits = [
                own.from_unit(self.task.rebatch([_tensor(row, number) for row in features], batch), unit)
                for number, unit in enumerate(self.units)
            ]
            batch.targets[TEACHER] = self.task.ensemble(logits, batch, self.temperature)
        return batch


def _tensor(row: Mapping[str, Any], number: int) -> Tensor:
    values = torch.tensor(row[f"{TEACHER}_{number}"], dtype=torch.float32)
    return values.reshape(row[f"{TEACHER}_{number}_shape"])


def _read(
    run: RunFolder, model: Path
) -> tuple[dict[str, TaskDefinition], dict[str, HeadSpec], dict[str, str], dict[str, dict[str, float]]]:
    """A teacher's definitions, heads, the digests of its model's files, and the numbers for decoding."""
    return run.definitions(), read_head_specs(model), _digests(model), read_decoding(model)


def _digests(model: Path) -> dict[str, str]:
    """SHA-256 of each file of the encoder and of the heads, by its path in the model's folder."""
    files = [path for part in ("encoder", "heads") for path in (model / part).rglob("*") if path.is_file()]
    return {str(path.relative_to(model)): _file_digest(path) for path in files}


def _file_digest(file: Path) -> str:
    try:
        return sha256_of(file)
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror}", file=file) from None
