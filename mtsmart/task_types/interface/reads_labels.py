"""Optional part: a task type whose label column must be seen as a whole to know what one of its values means.

A 1 is the second label where labels are counted from 0, and the first one where they are counted from 1. A single row
does not tell which, but the column does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import datasets


class Seen(NamedTuple):
    """A value and its source row, counted from 0, and whether it stands in the training split instead."""

    value: Any
    row: int
    in_training: bool = False


@dataclass
class Survey:
    """What the values of a label column are.

    Attributes:
        name: the first that is a label's name; None if none is.
        numbers: number -> the first value that is this number, of those that may stand for a label's place.
        truth: the first that is true or false while no label is called so.
        vector: the first list of 0 and 1 with an entry for each label.
        twins: the first such list that has two equal entries.
        other: the first list that is no such list.
        unknown: whether a value is no label. The survey ends there, because encoding refuses the value.
    """

    name: Seen | None = None
    numbers: dict[int, Seen] = field(default_factory=dict)
    truth: Seen | None = None
    vector: Seen | None = None
    twins: Seen | None = None
    other: Seen | None = None
    unknown: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether names, or unknown values, are all there is, so that nothing else need be known."""
        return self.unknown or not (self.numbers or self.truth or self.vector)

    def joined(self, training: Survey) -> Survey:
        """What is in this column or in that of the training split; the examples are this one's where it has any."""
        numbers = {number: seen._replace(in_training=True) for number, seen in training.numbers.items()}
        return Survey(
            self.name or _trained(training.name),
            {**numbers, **self.numbers},
            self.truth or _trained(training.truth),
            self.vector or _trained(training.vector),
            self.twins or _trained(training.twins),
            self.other or _trained(training.other),
        )


def _trained(seen: Seen | None) -> Seen | None:
    return None if seen is None else seen._replace(in_training=True)


class ReadsLabels(ABC):
    """Says what a label column holds, and how it is read therefore.

    Attributes:
        several_columns: whether the gold values may stand in several columns.
    """

    several_columns: ClassVar[bool] = False

    @abstractmethod
    def survey(self, rows: datasets.Dataset) -> Survey:
        """What the label column of complete source rows holds."""

    @abstractmethod
    def judged(self, survey: Survey) -> tuple[Self, str | None]:
        """This task, or a copy that reads labels as the survey shows them, and what was assumed if that is not obvious.

        Raises:
            DataError: the labels may mean two things; the message names a row and what to write.
        """
