"""What a run asks of all its methods at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from mtsmart.config.regularizers import REGULARIZERS, Method, MethodSettings
from mtsmart.config.sections import RunConfig
from mtsmart.errors import ConfigError
from mtsmart.registry import wrong_result
from mtsmart.regularizers.shared.base import Places, Regularizer, Rounded, places_of
from mtsmart.regularizers.shared.hooks import in_turn
from mtsmart.tasks.definition import TaskDefinition

if TYPE_CHECKING:
    from torch import Tensor

    from mtsmart.models.encoder import Encoder
    from mtsmart.models.multitask import MultiTaskModel


def check_regularizers(config: RunConfig, definitions: Mapping[str, TaskDefinition], sharded: bool) -> None:
    """Refuse methods that the rest of an experiment does not go with.

    Args:
        config: the experiment's.
        definitions: of its tasks.
        sharded: whether several processes each keep a part of the weights.

    Raises:
        ConfigError: names the method, or its setting.
    """
    taken: dict[str, dict[str, float]] = {task: {} for task in definitions}
    for method, settings in in_use(config, definitions):
        key = _refusing_parts(places_of(method, config.parts, definitions), settings)
        if sharded and key is not None:
            raise ConfigError("does not go with sharded weights", key=key, hint="Leave training.shard out")
        for task, each in settings.items():
            taken[task][method.name] = method.gold_share(each, task)
    for task, shares in taken.items():
        _check_gold_loss(task, {name: share for name, share in shares.items() if share})


def _check_gold_loss(task: str, shares: Mapping[str, float]) -> None:
    """Refuse methods that together put something in the place of more than the whole gold loss.

    The loss of the clean pass would get a negative weight, although each of them alone gives it a right one.
    """
    if len(shares) > 1 and sum(shares.values()) > 1:
        told = " and ".join(f"{name} takes the place of {share:g}" for name, share in shares.items())
        message = f"{told} of the gold loss, which is more than all of it"
        hint = "Lower a weight, or leave one of them out for this task"
        raise ConfigError(message, key=f"tasks.{task}", hint=hint)


def in_use(
    config: RunConfig, definitions: Mapping[str, TaskDefinition]
) -> Iterator[tuple[type[Regularizer[Any]], dict[str, MethodSettings]]]:
    """The methods that an experiment names, each with its settings for the tasks for which it is on."""
    parts = [config.parts, *(definition.parts for definition in definitions.values())]
    for name, method in REGULARIZERS.named_in(parts).items():
        sections = {task: definition.parts.get(name) for task, definition in definitions.items()}
        yield cast(type[Regularizer[Any]], method), method.effect(config.parts.get(name), sections)


def _refusing_parts(places: Places, settings: Mapping[str, MethodSettings]) -> str | None:
    """The key of a method, or of its setting, that needs all weights in each process; None: a part of them will do."""
    method = cast(type[Regularizer[Any]], places.method)
    for task, each in settings.items():
        if not method.takes_parts:
            return places.method_key
        for switch in method.whole_only:
            if getattr(each, switch):
                return places.setting_key(task, switch)
    return None


def check_unlabelled(config: RunConfig, definitions: Mapping[str, TaskDefinition]) -> None:
    """Refuse a task without labels for which no method is on that trains without them.

    Raises:
        ConfigError: names the task, and the methods that would do.
    """
    fitting = {name: method for name, method in REGULARIZERS.ordered().items() if method.without_labels}
    for task, definition in definitions.items():
        sections = {name: definition.parts.get(name) for name in fitting}
        is_trained = any(
            method.effect(config.parts.get(name), {task: sections[name]}) for name, method in fitting.items()
        )
        if not definition.has_labels and not is_trained:
            raise ConfigError(
                "its rows have no labels, and no method that trains without them is on, so nothing would be learnt "
                "from them",
                key=f"tasks.{task}.label",
                value=None,
                hint=f"Switch on one of {', '.join(fitting)}, or leave the task out",
            )


def begin(regularizers: Iterable[Regularizer[Any]], model: MultiTaskModel, settle: Callable[[], None]) -> None:
    """Let methods change the weights that a new run starts with.

    Args:
        regularizers: those of the run.
        model: with all its weights.
        settle: called when they have changed.
    """
    every = list(regularizers)
    starting = [one for one in every if one.changes_start]
    for regularizer in in_turn(starting, model, "begin"):
        regularizer.begin(model)
    if starting:
        settle()
        for regularizer in every:  # such as a teacher, which is a copy of the model
            regularizer.start(model, 0)


def probe(
    regularizers: Iterable[Regularizer[Any]], model: MultiTaskModel, gradients: Callable[[], Iterator[None]]
) -> None:
    """Show methods the gradients of the first updates, for those that want to see them before training.

    Args:
        regularizers: those of the run.
        model: is trained.
        gradients: gives an iterator, each step of which leaves the gradients of one update in the parameters. It may
            end before the methods have seen as many as they want.
    """
    wanting = [one for one in regularizers if one.probes > 0]
    if not wanting:
        return
    for number, _ in enumerate(islice(gradients(), max(one.probes for one in wanting))):
        for regularizer in wanting:
            if number < regularizer.probes:
                regularizer.probe(model)


def after_update(
    regularizers: Iterable[Regularizer[Any]],
    model: MultiTaskModel,
    whole: Callable[[], MultiTaskModel],
    updates: int,
) -> None:
    """Tell all methods that an update is over.

    Args:
        regularizers: those of the run.
        model: is trained.
        whole: gives the model with all its weights.
        updates: how many updates are done.

    Raises:
        TrainingError: a method has not counted the update.
    """
    for regularizer in in_turn(regularizers, model, "after_update"):
        regularizer.after_update(whole)
        check_count(regularizer, updates, "after_update")


def check_count(regularizer: Regularizer[Any], updates: int, hook: str) -> None:
    """Refuse a method that has lost count of the updates, because its term would be due in the wrong ones.

    Args:
        regularizer: the method.
        updates: how many are done.
        hook: the method of the class in which it should have counted.

    Raises:
        TrainingError: names the hook.
    """
    counted = getattr(regularizer, "updates", None)
    if counted != updates:
        hint = f"{hook} must call super().{hook}(...), which counts them"
        what = f"its 'updates' is {counted}, and {updates} are done"
        raise wrong_result(type(regularizer), what, hint, hook=hook)


def before_evaluation(regularizers: Iterable[Regularizer[Any]], model: MultiTaskModel) -> None:
    """Tell all methods that an evaluation comes; ``model`` has all its weights."""
    for regularizer in regularizers:
        regularizer.before_evaluation(model)


def checked_numbers(method: object, figures: dict[str, float]) -> dict[str, float]:
    """What ``measure`` gives for the lines of metrics.jsonl.

    Args:
        method: the regulariser or weighting that gives it.
        figures: by name.

    Raises:
        TrainingError: a figure is no number.
    """
    for name, value in figures.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            what = f"'{name}' is of the type {type(value).__name__}, which is no number"
            raise wrong_result(type(method), what, "Give float(value)", hook="measure")
    return figures


def states(regularizers: Mapping[str, Regularizer[Any]]) -> dict[str, dict[str, Any]]:
    """Method -> its state in JSON types, for a resume point.

    Raises:
        TrainingError: a value is of no such type.
    """
    found = {name: regularizer.state_dict() for name, regularizer in regularizers.items()}
    for name, state in found.items():
        for key, value in state.items():
            try:
                json.dumps(value)
            except (TypeError, ValueError):
                what = f"'{key}' holds what JSON cannot, in a {type(value).__name__}"
                hint = "Tensors belong into what the method 'tensors' gives"
                raise wrong_result(type(regularizers[name]), what, hint, hook="state_dict") from None
    return found


def tensors(regularizers: Mapping[str, Regularizer[Any]]) -> dict[str, dict[str, Tensor]]:
    """Method -> the tensors of its state, on the CPU and contiguous, for a resume point.

    Raises:
        TrainingError: one is no tensor.
    """
    from torch import Tensor

    found = {name: regularizer.tensors() for name, regularizer in regularizers.items()}
    for name, of_method in found.items():
        for key, value in of_method.items():
            if not isinstance(value, Tensor):
                what = f"'{key}' is no tensor but a {type(value).__name__}"
                hint = "Numbers and texts belong into what the method 'state_dict' gives"
                raise wrong_result(type(regularizers[name]), what, hint, hook="tensors")
    return {name: _apart(of_method) for name, of_method in found.items()}


def _apart(of_method: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors on the CPU, each with memory of its own; a file of tensors takes none that share theirs."""
    found: dict[str, Tensor] = {}
    used: set[int] = set()
    for key, value in of_method.items():
        own = value.detach().cpu().contiguous()
        place = own.untyped_storage().data_ptr()
        found[key] = own.clone() if place in used else own
        used.add(place)
    return found


