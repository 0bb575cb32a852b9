"""Heads of tasks that start from the head of a task of a finished run (``init:`` of a task)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtsmart.errors import CheckpointError, did_you_mean
from mtsmart.models.files import can_start, load_head, read_decoding, read_head_specs
from mtsmart.models.heads import HeadSpec
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import named_run, run_path
from mtsmart.storage.consistent import read_consistently
from mtsmart.storage.durable import MANIFEST, check_manifest
from mtsmart.tasks.definition import HeadInitConfig, TaskDefinition

Numbers = Mapping[str, float]


def borrow_heads(model: MultiTaskModel, definitions: Mapping[str, TaskDefinition]) -> dict[str, Numbers]:
    """Put the weights of other runs' heads into the heads of the tasks with ``init``.

    Args:
        model: encoder and heads; its other heads stay as they are.
        definitions: task -> its definition.

    Returns:
        task -> the numbers that the other run stored for decoding, for the tasks with ``init``.

    Raises:
        CheckpointError: there is no such run or head, or its labels or its form differ from the task's. The error names
            a key of the experiment.
    """
    found = {}
    for name, definition in definitions.items():
        if definition.init is not None:
            found[name] = _borrow(model, name, definition.init)
    return found


def lender_of(name: str, init: HeadInitConfig) -> TaskDefinition | None:
    """The definition of the task whose head is borrowed; None if there is no such run or task, which is told later.

    Args:
        name: the task that borrows.
        init: its ``init``.
    """
    run = RunFolder(run_path(init.run, key=f"tasks.{name}.init.run"))
    if not run.exists:
        return None
    definitions = run.definitions()
    source = definitions.get(init.task or name)
    return source if source is None or source.share_head is None else definitions[source.share_head]


def _borrow(model: MultiTaskModel, name: str, init: HeadInitConfig) -> Numbers:
    place = f"tasks.{name}.init"
    run = named_run(init.run, f"{place}.run")
    source = init.task or name
    owners = {task: definition.share_head or task for task, definition in run.definitions().items()}
    if source not in owners:
        hint = did_you_mean(source, owners)
        raise CheckpointError("the run has no task of this name", key=f"{place}.task", value=source, hint=hint)

    def read(folder: Path) -> Numbers:
        if (folder / MANIFEST).exists():
            check_manifest(folder, hint=f"If the change is yours, delete {MANIFEST}")
        stored = read_head_specs(folder)
        if owners[source] not in stored:
            raise CheckpointError("the run has no head for this task", key=f"{place}.task", value=source)
        _check_fit(stored[owners[source]], model.specs[name], source, f"tasks.{name}")
        alike = stored[owners[source]].windows == model.specs[name].windows
        load_head(folder, owners[source], model.head(name), model.encoder, pools_as_stored=alike)
        return read_decoding(folder).get(owners[source], {})

    return read_consistently(lambda: run.model, read)


def _check_fit(stored: HeadSpec, wanted: HeadSpec, source: str, key: str) -> None:
    """Refuse a head with other labels, or another form, than the task's.

    Args:
        stored: the other run's head.
        wanted: the head of this run's task.
        source: the other run's task.
        key: the key of this run's task, for errors.
    """
    theirs = stored.labels
    ours = wanted.labels
    if theirs is not None and ours is not None and theirs != ours:
        raise _other_labels(theirs, ours, source, key)
    for name, of in (("head.type", "type"), ("head.layers", "layers"), ("head.pooling", "pooling")):
        have: Any = getattr(stored, of)
        if have != getattr(wanted, of):
            message = f"the head of '{source}' has {of} {have}"
            raise CheckpointError(message, key=f"{key}.{name}", value=getattr(wanted, of), hint=f"Write {of}: {have}")
    if not can_start(stored, wanted):
        kind = f"{stored.kind} with {stored.num_labels} outputs"
        message = f"the head of '{source}' is for another kind of task ({kind})"
        raise CheckpointError(message, key=f"{key}.init.task", value=source)


def _other_labels(theirs: list[str], ours: list[str], source: str, key: str) -> CheckpointError:
    unknown = next((label for label in ours if label not in theirs), None)
    if unknown is not None:
        message = f"the head of '{source}' has no such label"
        return CheckpointError(message, key=f"{key}.labels", value=unknown, hint=did_you_mean(unknown, theirs))
    missing = next((label for label in theirs if label not in ours), None)
    message = f"the head of '{source}' has its labels in another order"
    if missing is not None:
        message = f"the head of '{source}' has the label '{missing}' too"
    return CheckpointError(message, key=f"{key}.labels", value=ours, hint=f"Write labels: [{', '.join(theirs)}]")
