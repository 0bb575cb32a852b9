"""What is merged: runs of one encoder, and what they are measured from. Each is read when it has its turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from mtsmart.errors import CheckpointError
from mtsmart.evaluation.stored_run import StoredRun, read_run
from mtsmart.models.encoder import Encoder
from mtsmart.models.files import fits, settled
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
    """Refuse a run that cannot be merged with the first one.

    Raises:
        CheckpointError: its encoder, its tokenizer or a head of the same name is another.
    """
    check_encoder(first.model.encoder, other.model.encoder, name)
    if _tokenizer_of(first) != _tokenizer_of(other):
        raise CheckpointError("has another tokenizer than the first run", file=name)
    for head in first.model.specs.keys() & other.model.specs.keys():
        _check_head(first, other, head, name)


def _check_head(first: StoredRun, other: StoredRun, head: str, name: str | Path) -> None:
    kinds = [run.definitions[head].task_type if head in run.definitions else None for run in (first, other)]
    if kinds[0] != kinds[1] or not fits(first.model.specs[head], other.model.specs[head]):
        message = "the head of this task has other labels or another form than the first run's"
        raise CheckpointError(message, file=name, key=head)
    if _has_unit(kinds[0]) and first.decoding.get(head) != other.decoding.get(head):
        message = "the head of this task gives numbers in another unit than the first run's"
        hint = "Merge runs that were trained on the same rows of the task"
        raise CheckpointError(message, file=name, key=head, hint=hint)


def _has_unit(task_type: str | None) -> bool:
    """Whether numbers beside a head of this type say what its outputs mean."""
    if task_type is None or task_type not in TASK_TYPES:
        return False
    kind = TASK_TYPES[task_type]
    return issubclass(kind, LearnsFromLabels) and kind.belongs_to_head


def heads_of(run: StoredRun) -> dict[str, dict[str, Tensor]]:
    """Head -> its own tensors, without those that it shares with the encoder; heads that were trained."""
    model: MultiTaskModel = run.model
    names = [name for name in model.specs if name not in run.untrained]
    return {name: state_of(model.head(name), shared_tensors(model.encoder)) for name in names}


def _settings_of(encoder: Encoder) -> dict[str, Any]:
    settings: dict[str, Any] = encoder.model.config.to_dict()
    return {key: value for key, value in settings.items() if key not in _ANY and "drop" not in key}


def _tokenizer_of(run: StoredRun) -> Any:
    return json.loads(settled(run.tokenizer).backend_tokenizer.to_str())
