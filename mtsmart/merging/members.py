"""What is merged: runs of one encoder, and what they are measured from. Each is read when it has its turn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Size, Tensor

from mtsmart.errors import CheckpointError
from mtsmart.evaluation.stored_run import StoredRun, read_run
from mtsmart.models.encoder import Encoder
from mtsmart.models.files import fits, settled
from mtsmart.models.heads import HeadSpec
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.weights import shared_tensors, state_of
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import run_path
from mtsmart.task_types import TASK_TYPES
from mtsmart.task_types.interface.learns_from_labels import LearnsFromLabels

START = "start"
"""The base that stands for what the first run started from: its pretrained encoder, or an earlier run."""

# Settings of an encoder that say nothing about what its weights mean.
_ANY = ("_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures", "use_cache")


def read_member(run: str | Path) -> StoredRun:
    """A run whose weights can be mixed with others'.

    Raises:
        CheckpointError: it is no run, or its encoder has adapters.
    """
    folder = RunFolder(run_path(run))
    stored = read_run(folder)
    if stored.model.encoder.adapters:
        names = ", ".join(stored.model.encoder.adapters)
        message = f"its encoder has adapters ({names}); a mean of their factors is not that of their products"
        raise CheckpointError(message, file=folder.path)
    return stored


def start_of(first: StoredRun) -> Encoder:
    """The encoder that a run started from.

    Raises:
        CheckpointError: it cannot be found any more.
    """
    if first.config.init is not None:
        return read_member(first.config.init.run).model.encoder
    # Only the present user may allow that an encoder's own code runs, not the person who wrote the run.
    return load_encoder(first.config.encoder.model_copy(update={"trust_remote_code": False}))[0]


def check_encoder(first: Encoder, other: Encoder, name: str | Path) -> None:
    """Refuse an encoder of another form than the first run's.

    Raises:
        CheckpointError: names what differs.
    """
    ours = _settings_of(first)
    theirs = _settings_of(other)
    differing = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    if differing:
        key = differing[0]
        message = f"has another encoder than the first run, whose {key} is {ours.get(key)}"
        raise CheckpointError(message, file=name, key=key, value=theirs.get(key))
    shapes = [{key: one.shape for key, one in state_of(encoder).items()} for encoder in (first, other)]
    if shapes[0] != shapes[1]:
        raise CheckpointError("has an encoder with other weights than the first run's", file=name)


def check_member(first: StoredRun, other: StoredRun, name: str | Path) -> None:
    """Refuse a run whose encoder or tokenizer is another than the first run's.

    Raises:
        CheckpointError: names what differs.
    """
    check_encoder(first.model.encoder, other.model.encoder, name)
    if _tokenizer_of(first) != _tokenizer_of(other):
        raise CheckpointError("has another tokenizer than the first run", file=name)


@dataclass(frozen=True)
class _Form:
    """What two heads must have in common, so that a mean of their weights means something.

    Attributes:
        run: the first run with a head of this name.
        task_type: the type of the task of this name; None: the run has no such task.
        spec: how the head is built.
        shapes: its tensors' names and shapes.
        numbers: the task's decoding numbers.
    """

    run: str | Path
    task_type: str | None
    spec: HeadSpec
    shapes: dict[str, Size]
    numbers: Mapping[str, float] | None


class KnownHeads:
    """The heads of the runs so far. Each later run is compared with the first owner of each of its heads."""

    def __init__(self) -> None:
        self._forms: dict[str, _Form] = {}
        self._used: dict[str, tuple[str, str | Path]] = {}

    def check(self, run: StoredRun, name: str | Path) -> None:
        """Refuse a run with a head that does not fit the first one of its name.

        Raises:
            CheckpointError: names the head, and the run that has it in another form.
        """
        for head in run.model.specs:
            if head in self._forms:
                _check_head(self._forms[head], _form(run, head, name), head)

    def add(self, run: StoredRun, name: str | Path) -> None:
        """Check a run that is to be mixed, and remember its heads.

        Raises:
            CheckpointError: as for ``check``, or a task uses the head of another task than in an earlier run.
        """
        self.check(run, name)
        for task, definition in run.definitions.items():
            used = definition.share_head or task
            expected, owner = self._used.setdefault(task, (used, name))
            if used != expected:
                message = f"this task uses the head of task {used}, but in {owner} that of task {expected}"
                hint = "Merge runs in which the task has the same share_head"
                raise CheckpointError(message, file=name, key=task, hint=hint)
        for head in run.model.specs:
            self._forms.setdefault(head, _form(run, head, name))


def _form(run: StoredRun, head: str, name: str | Path) -> _Form:
    kind = run.definitions[head].task_type if head in run.definitions else None
    shapes = {key: one.shape for key, one in _own_tensors(run.model, head).items()}
    return _Form(name, kind, run.model.specs[head], shapes, run.decoding.get(head))


def _check_head(ours: _Form, theirs: _Form, head: str) -> None:
    same = ours.task_type == theirs.task_type and fits(ours.spec, theirs.spec) and ours.shapes == theirs.shapes
    if not same:
        message = f"the head of this task has other labels or another form than that of {ours.run}"
        raise CheckpointError(message, file=theirs.run, key=head)
    if _has_unit(ours.task_type) and ours.numbers != theirs.numbers:
        message = f"the head of this task gives numbers in another unit than that of {ours.run}"
        hint = "Merge runs that were trained on the same rows of the task"
        raise CheckpointError(message, file=theirs.run, key=head, hint=hint)


def _has_unit(task_type: str | None) -> bool:
    """Whether numbers beside a head of this type say what its outputs mean."""
    if task_type is None or task_type not in TASK_TYPES:
        return False
    kind = TASK_TYPES[task_type]
    return issubclass(kind, LearnsFromLabels) and kind.belongs_to_head


def heads_of(run: StoredRun) -> dict[str, dict[str, Tensor]]:
    """Head -> its own tensors, without those that it shares with the encoder; heads that were trained."""
    return {name: _own_tensors(run.model, name) for name in run.model.specs if name not in run.untrained}


def _own_tensors(model: MultiTaskModel, head: str) -> dict[str, Tensor]:
    """A head's tensors without those that it shares with the encoder."""
    return state_of(model.head(head), shared_tensors(model.encoder))


def _settings_of(encoder: Encoder) -> dict[str, Any]:
    settings: dict[str, Any] = encoder.model.config.to_dict()
    return {key: value for key, value in settings.items() if key not in _ANY and "drop" not in key}


def _tokenizer_of(run: StoredRun) -> Any:
    return json.loads(settled(run.tokenizer).backend_tokenizer.to_str())
