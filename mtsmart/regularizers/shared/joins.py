"""Optional part: a method that computes its terms of several tasks in one pass, where they read the same texts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

from mtsmart.regularizers.shared.base import Regularizer, Term, weighted

if TYPE_CHECKING:
    from mtsmart.regularizers.shared.joined_pass import JoinedPass


class Joins(ABC):
    """Gives the terms of all members of a joined pass."""

    def is_joined(self, task: str) -> bool:
        """Whether a task's term comes from the joined pass, and not from a pass of its own."""
        return True

    @abstractmethod
    def joined_terms(self, joined: JoinedPass) -> list[Term]:
        """The terms of the members without their weights, in the order of the members."""


def joins(regularizer: Regularizer[Any], task: str) -> TypeGuard[Joins]:
    """Whether a method's term of a task comes from the joined pass."""
    return isinstance(regularizer, Joins) and regularizer.is_joined(task)


def joined_losses(regularizer: Regularizer[Any], joined: JoinedPass) -> list[Term | None]:
    """The weighted terms of the members of a joined pass; None where the method is off in this update."""
    assert isinstance(regularizer, Joins)
    names = [member.task.name for member in joined.members]
    settings = regularizer.settings
    factors = {name: settings[name].weight if regularizer.is_active(name) else 0.0 for name in names}
    weights = {name: weight * factors[name] for name, weight in joined.weights.items()}
    terms = regularizer.joined_terms(replace(joined, weights=weights))
    return [weighted(settings[name], term) if factors[name] else None for name, term in zip(names, terms, strict=True)]
