"""What a split's specification selects: slices such as ``train[:85%]``, sums of them, and held-out rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import datasets
import numpy as np

from mtsmart.data.readers import StreamedSplit
from mtsmart.data.readers.columns import MixedColumn
from mtsmart.errors import DataError, did_you_mean, reason_in
from mtsmart.tasks.dataset import DatasetSource
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.spellings import named

SourceRows: TypeAlias = datasets.Dataset | StreamedSplit
_SHARE = re.compile(r"[0-9]+(\.[0-9]+)? ?%")
_DRAWN = re.compile(r"(holdout|rest)\((.*)\)", re.DOTALL)


@dataclass(frozen=True)
class Loaded:
    """The rows of one of the data's own splits.

    Attributes:
        rows: the rows.
        numbers: (N,) the number of each row in its file, from 0; None: the rows' places are their numbers.
    """

    rows: SourceRows
    numbers: np.ndarray | None = None


Splits: TypeAlias = Mapping[str, Callable[[], Loaded]]
"""Split name -> function that reads it."""


def bases(spec: str) -> list[str]:
    """The data set's own splits in a specification such as ``train[:85%]+validation``."""
    return [part.partition("[")[0].strip() for part in undrawn(spec)[1].split("+")]


def undrawn(spec: str) -> tuple[str | None, str]:
    """``holdout(S)`` -> holdout, S; None in the first place for a specification without such a word."""
    drawn = _DRAWN.fullmatch(spec)
    return (drawn[1], drawn[2]) if drawn else (None, spec)


def select(splits: Splits, spec: str, place: dict[str, Any]) -> tuple[datasets.Dataset, np.ndarray]:
    """The rows that a specification selects, and their numbers; ``holdout`` and ``rest`` are left to the caller.

    Args:
        splits: the data's own splits.
        spec: for example ``train[:85%]`` or ``train+validation``.
        place: of the specification, for errors.

    Raises:
        DataError: a split is not there, the specification is none, or it selects no rows.
    """
    spec = undrawn(spec)[1]
    for base in bases(spec):
        if named(splits, base) is None:
            hint = _share_hint(base, place) or did_you_mean(base, splits)
            raise DataError(f"the data has no split '{base}'", hint=hint, **place)
    loaded = {base: splits[named(splits, base) or base]() for base in bases(spec)}
    chosen = _chosen(loaded, spec, place)
    if not any(len(part) for _, part in chosen):
        raise DataError("selects no rows", value=spec, **place)
    try:
        rows = chosen[0][1] if len(chosen) == 1 else datasets.concatenate_datasets([part for _, part in chosen])
    except ValueError as error:
        message = f"adds splits whose columns differ: {reason_in(error)}"
        raise DataError(message, value=spec, **place) from None
    return rows, np.concatenate([numbers for numbers, _ in chosen])


def select_with_labels(
    definition: TaskDefinition, opened: Callable[[DatasetSource], Splits], spec: str, place: dict[str, Any]
) -> tuple[datasets.Dataset, np.ndarray]:
    """As :func:`select`, with labels of data files that are texts in some rows and numbers or truth values in others.

    They are read as texts, because labels of equal meaning are the same label: 1 and "1".

    Args:
        definition: the task's.
        opened: gives the splits of a source.
        spec: what is selected.
        place: of the specification, for errors.

    Raises:
        DataError: as :func:`select`, or another column is of several kinds.
    """
    source = definition.dataset
    while True:
        try:
            return select(opened(source), spec, place)
        except MixedColumn as error:
            column = error.key
            if column is None or column not in definition.label_columns or column in source.parse:
                raise
            source = source.model_copy(update={"parse": {**source.parse, column: "text"}})


def check_spec(spec: str, place: dict[str, Any]) -> None:
    """Refuse a specification that cannot be read, without any rows.

    Raises:
        DataError: names ``place``.
    """
    try:
        datasets.ReadInstruction.from_spec(undrawn(spec)[1])
    except (ValueError, AssertionError) as error:
        raise _no_slice(error, spec, place) from None


def _no_slice(error: Exception, spec: str, place: dict[str, Any]) -> DataError:
    hint = _share_hint(spec, place) or "Examples: train[:85%], train[:6000], train[85%:]"
    return DataError(f"is not a split with an optional slice: {error}", value=spec, hint=hint, **place)


def _share_hint(spec: str, place: Mapping[str, Any]) -> str | None:
    """A hint for a share of rows in the place of a split; None for anything else."""
    if _SHARE.fullmatch(spec) is None:
        return None
    if str(place.get("key")).endswith(".train"):
        return f"To train on the first {spec} of the rows, write train[:{spec.replace(' ', '')}]"
    return f"To draw {spec} of the training rows for it, write dataset: {{holdout: {spec}}}"


def _chosen(loaded: Mapping[str, Loaded], spec: str, place: dict[str, Any]) -> list[tuple[np.ndarray, Any]]:
    """The parts that a specification selects, each with its rows' numbers; empty parts are left out."""
    lengths = {base: len(each.rows) for base, each in loaded.items()}
    try:
        parts = datasets.ReadInstruction.from_spec(spec).to_absolute(lengths)
        ranges = [range(part.from_ or 0, lengths[part.splitname] if part.to is None else part.to) for part in parts]
        return [_part(loaded[part.splitname], each) for part, each in zip(parts, ranges, strict=True) if len(each)]
    except (ValueError, AssertionError) as error:
        raise _no_slice(error, spec, place) from None
    except (OSError, datasets.exceptions.DatasetsError) as error:
        reason = reason_in(error.__cause__ or error)
        raise DataError(f"cannot be read: {reason}", value=spec, **place) from None


def _part(loaded: Loaded, places: range) -> tuple[np.ndarray, datasets.Dataset]:
    rows = loaded.rows.select(places)
    if loaded.numbers is not None:
        return loaded.numbers[places.start : places.stop], rows
    return places.start + np.arange(len(rows)), rows  # A streamed split may have fewer rows than were asked for.
