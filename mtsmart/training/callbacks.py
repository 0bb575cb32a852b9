"""What training reports while it runs: one event type for each thing that happens, and the class that receives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mtsmart.evaluation.evaluator import Evaluation
from mtsmart.regularizers import STUDENT
from mtsmart.torch_state import kept_generators
from mtsmart.training.setup import Setup, recipe_of


@dataclass(frozen=True)
class Started:
    """Training is about to begin, or to go on.

    Attributes:
        train_rows: task -> training rows.
        validation_rows: task -> validation rows.
        dropped: ``task (split)`` -> rows that were left out because a text or label is missing.
        unscored: the trained tasks that have no validation rows.
        updates: updates of the whole run.
        done: updates that an interrupted run has done already.
        device: where the model is trained, as torch names it.
        regularizers: names of the terms that are added to the loss.
        recipe: one short text for each transform of the encoder, one for the mixing, the weighting and the heads, and
            one for a precision that was chosen.
        is_finished: whether nothing is left to train.
    """

    train_rows: Mapping[str, int]
    validation_rows: Mapping[str, int]
    dropped: Mapping[str, int]
    unscored: Sequence[str]
    updates: int
    done: int
    device: str
    regularizers: Sequence[str]
    recipe: Sequence[str] = ()
    is_finished: bool = False


def started(
    setup: Setup, updates: int, done: int, device: torch.device, regularizers: Sequence[str], is_finished: bool
) -> Started:
    """The event for a setup; the arguments after it are as in :class:`Started`."""
    splits = {"train": setup.train, "validation": setup.validation}
    return Started(
        train_rows={name: len(split) for name, split in splits["train"].items()},
        validation_rows={name: len(split) for name, split in splits["validation"].items()},
        dropped={
            f"{name} ({kind})": split.dropped
            for kind, of_kind in splits.items()
            for name, split in of_kind.items()
            if split.dropped
        },
        unscored=[name for name in splits["train"] if name not in splits["validation"]],
        updates=updates,
        done=done,
        device=str(device),
        regularizers=regularizers,
        recipe=recipe_of(setup.config, setup.definitions, setup.precision),
        is_finished=is_finished,
    )


@dataclass(frozen=True)
class UpdateDone:
    """An update is done.

    Attributes:
        update: its number, from 1.
        rows: the rows that it used, those of all processes together.
    """

    update: int
    rows: int


@dataclass(frozen=True)
class Logged:
    """A line of training figures was written to metrics.jsonl.

    Attributes:
        update: how many updates are done.
        learning_rate: that of the last update.
        overall: figure -> mean since the last line, for figures that belong to no single task.
        tasks: task -> figure -> mean since the last line.
        measures: figure -> value, for figures of the regularisers' own state.
        skipped: updates that were not applied so far because they were not finite.
    """

    update: int
    learning_rate: float
    overall: Mapping[str, float]
    tasks: Mapping[str, Mapping[str, float]]
    measures: Mapping[str, float]
    skipped: int = 0

    def to_json(self) -> dict[str, Any]:
        """The line of metrics.jsonl."""
        head = {"type": "train", "update": self.update, "learning_rate": self.learning_rate}
        skipped = {"skipped": self.skipped} if self.skipped else {}
        return {**head, **self.overall, **skipped, "tasks": self.tasks, **self.measures}


@dataclass(frozen=True)
class Evaluated:
    """The tasks were scored, and the line was written to metrics.jsonl.

    Attributes:
        evaluation: the scores.
        update: how many updates are done.
        best: whether no earlier evaluation was as good.
        kept: whose weights these are: the student's, or those of a method, such as a teacher.
    """

    evaluation: Evaluation
    update: int
    best: bool
    kept: str = STUDENT

    def to_json(self) -> dict[str, Any]:
        """The line of metrics.jsonl."""
        model = {} if self.kept == STUDENT else {"model": self.kept}
        return {"type": "evaluation", "update": self.update, "best": self.best, **model, **self.evaluation.to_json()}


@dataclass(frozen=True)
class Checkpointed:
    """A resume point was written.

    Attributes:
        update: how many updates are done.
    """

    update: int


@dataclass(frozen=True)
class Noticed:
    """Something that the user should know, but that stops nothing. It is logged, too.

    Attributes:
        text: a line.
    """

    text: str


@dataclass(frozen=True)
class Ended:
    """The last update is done, or training was interrupted or has failed."""


@dataclass(frozen=True)
class Reporting:
    """The run is complete, and its report is being written.

    Attributes:
        file: the report.
    """

    file: Path


Event = Started | UpdateDone | Logged | Evaluated | Checkpointed | Noticed | Ended | Reporting


class Callback:
    """Receives the events of training. Each method does nothing unless a subclass overrides it.

    What it draws or seeds in Python, numpy and torch changes nothing in the run. Of several processes only the first
    one calls it.
    """

    def receive(self, event: Event) -> None:
        """Hand an event to the method for its type; training calls only this method."""
        match event:
            case Started():
                self.on_start(event)
            case UpdateDone():
                self.on_update(event)
            case Logged():
                self.on_log(event)
            case Evaluated():
                self.on_evaluation(event)
            case Checkpointed():
                self.on_checkpoint(event)
            case Noticed():
                self.on_notice(event)
            case Ended():
                self.on_end(event)
            case Reporting():
                self.on_report(event)

    def on_start(self, event: Started) -> None:
        """Called before the first update."""

    def on_update(self, event: UpdateDone) -> None:
        """Called after each update."""

    def on_log(self, event: Logged) -> None:
        """Called after a line of training figures is written."""

    def on_evaluation(self, event: Evaluated) -> None:
        """Called after each evaluation."""

    def on_checkpoint(self, event: Checkpointed) -> None:
        """Called after each resume point."""

    def on_notice(self, event: Noticed) -> None:
        """Called for each notice."""

    def on_end(self, event: Ended) -> None:
        """Called after the last update, also when training was interrupted."""

    def on_report(self, event: Reporting) -> None:
        """Called before the report is written."""


class Callbacks(Callback):
    """Several callbacks as one.

    Args:
        members: they receive each event one after the other, in this order.
    """

    def __init__(self, *members: Callback) -> None:
        self.members = members

    def receive(self, event: Event) -> None:
        """Hand an event to every member."""
        for member in self.members:
            member.receive(event)


class Apart(Callback):
    """A callback of a user, whose random numbers are not those of training.

    Args:
        member: it receives each event.
    """

    def __init__(self, member: Callback) -> None:
        self.member = member

    def receive(self, event: Event) -> None:
        """Hand an event on."""
        with kept_generators():
            self.member.receive(event)
