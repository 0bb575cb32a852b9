"""How many batches each task gets in an epoch.

An epoch always has as many batches as all tasks have together; a strategy only divides them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from mtsmart.config.sections import MixingConfig
from mtsmart.errors import ConfigError, did_you_mean


def batches_per_task(
    sizes: Mapping[str, int], batches: Mapping[str, int], config: MixingConfig, epoch: int, epochs: int
) -> dict[str, int]:
    """Batches of each task in ``epoch`` (from 0) of ``epochs``; their sum does not depend on the strategy.

    ``sizes`` are the tasks' rows, ``batches`` the batches of one pass over them.

    proportional: every row once. temperature: P ~ N^(1/T). annealed: P ~ N^a, with a falling linearly from
    start_exponent to end_exponent over the epochs (Stickland and Murray 2019). uniform: P equal. weights: P as given.

    Raises:
        ConfigError: ``weights`` names other tasks than there are.
    """
    if config.strategy == "proportional":
        return dict(batches)
    shares = _shares(sizes, config, epoch, epochs)
    return _apportion(shares, sum(batches.values()))


def check_weights(config: MixingConfig, tasks: Collection[str]) -> None:
    """Refuse ``weights`` that do not name exactly ``tasks``.

    Raises:
        ConfigError: names the task.
    """
    weights = config.weights
    for task in [] if weights is None else [*weights, *tasks]:
        if task not in tasks:
            hint = did_you_mean(task, tasks)
            raise ConfigError("names a task that is not trained", key="mixing.weights", value=task, hint=hint)
        if task not in (weights or {}):
            raise ConfigError(f"gives no weight for task '{task}'", key="mixing.weights")


def _shares(sizes: Mapping[str, int], config: MixingConfig, epoch: int, epochs: int) -> dict[str, float]:
    if config.strategy == "weights":
        check_weights(config, sizes)
        return dict(config.weights or {})
    exponent = {
        "uniform": 0.0,
        "temperature": 1 / config.temperature,
        "annealed": config.start_exponent
        + (config.end_exponent - config.start_exponent) * (epoch / (epochs - 1) if epochs > 1 else 0.0),
    }[config.strategy]
    largest = max(sizes.values())  # powers of the sizes themselves leave the range of floats
    return {task: (size / largest) ** exponent for task, size in sizes.items()}


def _apportion(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Divide ``total`` by largest remainder, so that the parts are whole and sum exactly to it."""
    exact = np.asarray(list(shares.values()), dtype=np.float64)
    exact = exact / exact.sum() * total
    parts = np.floor(exact).astype(int)
    order = np.argsort(-(exact - parts), kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return {task: int(part) for task, part in zip(shares, parts, strict=True)}
