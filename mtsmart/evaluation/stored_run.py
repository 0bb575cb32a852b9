"""Reads a finished run from its files, and refuses files that contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from mtsmart.config.sections import RunConfig
from mtsmart.config.stored import naming_packages
from mtsmart.errors import CheckpointError, did_you_mean, shorten
from mtsmart.models.files import fits, read_decoding, read_model
from mtsmart.models.heads import HeadSpec
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.runs.folder import RunFolder
from mtsmart.storage.consistent import read_consistently
from mtsmart.task_types import TASK_TYPES, TaskType, build_task
from mtsmart.task_types.interface.fits_decoding import FitsDecoding
from mtsmart.task_types.interface.learns_from_labels import LearnsFromLabels
from mtsmart.tasks.definition import TaskDefinition

Decoding = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class StoredRun:
    """What the files of a run hold.

    Attributes:
        config: the run's configuration.
        definitions: the tasks of the run, by name.
        model: the best model, on the CPU.
        tokenizer: the encoder's tokenizer.
        decoding: task -> the numbers that its decoding needs.
        untrained: the tasks whose head got no update.
    """

    config: RunConfig
    definitions: dict[str, TaskDefinition]
    model: MultiTaskModel
    tokenizer: PreTrainedTokenizerBase
    decoding: Decoding
    untrained: frozenset[str] = frozenset()


def read_run(run: RunFolder) -> StoredRun:
    """Read a run. If another process replaces its model meanwhile, the old model or the new one is read, whole.

    Raises:
        CheckpointError: the folder holds no run or no model, or its files contradict each other.
        MissingPackageError: a package that the run needs is not installed.
    """
    with naming_packages(run.extensions):
        return read_consistently(lambda: run.model, partial(_read, run), [run.config_file])


def _read(run: RunFolder, model: Path) -> StoredRun:
    config = run.config()
    definitions = run.definitions()
    decoding = read_decoding(model)
    _check_decoding(decoding, definitions, model / "decoding.json")
    loaded, tokenizer = read_model(model)
    _check_heads(loaded.specs, definitions, run)
    return StoredRun(config, definitions, loaded, tokenizer, decoding, _untrained(run))


def _untrained(run: RunFolder) -> frozenset[str]:
    """The tasks whose head got no update; none where the run has no results that can be read."""
    with suppress(CheckpointError):
        return frozenset(run.results().untrained)
    return frozenset()


def _check_heads(specs: Mapping[str, HeadSpec], definitions: Mapping[str, TaskDefinition], run: RunFolder) -> None:
    """Refuse heads that are not those of the tasks in the run's configuration."""
    for name in specs.keys() & definitions.keys():
        if definitions[name].share_head is None and definitions[name].task_type in TASK_TYPES:
            check_head_of(build_task(name, definitions[name]), specs, run)


def check_head_of(task: TaskType, specs: Mapping[str, HeadSpec], run: RunFolder) -> None:
    """Refuse a task whose own head is stored in another form: its predictions would mean something else.

    Raises:
        CheckpointError: the labels, their order or the form of the head differ.
    """
    stored, wanted = specs[task.name], task.head_spec
    if fits(stored, wanted):
        return
    for name in ("labels", "kind", "num_labels", "type", "layers", "pooling", "windows"):
        has, needs = getattr(stored, name), getattr(wanted, name)
        if has != needs:
            message = f"does not belong to {run.config_file}, whose task has {name} {shorten(needs)}"
            raise CheckpointError(message, file=run.model / "heads.json", key=f"{task.name}.{name}", value=has)


def _check_decoding(decoding: Decoding, definitions: Mapping[str, TaskDefinition], file: Path) -> None:
    """Refuse numbers that decoding of no task of the run needs."""
    for name, numbers in decoding.items():
        if name not in definitions:
            hint = did_you_mean(name, definitions)
            raise CheckpointError("is damaged: the run has no such task", file=file, value=name, hint=hint)
        kind = definitions[name].task_type
        if kind in TASK_TYPES:
            _check_numbers(numbers, TASK_TYPES[kind], file, name)


def _check_numbers(numbers: Mapping[str, float], kind: type[TaskType], file: Path, task: str) -> None:
    ranges = kind.decoding_ranges if issubclass(kind, FitsDecoding | LearnsFromLabels) else {}
    if ranges is None:
        return
    for name, number in numbers.items():
        if name not in ranges:
            message = "is damaged: the task's type finds no such number"
            raise CheckpointError(message, file=file, key=task, value=name, hint=did_you_mean(name, ranges))
        least, most = ranges[name]
        if not least <= number <= most:
            message = f"is damaged: it is not from {least:g} to {most:g}"
            raise CheckpointError(message, file=file, key=f"{task}.{name}", value=number)
