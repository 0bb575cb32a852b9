"""What a kind of perturbation is, and how it changes the texts of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import datasets

from mtsmart.data.tables.whole_rows import with_column
from mtsmart.registry import Registry
from mtsmart.tasks.dataset import PerturbConfig

VERSION = 1  # raise when a kind changes its texts in another way: cached rows of data files depend on it
T = TypeVar("T")


@dataclass(frozen=True)
class Perturbation:
    """One kind of change.

    Attributes:
        change: text, share and random numbers -> the changed text. All that it draws comes from the random numbers.
        share: how much is changed where the task does not say it, from 0 to 1.
    """

    change: Callable[[str, float, Random], str]
    share: float


PERTURBATIONS: Registry[Perturbation] = Registry("kind of perturbation", folder="mtsmart.data.perturbations")


def perturbed(text: str, config: PerturbConfig) -> str:
    """The changed text. It depends on the text and the settings alone; the same text is changed in the same way.

    Raises:
        ConfigError: there is no such kind.
    """
    kind = PERTURBATIONS[config.kind]
    seed = f"{config.seed}\n{config.kind}\n{text}".encode("utf-8", "surrogatepass")
    return kind.change(text, kind.share if config.share is None else config.share, Random(seed))


def perturbed_rows(rows: datasets.Dataset, columns: Sequence[str], config: PerturbConfig) -> datasets.Dataset:
    """The rows with changed texts in ``columns``. What is no text stays as it is, and so do the other columns.

    Raises:
        ConfigError: there is no such kind.
    """
    order = rows.column_names
    for column in dict.fromkeys(columns):
        values = [perturbed(value, config) if isinstance(value, str) else value for value in rows[column][:]]
        feature = rows.features[column]
        rows = with_column(rows, column, values, feature)
    return rows.select_columns(order)


def drawn(choices: Sequence[T], share: float, random: Random) -> list[T]:
    """A share of the choices in a random order, at least one of them if there are any."""
    count = min(len(choices), max(1, round(share * len(choices))))
    return random.sample(choices, count)
