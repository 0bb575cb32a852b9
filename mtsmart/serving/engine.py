"""What stands behind the server: something that has tasks and answers questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Answer:
    """What a task says of an input.

    Attributes:
        prediction: as ``mtsmart predict`` gives it.
        is_cut: whether the task has not read the whole input, because it is too long. Of a task that ``needs_all_rows``
            all inputs count as cut if one of its lists is.
    """

    prediction: Mapping[str, Any]
    is_cut: bool = False


Answers = dict[str, list[Answer]]
"""Task -> its answer to each input."""


@dataclass(frozen=True)
class Parts:
    """How an input becomes several token sequences of at most ``max_length`` tokens.

    Attributes:
        new_tokens: how many tokens each further sequence of a long input has that the one before it lacks, about; None
            if each text in an input, such as a candidate, is a sequence of its own, which is cut.
    """

    new_tokens: int | None


@dataclass(frozen=True)
class ServedTask:
    """What a client has to know of a task.

    Attributes:
        name: the task's name.
        task_type: the name of its type.
        fields: field of a row that it reads -> the keys under which a row may have it: its own name, or that of a whole
            that it is a part of.
        texts: how many texts it reads, 1 or 2; 0 if it cannot be asked with texts alone.
        labels: its labels in order; empty if it has none.
        max_length: the most tokens that it reads of an input, or in a window of it. Longer inputs are cut.
        parts: how an input becomes several token sequences; None if it is one, which is cut where it is too long.
        in_windows: whether it reads long texts in windows. Then a pair is cut if both its texts are long.
        needs_all_rows: whether a prediction depends on the other rows of its question.
        pass_of_rows: which pass through the encoder the task needs for rows; tasks with the same number share one.
        pass_of_texts: the same for texts alone.
    """

    name: str
    task_type: str
    fields: Mapping[str, Sequence[str]]
    texts: int
    labels: tuple[str, ...]
    max_length: int
    parts: Parts | None
    in_windows: bool
    needs_all_rows: bool
    pass_of_rows: int
    pass_of_texts: int

    def to_json(self) -> dict[str, Any]:
        """What ``/tasks`` says of it."""
        return {
            "name": self.name,
            "type": self.task_type,
            "fields": list(self.fields),
            "texts": self.texts,
            "labels": list(self.labels),
            "max_length": self.max_length,
        }


@dataclass(frozen=True)
class Question:
    """What is asked of an engine: some tasks, on some inputs.

    Attributes:
        tasks: the names of tasks, each once.
        rows: field -> value for each input; empty if there are texts.
        texts: one text or two for each input; empty if there are rows.
    """

    tasks: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]] = ()
    texts: Sequence[Sequence[str]] = ()

    def __len__(self) -> int:
        return len(self.rows) + len(self.texts)


class Engine(Protocol):
    """Something that answers. A process has one, and asks it from one thread at a time."""

    @property
    def tasks(self) -> Mapping[str, ServedTask]:
        """Name -> task."""

    def answer(self, question: Question) -> Answers:
        """Answers in the order of the inputs.

        An input's answer does not depend on the other inputs, unless the task ``needs_all_rows``.

        Raises:
            MtsmartError: an input cannot be read. ``file`` names it: ``row 1`` is the first one.
        """


def numbered(passes: Iterable[Sequence[str]]) -> dict[str, int]:
    """Task -> the number of the pass through the encoder that it needs.

    Args:
        passes: the names of the tasks that share each pass.
    """
    return {name: number for number, sharing in enumerate(passes) for name in sharing}
