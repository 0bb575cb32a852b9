"""The number of batches that each task gets in an epoch.

An epoch has as many batches as one pass over all tasks; a strategy only divides them. The strategy ``rounds`` adds a
few, so that its last round is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from mtsmart.config.document import Document
from mtsmart.config.sections import MixingConfig
from mtsmart.errors import ConfigError, did_you_mean, warn

_STRATEGY_OF = {"temperature": "temperature", "start_exponent": "annealed", "end_exponent": "annealed"}

_SUMMARIES: dict[str, Callable[[MixingConfig], str]] = {
    "proportional": lambda config: "every row once in an epoch",
    "uniform": lambda config: "every task with the same frequency",
    "temperature": lambda config: f"P ~ N^(1/{config.temperature:g})",
    "annealed": lambda config: f"P ~ N^a, a from {config.start_exponent:g} to {config.end_exponent:g}",
    "weights": lambda config: ", ".join(f"{task} {weight:g}" for task, weight in (config.weights or {}).items()),
    "rounds": lambda config: "every update holds one batch of each task",
}


def batches_per_task(
    sizes: Mapping[str, int], batches: Mapping[str, int], config: MixingConfig, epoch: int, epochs: int
) -> dict[str, int]:
    """Batches of each task in ``epoch`` (from 0) of ``epochs``.

    proportional: every row once. temperature: P ~ N^(1/T). annealed: P ~ N^a, with a falling linearly from
    start_exponent to end_exponent over the epochs (Stickland and Murray 2019). uniform: P equal. weights: P as given.
    rounds: the same number for each task.

    Args:
        sizes: task -> rows.
        batches: task -> batches of one pass over its rows.
        config: the strategy and its settings.
        epoch: number of the epoch.
        epochs: number of epochs of the run.
    """
    if config.strategy == "proportional":
        return dict(batches)
    total = sum(batches.values())
    if config.strategy == "rounds":
        rounds = -(-total // len(batches))
        return dict.fromkeys(batches, rounds)
    shares = _shares(sizes, config, epoch, epochs)
    exact = np.asarray(list(shares.values()), dtype=np.float64)
    parts = apportioned((exact / exact.sum() * total).tolist(), total)
    return dict(zip(shares, parts, strict=True))


def summary_of_mixing(config: MixingConfig) -> str:
    """One short text: the strategy, and what it does."""
    together = "; tasks with the same texts share batches" if config.one_pass else ""
    return f"mixing: {config.strategy}: {_SUMMARIES[config.strategy](config)}{together}"


def check_mixing(config: MixingConfig, tasks: Collection[str], document: Document) -> None:
    """Refuse ``weights`` that do not name exactly ``tasks``, and warn of settings that the strategy does not use.

    A stored configuration also holds the settings that nobody wrote, so only a value other than the default is a sign
    that the user expects an effect.

    Args:
        config: the section.
        tasks: names of the trained tasks.
        document: the experiment, which gives the places of the settings.

    Raises:
        ConfigError: names the task.
    """
    _check_weights(config, tasks)
    for name, strategy in _STRATEGY_OF.items():
        value = getattr(config, name)
        if config.strategy != strategy and value != MixingConfig.model_fields[name].default:
            message = f"only the strategy '{strategy}' uses it, and the strategy is '{config.strategy}'"
            warn(str(document.error(message, ("mixing", name), value=value)))


def _check_weights(config: MixingConfig, tasks: Collection[str]) -> None:
    weights = config.weights
    if weights is None:
        return
    for task in weights:
        if task not in tasks:
            hint = did_you_mean(task, tasks)
            raise ConfigError("names a task that is not trained", key="mixing.weights", value=task, hint=hint)
    for task in tasks:
        if task not in weights:
            raise ConfigError(f"gives no weight for task '{task}'", key="mixing.weights")


def _shares(sizes: Mapping[str, int], config: MixingConfig, epoch: int, epochs: int) -> dict[str, float]:
    if config.strategy == "weights":
        return dict(config.weights or {})
    exponent = _exponent(config, epoch, epochs)
    largest = max(sizes.values())  # Powers of the sizes themselves can be larger than any float.
    return {task: (size / largest) ** exponent for task, size in sizes.items()}


def _exponent(config: MixingConfig, epoch: int, epochs: int) -> float:
    """The exponent a of P ~ N^a."""
    if config.strategy == "uniform":
        return 0.0
    if config.strategy == "temperature":
        return 1 / config.temperature
    # Where tasks have stopped, the others go on in further epochs.
    progress = min(1.0, epoch / (epochs - 1)) if epochs > 1 else 0.0
    return config.start_exponent + (config.end_exponent - config.start_exponent) * progress


def apportioned(exact: Sequence[float], total: int) -> list[int]:
    """Parts of ``total`` as whole numbers whose sum it is: what rounding leaves goes to the largest remainders.

    Args:
        exact: the parts as they would be, whose sum is ``total`` but for the rounding of floats.
        total: what is divided.
    """
    parts = [int(share) for share in exact]
    order = sorted(range(len(exact)), key=lambda place: (parts[place] - exact[place], place))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts
