"""Optional part: a method that computes its terms of several tasks in one pass, where they read the same texts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeGuard

from mtsmart.config.sections import RunConfig
from mtsmart.errors import ConfigError
from mtsmart.regularizers.shared.all_methods import in_use
from mtsmart.regularizers.shared.base import Places, Regularizer, Term, checked, factor_of, places_of, weighted
from mtsmart.tasks.definition import TaskDefinition

if TYPE_CHECKING:
    from mtsmart.regularizers.shared.joined_pass import JoinedPass


class Joins(ABC):
    """Gives the terms of all members of a joined pass."""

    def is_joined(self, task: str) -> bool:
        """Whether a task's term comes from the joined pass, and not from a pass of its own."""
        return True

    @classmethod
    def must_agree(cls, settings: Any) -> Mapping[str, Any]:
        """The settings of a task that decide a perturbation which it shares with others, with their values.

        Args:
            settings: complete values of a method that is on. Empty if they have no ``shared``, or if it is false.
        """
        return {}

    @abstractmethod
    def joined_terms(self, joined: JoinedPass) -> list[Term]:
        """The terms of the members without their weights, in the order of the members.

        Those of members whose term is not joined, or not due, are not used.
        """


def joins(regularizer: Regularizer[Any], task: str) -> TypeGuard[Joins]:
    """Whether a method's term of a task comes from the joined pass."""
    return isinstance(regularizer, Joins) and regularizer.is_joined(task)


def is_joined_now(regularizer: Regularizer[Any], task: str) -> bool:
    """Whether the present update has a method's term of a task, from the joined pass."""
    return regularizer.is_active(task) and joins(regularizer, task)


def check_joined(config: RunConfig, definitions: Mapping[str, TaskDefinition], groups: Iterable[Sequence[str]]) -> None:
    """Refuse settings that differ between tasks for which a method searches one perturbation.

    Args:
        config: the experiment's.
        definitions: of its tasks.
        groups: the names of the tasks that read the same texts.

    Raises:
        ConfigError: names the setting, two tasks and their values.
    """
    for group in groups:
        of_group = {task: definitions[task] for task in group}
        for method, on in in_use(config, of_group):
            if issubclass(method, Joins):
                values = {task: method.must_agree(settings) for task, settings in on.items()}
                _check_agreement(places_of(method, config.parts, of_group), values)


def _check_agreement(places: Places, values: Mapping[str, Mapping[str, Any]]) -> None:
    for (first, ours), (second, theirs) in combinations(((task, own) for task, own in values.items() if own), 2):
        for key in (key for key in ours if key in theirs and ours[key] != theirs[key]):
            if places.says(first, key) and not places.says(second, key):
                raise _disagreement(places.method.name, key, second, ours=theirs[key], task=first, theirs=ours[key])
            raise _disagreement(places.method.name, key, first, ours=ours[key], task=second, theirs=theirs[key])


def _disagreement(method: str, key: str, first: str, *, ours: Any, task: str, theirs: Any) -> ConfigError:
    """The error of a task whose own section says something else than another task has."""
    return ConfigError(
        f"must be that of the task {first}, {ours!r}, because both read the same texts and share one perturbation "
        f"({method}.shared)",
        key=f"tasks.{task}.{method}.{key}",
        value=theirs,
        hint=f"Give both the same value, or set tasks.{task}.{method}.shared=false",
    )


def joined_losses(regularizer: Regularizer[Any], joined: JoinedPass) -> list[Term | None]:
    """The weighted terms of the members of a joined pass; None where the method is off or does not join them."""
    assert isinstance(regularizer, Joins)
    names = [member.task.name for member in joined.members]
    settings = regularizer.settings
    factors = {name: factor_of(settings[name]) if is_joined_now(regularizer, name) else 0.0 for name in names}
    weights = {name: weight * factors[name] for name, weight in joined.weights.items()}
    terms = regularizer.joined_terms(replace(joined, weights=weights))
    return [
        weighted(settings[name], checked(regularizer, name, term)) if factors[name] else None
        for name, term in zip(names, terms, strict=True)
    ]
