"""The state of training: gathered for a resume point, and put back from one, so that a run goes on to the bit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import FiniteFloat, TypeAdapter
from torch import Tensor, nn
from torch.optim import Optimizer

from mtsmart.errors import CheckpointError, shorten
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.weights import load_state, resume_from, state_of, tensors_for_resuming
from mtsmart.regularizers import Regularizer, all_methods
from mtsmart.runs.checkpoints import has_tensors, read_state, read_tensors, resuming
from mtsmart.task_types import TASK_TYPES, TaskType, build_task
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.torch_state import set_random_state
from mtsmart.training.optim import load_optimizer
from mtsmart.training.sharding import Student
from mtsmart.training.stopping.task_patience import BEST_HEADS, TaskPatience
from mtsmart.weighting import Weighting

WEIGHTING = "weighting"
_LEARNT = TypeAdapter(dict[str, dict[str, FiniteFloat]])


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

    def is_due(self, every: int | None, at_epoch_end: bool) -> bool:
        """Whether something is done after this update: each ``every``-th one, or without it each epoch's last."""
        return at_epoch_end if every is None else self.update % every == 0


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
        frozen: the digest of the frozen parameters, which a resume point leaves out; None if there are none.
        learnt: task -> numbers that it took from its training labels.
        task_patience: which tasks wait for a better score, and which are no longer drawn.
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
    frozen: str | None = None
    learnt: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    task_patience: Mapping[str, Any] = field(default_factory=dict)

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
            frozen=data.get("frozen"),
            learnt=_LEARNT.validate_python(data.get("learnt", {})),
            task_patience=data.get("task_patience", {}),
        )


def gather_tensors(
    model: MultiTaskModel,
    optimizer: Mapping[str, Tensor],
    random: Sequence[Mapping[str, Tensor]],
    regularizers: Mapping[str, Regularizer[Any]],
    weighting: Weighting[Any],
    patience: TaskPatience,
) -> dict[str, dict[str, Tensor]]:
    """The tensors of a resume point: file name without ending -> tensor name -> tensor.

    Args:
        model: with all its weights.
        optimizer: the tensors of its state. Its learning rate follows from the update.
        random: the random state of each process, by rank.
        regularizers: by name; each has a file of its own.
        weighting: has a file if it has tensors.
        patience: has a file if it keeps heads.
    """
    groups = {
        "model": tensors_for_resuming(model),
        "optimizer": dict(optimizer),
        "random": {f"{rank}.{name}": tensor for rank, one in enumerate(random) for name, tensor in one.items()},
    }
    groups |= all_methods.tensors(regularizers)
    if weighting.state_dict():
        groups[WEIGHTING] = state_of(weighting)
    if heads := patience.tensors():
        groups[BEST_HEADS] = heads
    return groups


def check_trained_labels(folder: Path, earlier: Mapping[str, TaskDefinition], tasks: Mapping[str, TaskType]) -> None:
    """Refuse a task whose trained head would get other names for its outputs, whatever changes the user allows.

    Args:
        folder: the interrupted run's, for errors.
        earlier: the tasks of the interrupted run.
        tasks: the present tasks.

    Raises:
        CheckpointError: names the task and the labels of its head.
    """
    for name in earlier.keys() & tasks.keys():
        before = earlier[name]
        task = tasks[name]
        if before.share_head is not None or not task.owns_head or before.task_type not in TASK_TYPES:
            continue
        head = build_task(name, before).head_spec
        are_outputs = head.labels is not None and task.head_spec.labels is not None
        if are_outputs and before.labels != task.definition.labels:
            raise CheckpointError(
                "cannot be resumed with other labels, or with labels in another order: its head is trained for "
                f"{shorten(before.labels)}",
                file=folder,
                key=f"tasks.{name}.labels",
                value=task.definition.labels,
                hint="Write them as the run has them, or train into another folder",
            )


def begin(
    student: Student, regularizers: Collection[Regularizer[Any]], gradients: Callable[[], Iterator[None]]
) -> None:
    """Let regularisers change the weights that a new run starts with, and see its first gradients.

    Args:
        student: what is trained.
        regularizers: those of the run.
        gradients: gives an iterator, each step of which leaves the gradients of one update in the parameters.
    """
    all_methods.begin(regularizers, student.whole(), student.set)
    all_methods.probe(regularizers, student.trained, gradients)


@dataclass(frozen=True)
class Resumable:
    """What takes the tensors of a resume point.

    Attributes:
        student: its model gets the weights.
        regularizers: each gets its own state. One that the interrupted run did not have starts now.
        weighting: gets its tensors. One that the interrupted run did not have stays as it is.
        optimizer: gets its state.
        named: the parameters by the names that resume points use.
        patience: gets the heads that it keeps.
    """

    student: Student
    regularizers: Mapping[str, Regularizer[Any]]
    weighting: Weighting[Any]
    optimizer: Optimizer
    named: Mapping[str, nn.Parameter]
    patience: TaskPatience


def restore(point: Path, parts: Resumable, rank: int = 0) -> ResumeState:
    """Put a resume point's tensors into model, regularisers, weighting, optimizer and random generators.

    Args:
        point: the resume point.
        parts: what takes them.
        rank: this process's number. A process that the interrupted run did not have keeps its present random state.

    Returns:
        the rest of the state, which the caller puts back.

    Raises:
        CheckpointError: a file is missing, damaged, or of another model.
    """
    with resuming(point):
        state = ResumeState.from_json(read_state(point))
        model = parts.student.whole()
        resume_from(model, read_tensors(point, "model"), state.frozen)
        parts.student.set()
        load_optimizer(parts.optimizer, read_tensors(point, "optimizer"), parts.named)
        if has_tensors(point, WEIGHTING):
            load_state(parts.weighting, read_tensors(point, WEIGHTING))
        for name, regularizer in parts.regularizers.items():
            if name in state.regularizers:
                regularizer.load_state(dict(state.regularizers[name]), read_tensors(point, name))
                all_methods.check_count(regularizer, state.update, "load_state")
            else:  # the user switched it on when the run was resumed
                regularizer.start(model, state.update)
                all_methods.check_count(regularizer, state.update, "start")
        heads = read_tensors(point, BEST_HEADS) if has_tensors(point, BEST_HEADS) else {}
        parts.patience.load_state(state.task_patience, heads)
        parts.patience.tell_again(model, parts.regularizers.values())
        random = read_tensors(point, "random")
        own = {name.removeprefix(f"{rank}."): random[name] for name in random if name.startswith(f"{rank}.")}
        if own:
            set_random_state(own, model.device)
    return state
