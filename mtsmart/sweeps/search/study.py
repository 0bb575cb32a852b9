"""What is tried next, and which trial is hopeless. Both follow from the earlier trials alone, with optuna.

Nothing else is remembered, so a search that was killed goes on from the lines of its ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtsmart.config.sweeps.search import RangeConfig, SearchConfig, Value
from mtsmart.errors import ConfigError

if TYPE_CHECKING:
    import optuna

_FIRST = 5  # Before so many trials are finished, none ends early.


@dataclass(frozen=True)
class Tried:
    """A trial that has ended.

    Attributes:
        number: from 1.
        values: setting -> the value that it had.
        score: what is to rise, at the last evaluation.
        curve: the same at each evaluation, the last one included; None where it was no number.
        is_pruned: whether it ended early.
    """

    number: int
    values: dict[str, Value]
    score: float
    curve: tuple[float | None, ...] = ()
    is_pruned: bool = False


@dataclass(frozen=True)
class Trial:
    """A trial that is to be trained.

    Attributes:
        search: the settings of the search.
        study: the hash of what the trials have in common; only trials with the same one are compared.
        number: from 1.
        values: setting -> the value that it gets.
        earlier: the trials that it learns from.
    """

    search: SearchConfig
    study: str
    number: int
    values: dict[str, Value]
    earlier: tuple[Tried, ...]


def check_optuna() -> None:
    """Refuse a search where optuna is not installed.

    Raises:
        ConfigError: says how it is installed.
    """
    try:
        import optuna  # noqa: F401
    except ImportError:
        hint = "pip install 'mtsmart[search]'"
        raise ConfigError("needs optuna, which is not installed", key="search", hint=hint) from None


def propose(search: SearchConfig, number: int, earlier: Sequence[Tried]) -> dict[str, Value]:
    """The settings of a trial. The same arguments give the same settings.

    Args:
        search: the space, the sampler and the seed.
        number: of the trial, from 1.
        earlier: trials of the same space, whose scores are to rise.

    Returns:
        setting -> value.
    """
    import optuna

    text = f"{search.seed} trial {number}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    samplers = optuna.samplers
    sampler = samplers.TPESampler(seed=seed) if search.sampler == "tpe" else samplers.RandomSampler(seed=seed)
    study = _study(search, earlier, sampler)
    params = study.ask(_distributions(search)).params
    return {name: params[name] for name in search.space}


def is_hopeless(search: SearchConfig, curve: Sequence[float | None], earlier: Sequence[Tried]) -> bool:
    """Whether a running trial should end: its best evaluation is below the earlier trials' median at this evaluation.

    Args:
        search: the space and the pruner.
        curve: the score at each evaluation so far; None where it was no number.
        earlier: trials of the same search. Those that ended early do not count in the median.
    """
    import optuna

    if search.pruner == "none" or not curve or curve[-1] is None:
        return False
    running = optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING, intermediate_values=_steps(curve))
    pruner = optuna.pruners.MedianPruner(n_startup_trials=_FIRST)
    return bool(pruner.prune(_study(search, earlier, None), running))


def _study(search: SearchConfig, earlier: Sequence[Tried], sampler: optuna.samplers.BaseSampler | None) -> Any:
    """A study in memory that has the earlier trials, in the order of their numbers."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # It tells of each study that is made.
    try:
        study = optuna.create_study(direction="maximize", sampler=sampler)
    finally:
        optuna.logging.set_verbosity(before)
    distributions = _distributions(search)
    for one in sorted(earlier, key=lambda one: one.number):
        state = optuna.trial.TrialState.PRUNED if one.is_pruned else optuna.trial.TrialState.COMPLETE
        trial = optuna.trial.create_trial(
            state=state,
            value=one.score,
            params=one.values,
            distributions=distributions,
            intermediate_values=_steps(one.curve),
        )
        study.add_trial(trial)
    return study


def _steps(curve: Sequence[float | None]) -> dict[int, float]:
    return {step: value for step, value in enumerate(curve, 1) if value is not None}


def _distributions(search: SearchConfig) -> dict[str, Any]:
    return {name: _distribution(values) for name, values in search.space.items()}


def _distribution(values: RangeConfig) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if values.choices is not None:
        return CategoricalDistribution(values.choices)
    assert values.low is not None and values.high is not None  # RangeConfig makes sure of it
    if isinstance(values.low, int) and isinstance(values.high, int):
        return IntDistribution(values.low, values.high, log=values.log)
    return FloatDistribution(float(values.low), float(values.high), log=values.log)
