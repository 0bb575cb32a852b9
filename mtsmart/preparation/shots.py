"""A few training rows of each label, for tasks that are learnt from few examples.

What is drawn depends on the seed and on the content of the rows, so the same rows are drawn on every machine, and in
whatever order they stand.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping

import datasets

from mtsmart.config.document import Document
from mtsmart.config.sections import TrainingConfig
from mtsmart.errors import warn
from mtsmart.task_types.interface.base import TaskType
from mtsmart.task_types.shared.labels import Kind, Meaning
from mtsmart.task_types.shared.named_labels import NamedLabels
from mtsmart.tasks.library import Entry
from mtsmart.text.counts import some_of
from mtsmart.text.json_text import json_text

_READ = 10_000  # rows in memory together
_SHOWN = 8  # labels that a line names


def with_shots_seed(entries: Mapping[str, Entry], seed: int) -> dict[str, Entry]:
    """The tasks of an experiment. Those with ``shots`` and no seed of their own get the experiment's.

    So the run's configuration holds the seed, and a run that continues from it draws the same rows.

    Args:
        entries: task -> its entry.
        seed: training.seed.
    """
    return {
        name: Entry(name, entry.document.merged(Document({"shots_seed": seed})))
        if entry.definition.shots is not None and entry.definition.shots_seed is None
        else entry
        for name, entry in entries.items()
    }


def draw_shots(task: TaskType, rows: datasets.Dataset, place: str) -> tuple[datasets.Dataset, bool]:
    """The training rows that ``shots`` leaves, in their order.

    Args:
        task: the task, whose type has one label a row.
        rows: complete source rows with labels, and their numbers in ``row``.
        place: what warnings call the rows.

    Returns:
        the rows; all of them if the task has no ``shots``. And whether a label was told that has fewer rows.
    """
    count = task.definition.shots
    if count is None:
        return rows, False
    assert isinstance(task, NamedLabels)  # check_shots refuses other tasks.
    given = task.definition.shots_seed
    seed = TrainingConfig().seed if given is None else given
    ranks: dict[Meaning, list[tuple[bytes, int]]] = {}
    for number, (label, rank) in enumerate(zip(_meanings(task, rows), _ranks(rows, seed), strict=True)):
        ranks.setdefault(label, []).append((rank, number))
    drawn: list[int] = []
    for label, found in ranks.items():
        # Encoding refuses a row whose label is unknown, so no such row may be lost here.
        chosen = found if label.kind is Kind.UNKNOWN else sorted(found)[:count]
        drawn += [number for _, number in chosen]
    known = {label: len(found) for label, found in ranks.items() if label.kind is not Kind.UNKNOWN}
    short = {_name(task, label): found for label, found in known.items() if found < count}
    if short:
        _tell(short, count, place)
    return rows.select(sorted(drawn)), bool(short)


def _meanings(task: NamedLabels, rows: datasets.Dataset) -> Iterator[Meaning]:
    """The label of each row. Spellings of equal meaning are one label."""
    for batch in rows.select_columns([task.label]).iter(_READ):
        yield from map(task.names.meaning, batch[task.label])


def _ranks(rows: datasets.Dataset, seed: int) -> Iterator[bytes]:
    """A number for each row that looks random, from its content; rows with the same content are counted."""
    seen: Counter[bytes] = Counter()
    columns = sorted(name for name in rows.column_names if name != "row")
    for batch in rows.select_columns(columns).iter(_READ):
        for values in zip(*(batch[column] for column in columns), strict=True):
            content = hashlib.sha256(json_text(values, default=str).encode(errors="surrogatepass")).digest()
            seen[content] += 1
            yield hashlib.sha256(f"{seed} shots {seen[content]} ".encode() + content).digest()


def _name(task: NamedLabels, label: Meaning) -> str:
    place = label.place if label.kind is Kind.NAME else label.place - task.names.first
    return task.labels[place] if 0 <= place < len(task.labels) else str(label.place)


def _tell(short: Mapping[str, int], count: int, place: str) -> None:
    shown = some_of([f"'{label}' has {rows:,}" for label, rows in short.items()], _SHOWN, "labels")
    warn(f"{place}: fewer rows than shots: {count}, so all are taken: {shown}")
