"""The state of training: gathered for a resume point, and put back from one, so that a run goes on to the bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.weights import load_for_resuming, save_for_resuming
from mtsmart.random_state import set_random_state
from mtsmart.regularizers import Regularizer
from mtsmart.runs.checkpoints import read_state, resuming, tensor_file
from mtsmart.training.optim import load_optimizer
from mtsmart.training.sharding import Student


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        update: updates that are done.
        epoch: the present epoch, from 0.
        batch: batches of the present epoch that are done.
    """

    update: int = 0
    epoch: int = 0
    batch: int = 0

    def advance(self, batches: int, epoch_length: int) -> bool:
        """Count an update of so many batches; whether it was the last one of an epoch of ``epoch_length`` batches."""
        self.update += 1
        self.batch += batches
        return self.end_epoch_if_over(epoch_length)

    def end_epoch_if_over(self, epoch_length: int) -> bool:
        """Go to the next epoch if all batches of the present one are done; whether they were."""
        if self.batch < epoch_length:
            return False
        self.epoch += 1
        self.batch = 0
        return True


@dataclass(frozen=True)
class ResumeState:
    """What a resume point holds besides tensors: the content of state.json.

    Attributes:
        update, epoch, batch: as in :class:`Progress`.
        selection: which evaluation was best.
        meter: figures since the last line, as ``Meter.state_dict`` gives them.
        skipped: updates that were not applied because they were not finite.
        watch: the figures that the watch has read.
        metrics_bytes: length of metrics.jsonl.
        rows: what ``describe_rows`` says about the data.
        regularizers: regulariser -> its own state.
    """

    update: int
    epoch: int
    batch: int
    selection: Mapping[str, Any]
    meter: Sequence[Sequence[Any]]
    skipped: int
    watch: Mapping[str, Any]
    metrics_bytes: int
    rows: Mapping[str, Any]
    regularizers: Mapping[str, Mapping[str, Any]]

    @property
    def progress(self) -> Progress:
        """How far the run was."""
        return Progress(self.update, self.epoch, self.batch)

    def to_json(self) -> dict[str, Any]:
        """The content of state.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ResumeState:
        """Read what ``to_json`` gave.

        Raises:
            KeyError: an entry is missing.
            TypeError, ValueError: an entry has another form.
        """
        if not isinstance(data["regularizers"], dict):
            raise ValueError("state.json: regularizers is no mapping")
        for name in ("epoch", "batch"):
            if not isinstance(data[name], int) or data[name] < 0:
                raise ValueError(f"state.json: {name} is no count, got {data[name]!r}")
        return cls(
            update=int(data["update"]),
            epoch=data["epoch"],
            batch=data["batch"],
            selection=data["selection"],
            meter=data["meter"],
            skipped=int(data["skipped"]),
            watch=data["watch"],
            metrics_bytes=int(data["metrics_bytes"]),
            rows=data.get("rows", {}),
            regularizers=data["regularizers"],
        )


def tensor_writers(
    model: MultiTaskModel,
    optimizer: Mapping[str, Tensor],
    random: Sequence[Mapping[str, Tensor]],
    regularizers: Mapping[str, Regularizer[Any]],
) -> dict[str, Callable[[Path], None]]:
    """The tensors of a resume point: file name without ending -> what writes them to a file.

    Args:
        model: with all its weights.
        optimizer: the tensors of its state. Its learning rate follows from the update.
        random: the random state of each process, by rank.
        regularizers: by name; each has a file of its own.
    """
    by_rank = {f"{rank}.{name}": tensor for rank, one in enumerate(random) for name, tensor in one.items()}
    writers: dict[str, Callable[[Path], None]] = {
        "model": partial(save_for_resuming, model),
        "optimizer": partial(save_file, dict(optimizer)),
        "random": partial(save_file, by_rank),
    }
    for name, regularizer in regularizers.items():
        tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in regularizer.tensors().items()}
        writers[name] = partial(save_file, tensors)
    return writers


def restore(
    point: Path, student: Student, regularizers: Mapping[str, Regularizer[Any]], optimizer: Optimizer, rank: int = 0
) -> ResumeState:
    """Put a resume point's tensors into model, regularisers, optimizer and random generators.

    Args:
        point: the resume point.
        student: its model gets the weights.
        regularizers: each gets its own state. One that the interrupted run did not have starts now.
        optimizer: gets its state.
        rank: this process's number. A process that the interrupted run did not have keeps its present random state.

    Returns:
        the rest of the state, which the caller puts back.

    Raises:
        CheckpointError: a file is missing, damaged, or of another model.
    """
    with resuming(point):
        state = ResumeState.from_json(read_state(point))
        model = student.whole()
        load_for_resuming(model, tensor_file(point, "model"))
        student.set()
        load_optimizer(optimizer, load_file(tensor_file(point, "optimizer")), student.trained)
        for name, regularizer in regularizers.items():
            if name in state.regularizers:
                regularizer.load_state(dict(state.regularizers[name]), load_file(tensor_file(point, name)))
            else:  # the user switched it on when the run was resumed
                regularizer.start(model, state.update)
        random = load_file(tensor_file(point, "random"))
        own = {name.removeprefix(f"{rank}."): random[name] for name in random if name.startswith(f"{rank}.")}
        if own:
            set_random_state(own, model.device)
    return state
