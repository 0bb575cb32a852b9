"""The draft of a task: what its YAML will say, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mtsmart.drafting.columns import Column
from mtsmart.drafting.opened import Opened


@dataclass(frozen=True)
class Given:
    """What the user has said beforehand; None where nothing was said."""

    text: Sequence[str] | None = None
    label: str | None = None
    task_type: str | None = None


@dataclass(frozen=True)
class Seen:
    """The data and what was found in it.

    Attributes:
        data: the opened data.
        train: the data's own split that is trained on.
        columns: what its columns hold.
        rows: how many rows it has.
    """

    data: Opened
    train: str
    columns: Mapping[str, Column]
    rows: int


@dataclass
class Draft:
    """The parts of a task's definition.

    Attributes:
        task_type: the kind of task.
        text: one or two text columns.
        label: the label column, or several; None if the type reads none.
        labels: the names of labels; None if the type has none.
        keys: further keys of the definition, in order.
        notes: key -> why the draft says what it says, for a comment.
        advice: lines of comments at the end.
        told: sentences that the user is told, because the data is not as one expects.
    """

    task_type: str
    text: list[str]
    label: str | list[str] | None = None
    labels: list[str] | None = None
    keys: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    advice: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
