"""What methods give and report beside what they say that they do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mtsmart.errors import warn
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.registry import title_of, wrong_result
from mtsmart.regularizers import Regularizer, Term, all_methods
from mtsmart.weighting import Weighting

OF_LINES = ("type", "update", "learning_rate", "gradient_norm", "skipped", "tasks")
"""The keys of a line of metrics.jsonl that tells of training; figures of methods' own states stand beside them."""
OF_TASKS = ("loss",)
"""The figures of each task beside those that terms report."""


class Reported:
    """What comes with terms. One warning a method tells of figures that none describes, and one of a constant term.

    Args:
        regularizers: those of the run.
    """

    def __init__(self, regularizers: Iterable[Regularizer[Any]]) -> None:
        self._described = {one: {figure.name for figure in one.figures} for one in regularizers}
        self._seen: dict[Regularizer[Any], set[str]] = {}
        self._owners: dict[str, Regularizer[Any]] = {}
        self._constant: set[Regularizer[Any]] = set()

    def ask(self, regularizer: Regularizer[Any], is_labelled: bool) -> None:
        """Note that a batch has asked a method for its term; some terms need gold labels."""
        if is_labelled:
            self._seen.setdefault(regularizer, set())

    def look(self, regularizer: Regularizer[Any], term: Term, in_graph: bool) -> None:
        """Read the names of a term's figures, and whether it depends on weights.

        Args:
            regularizer: gives the term.
            term: with its weight.
            in_graph: whether the loss that it is added to depends on weights.

        Raises:
            TrainingError: a figure has the name of another one.
        """
        if in_graph and not term.value.requires_grad:
            self._tell_of_constant(regularizer, term)
        seen = self._seen.setdefault(regularizer, set())
        if term.figures.keys() <= seen:
            return
        for name in term.figures:
            if name in OF_TASKS or self._owners.setdefault(name, regularizer) is not regularizer:
                what = f"its figure '{name}' has the name of another figure of the task"
                raise wrong_result(type(regularizer), what, "Give it another name, such as the method's")
        described = self._described[regularizer]
        others = [figure for figure in term.figures if figure not in described]
        if others and seen <= described:  # it has not been told yet
            text = (
                f"{title_of(type(regularizer))} reports {_quoted(others)}, which none of its figures describes: add a "
                "Figure of this name to the class's 'figures'"
            )
            warn(text)
        seen.update(term.figures)

    def _tell_of_constant(self, regularizer: Regularizer[Any], term: Term) -> None:
        if regularizer in self._constant or not bool(term.value):  # A term whose state is still empty may be 0.
            return
        self._constant.add(regularizer)
        text = (
            f"{title_of(type(regularizer))}: its term depends on no weights, so it trains nothing: compute it without "
            "torch.no_grad() and detach(), which cut it off"
        )
        warn(text)

    def warn_of_missing(self) -> None:
        """Tell at the end of training of each figure that is described as a part of the loss, and never came.

        A method that no batch has asked for its term has nothing to report.
        """
        for method, seen in self._seen.items():
            missing = [figure.name for figure in method.figures if figure.is_term and figure.name not in seen]
            if missing:
                text = (
                    f"{title_of(type(method))} never reported {_quoted(missing)}, which its figures describe with "
                    "is_term: 'term' must give it in Term(value, figures)"
                )
                warn(text)


def measured(
    regularizers: Iterable[Regularizer[Any]], model: MultiTaskModel, weighting: Weighting[Any]
) -> dict[str, float]:
    """The figures of the own states of all methods and of the weighting; ``model`` has all its weights.

    Raises:
        TrainingError: one is no number, or has the name of another figure of the line.
    """
    found: dict[str, float] = {}
    own = [(one, one.measure(model)) for one in regularizers]
    for method, figures in [*own, (weighting, weighting.measure())]:
        taken = next((name for name in figures if name in found or name in OF_LINES), None)
        if taken is not None:
            hint = "Give it another name, such as one that begins with the method's"
            raise wrong_result(type(method), f"each line of metrics.jsonl has '{taken}' already", hint, hook="measure")
        found |= all_methods.checked_numbers(method, figures)
    return found


def _quoted(names: Iterable[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)