@contextmanager
def differentiating(regularizers: Iterable[Regularizer[Any]], model: MultiTaskModel) -> Iterator[None]:
    """The contexts of all methods in which the gradients of an update are computed."""
    with ExitStack() as stack:
        for regularizer in regularizers:
            stack.enter_context(regularizer.differentiating(model))
        yield


def rounded_away(config: RunConfig, definitions: Mapping[str, TaskDefinition], encoder: Encoder) -> list[Rounded]:
    """What bfloat16 would round away of the methods that are on.

    Args:
        config: the experiment's.
        definitions: of its tasks.
        encoder: the run's.
    """
    return [each for method, on in in_use(config, definitions) if on for each in method.rounded(on, encoder)]


def summaries(config: RunConfig, definitions: Mapping[str, TaskDefinition]) -> list[str]:
    """One sentence for each regulariser that is on; tasks are named where their settings differ."""
    sentences = [_summary(method, on, len(definitions)) for method, on in in_use(config, definitions) if on]
    return sentences or ["No regulariser was on."]


def _summary(method: type[Method], on: Mapping[str, MethodSettings], count: int) -> str:
    """The sentence of a method that is on for some of ``count`` tasks."""
    tasks: dict[str, list[str]] = {}
    for task, settings in on.items():
        tasks.setdefault(method.summary(settings), []).append(task)
    first = next(iter(tasks.values()))
    everywhere = len(first) == count
    texts = [text if everywhere else f"{text} ({', '.join(names)})" for text, names in tasks.items()]
    return f"{method.text.title}: {'; '.join(texts)}."
