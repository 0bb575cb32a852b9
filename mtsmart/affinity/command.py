"""Measures the affinity of an experiment's tasks, and writes what was found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from mtsmart.affinity.measuring import measure
from mtsmart.affinity.page import page_of, write
from mtsmart.affinity.result import Affinity
from mtsmart.api import single_experiment
from mtsmart.errors import ConfigError, did_you_mean

BATCHES = 2
"""How many batches of each task a measurement differentiates, unless the user says another number."""


def affinity(
    experiment: str | Path,
    overrides: Iterable[str] = (),
    *,
    updates: int | None = None,
    every: int = 20,
    batches: int = BATCHES,
    start: Iterable[str] = (),
    output: Path | None = None,
    notify: Callable[[str], None] = lambda text: None,
) -> Affinity:
    """Train an experiment's joint run for some updates, and measure how its tasks affect each other.

    Args:
        experiment: a YAML file, or the name of a shipped experiment.
        overrides: ``dotted.key=value`` items.
        updates: how long the run is; None: as the experiment says.
        every: updates between two measurements.
        batches: batches of each task that a measurement differentiates, and as many others that it compares losses on.
        start: tasks of the run. The other tasks are ranked as starts for each of them.
        output: the folder that gets affinity.json, affinity.md and the heat maps. None: ``affinity/<name>``.
        notify: called with the lines that the user reads.

    Raises:
        MtsmartError: a value, or something of the experiment, does not fit.
    """
    _check_counts(updates=updates, every=every, batches=batches)
    length = [] if updates is None else [f"training.max_updates={updates}"]
    loaded = single_experiment(experiment, [*overrides, *length])
    targets = list(start)
    _check_targets(targets, loaded.config.tasks)
    found = measure(loaded, every, batches, notify, targets)
    folder = output or Path("affinity") / found.name
    told = write(found, folder, targets)
    for text in (page_of(found, targets), *told, f"The files are in {folder}."):
        notify(text)
    return found


def _check_counts(**counts: int | None) -> None:
    for argument, value in counts.items():
        if value is not None and value < 1:
            raise ConfigError("must be at least 1", argument=argument, value=value)


def _check_targets(targets: Iterable[str], tasks: Collection[str]) -> None:
    for target in targets:
        if target not in tasks:
            hint = did_you_mean(target, tasks)
            raise ConfigError("is no task of the experiment", argument="start", value=target, hint=hint)
