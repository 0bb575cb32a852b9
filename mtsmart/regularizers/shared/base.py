"""The seam between regularisers and training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self, TypeVar, cast

from mtsmart.config.regularizers import DEFAULT, REGULARIZERS, Method, MethodSettings
from mtsmart.config.sections import RunConfig
from mtsmart.config.strict import StrictModel
from mtsmart.errors import warn
from mtsmart.registry import form_of, wrong_result
from mtsmart.regularizers.shared.hooks import UpdateHooks, in_turn

if TYPE_CHECKING:  # the configuration and the tables of sweeps read methods without torch
    from torch import Tensor

    from mtsmart.models.encoder import Encoder
    from mtsmart.models.multitask import MultiTaskModel
    from mtsmart.regularizers.shared.clean_pass import CleanPass
    from mtsmart.task_types import TaskType

S = TypeVar("S", bound=MethodSettings)
_FORMAT = 2  # of what state_dict gives; the first had no number
STUDENT = "student"
"""The name of the student among the models that an evaluation may score."""


class Term(NamedTuple):
    """What a method adds to a batch's loss.

    Attributes:
        value: a scalar, part of the graph.
        figures: unweighted figures to log: detached scalars, each described in the method's ``figures``.
    """

    value: Tensor
    figures: dict[str, Tensor]


@dataclass(frozen=True)
class Needs:
    """What a term needs of the clean pass.

    Attributes:
        masks: whether it replays the dropout masks, which are then kept.
        input_gradient: whether it takes a gradient in ``CleanPass.inputs_embeds``. Where no term does, the clean pass
            of a frozen encoder builds no graph.
    """

    masks: bool = False
    input_gradient: bool = False


class Rounded(NamedTuple):
    """What bfloat16 takes of a method.

    Attributes:
        setting: what is too small, such as ``smart.epsilon=1e-05``.
        told: the whole warning, which begins with the setting.
    """

    setting: str
    told: str


@dataclass(frozen=True)
class Places:
    """The sections of a method in an experiment: they give the keys that errors and warnings name.

    Attributes:
        method: the method.
        section: that of the experiment; None if there is none.
        of_tasks: task -> its own section, or None.
    """

    method: type[Method]
    section: StrictModel | None
    of_tasks: Mapping[str, StrictModel | None]

    @property
    def method_key(self) -> str:
        """The section that switches the method on: the experiment's, or else that of the first task that does."""
        general = self.method.resolve(self.section)
        if general is not None and general.is_on:
            return self.method.name
        first = next(iter(self.method.effect(self.section, self.of_tasks)), None)
        return self.method.name if first is None else f"tasks.{first}.{self.method.name}"

    def setting_key(self, task: str, name: str) -> str:
        """Where a setting of a task is from: the task's own section if that says it or a preset, or stands alone."""
        general = f"{self.method.name}.{name}"
        is_own = self.section is None or self.says(task, name) or self.says(task, "preset")
        return f"tasks.{task}.{general}" if is_own and self.of_tasks.get(task) is not None else general

    def says(self, task: str, name: str) -> bool:
        """Whether a task's own section has a setting."""
        return getattr(self.of_tasks.get(task), name, None) is not None


def places_of(method: type[Method], parts: Mapping[str, Any], of_tasks: Mapping[str, Any]) -> Places:
    """The sections of a method.

    Args:
        method: the method.
        parts: the experiment's sections of methods, by name.
        of_tasks: task -> its definition.
    """
    own = {task: definition.parts.get(method.name) for task, definition in of_tasks.items()}
    return Places(method, parts.get(method.name), own)


@dataclass(frozen=True)
class Context:
    """The run that a method works in.

    Attributes:
        model: the student, on its device.
        tasks: by name.
        total_updates: the length of training.
        learning_rate: the learning rate of the encoder in an update, counted from 0.
        seed: the run's. What a method draws for the whole model must be the same in each of several processes, so it
            comes from this seed and not from torch's generator.
    """

    model: MultiTaskModel
    tasks: Mapping[str, TaskType]
    total_updates: int
    learning_rate: Callable[[int], float] = lambda update: 1.0
    seed: int = 0


def weighted(settings: MethodSettings, term: Term) -> Term:
    """A checked term with its weight, and with that of the updates that do not have it."""
    return Term(every(settings) * factor_of(settings) * term.value, term.figures)


def factor_of(settings: MethodSettings) -> float:
    """The factor of a term: the setting that switches the method off where it is 0."""
    return float(getattr(settings, settings.switch))


def checked(regularizer: Regularizer[Any], task: str, term: Any) -> Term:
    """What a method gives as its term of a task's batch.

    Raises:
        TrainingError: it is no term, or its value or a figure is no tensor of shape ().
    """
    if not isinstance(term, Term):
        hint = "It must be mtsmart.regularizers.Term(value, figures), or None for a batch that has no term"
        raise wrong_result(type(regularizer), f"its term is {form_of(term)}", hint, task=task)
    if not _is_scalar(term.value):
        hint = "It must be the mean over the batch, a tensor of shape ()"
        raise wrong_result(type(regularizer), f"the value of its term is {form_of(term.value)}", hint, task=task)
    for name, figure in term.figures.items():
        if not _is_scalar(figure):
            hint = "It must be a detached tensor of shape ()"
            raise wrong_result(type(regularizer), f"its figure '{name}' is {form_of(figure)}", hint, task=task)
    return term


def _is_scalar(value: Any) -> bool:
    from torch import Tensor  # which whoever has a term has loaded

    return isinstance(value, Tensor) and value.ndim == 0


class Regularizer(UpdateHooks, Method, Generic[S]):
    """A method at work in one run. A subclass implements ``term``, or hooks that change gradients or weights.

    Args:
        context: the run.
        settings: task -> complete settings. Without ``per_task`` all tasks have the same.

    Attributes:
        updates: how many updates are done.
    """

    def __init__(self, context: Context, settings: Mapping[str, S]) -> None:
        self.context = context
        self.settings = dict(settings)
        self.updates = 0

    def needs(self, task: str) -> Needs:
        """What the term of a task's batches needs of the clean pass."""
        return Needs()

    def term(self, clean: CleanPass, settings: S) -> Term | None:
        """The term of a batch without its weight; None if this batch has none, or if the method has no term."""
        return None

    def is_active(self, task: str) -> bool:
        """Whether the present update adds the term to a task's batches."""
        settings = self.settings[task]
        fits = self.has_term_for(self.context.tasks[task].definition.task_type)
        return fits and settings.is_on and is_due(self.updates, every(settings))

    def loss(self, clean: CleanPass) -> Term | None:
        """The weighted term; None where it is switched off for the batch's task or for this update."""
        if not self.is_active(clean.task.name):
            return None
        settings = self.settings[clean.task.name]
        term = self.term(clean, settings)
        return None if term is None else weighted(settings, checked(self, clean.task.name, term))

    def start(self, model: MultiTaskModel, updates: int) -> None:
        """Begin with ``model`` as it is after ``updates`` updates: for a method that a resumed run adds."""
        self.updates = updates

    def after_update(self, model: Callable[[], MultiTaskModel]) -> None:
        """Called after each optimizer step. ``model()`` gives all weights, which a sharded run gathers for it."""
        self.updates += 1

    def candidates(self, models: dict[str, MultiTaskModel]) -> dict[str, MultiTaskModel]:
        """The models that an evaluation scores, by name. The one with the best score is kept.

        Args:
            models: those so far: the student, and what earlier regularisers offer.
        """
        return models

    def measure(self, model: MultiTaskModel) -> dict[str, float]:
        """Figures of the method's own state, computed when a line is logged (this may wait for the device)."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of its state, for a resume point."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """The rest of its state (JSON types)."""
        return {"updates": self.updates, "format": _FORMAT}

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Continue from what ``state_dict`` and ``tensors`` gave."""
        self.updates = int(state["updates"])

    @classmethod
    def reason_idle(cls, context: Context) -> str | None:
        """Why the method's term is 0 in every update of the run, in one sentence; None if it is not."""
        return None

    @classmethod
    def gold_share(cls, settings: S, task: str) -> float:
        """The share of a task's gold loss in whose place the term puts something else; 0: it only adds to it."""
        return 0.0

    @classmethod
    def rounded(cls, settings: Mapping[str, S], encoder: Encoder) -> list[Rounded]:
        """What bfloat16 rounds away, so that ``training.precision: auto`` takes float32; empty if nothing.

        Args:
            settings: task -> complete settings, for the tasks for which the method is on.
            encoder: the run's.
        """
        return []

    @classmethod
    def build(cls, config: RunConfig, context: Context) -> Self | None:
        """The method as an experiment configures it; None if it is off for every task.

        A warning names each setting that has no effect or that bfloat16 rounds away, a preset that is off although its
        name does not say so, and a method whose term is always 0.
        """
        section = config.parts.get(cls.name)
        of_tasks = {name: task.definition.parts.get(cls.name) for name, task in context.tasks.items()}
        settings = {name: cls.resolve(section, own) for name, own in of_tasks.items()}
        # What the section says also holds where it is off and a task switches the method on, unless by a preset.
        heirs = [settings[name] for name, own in of_tasks.items() if getattr(own, "preset", None) is None]
        _warn_if_unused(cls, cls.name, section, [cls.resolve(section), *heirs])
        _warn_if_default(cls, cls.name, section, heirs)
        for name, own in of_tasks.items():
            _warn_if_unused(cls, f"tasks.{name}.{cls.name}", own, [settings[name]])
            _warn_if_default(cls, f"tasks.{name}.{cls.name}", own, [settings[name]])
        on = {name: one for name, one in settings.items() if one is not None and one.is_on}
        places = Places(cls, section, of_tasks)
        for key, one in {places.setting_key(name, "every"): one for name, one in on.items()}.items():
            _warn_if_never(key, every(one), context.total_updates)
        _warn_if_unfit(cls, {name: context.tasks[name].definition.task_type for name in on}, of_tasks)
        if on and (reason := cls.reason_idle(context)) is not None:
            warn(f"{places.method_key}: {reason}")
        if on and config.training.precision == "bfloat16":
            for each in cls.rounded(cast(dict[str, S], on), context.model.encoder):
                warn(each.told)
        return cls(context, cast(dict[str, S], settings)) if on else None


def has_first_defaults(state: Mapping[str, Any]) -> bool:
    """Whether a state is of a run that began when some defaults were others, which the run must keep."""
    return "format" not in state


def build_regularizers(config: RunConfig, context: Context) -> dict[str, Regularizer[Any]]:
    """The regularisers that a configuration switches on, in the order in which their terms are added."""
    parts = [config.parts, *(task.definition.parts for task in context.tasks.values())]
    methods = cast(dict[str, type[Regularizer[Any]]], REGULARIZERS.named_in(parts))
    built = [method.build(config, context) for method in in_turn(methods.values(), context.model, "build")]
    return {name: one for name, one in zip(methods, built, strict=True) if one is not None}


def every(settings: MethodSettings) -> int:
    """How many updates lie between two that have the term; settings without ``every`` have it on each."""
    return int(getattr(settings, "every", 1))


def is_due(updates: int, every: int) -> bool:
    """Whether a term that is added at each ``every``-th update is added now, after ``updates`` updates.

    Such a term has ``every`` times its weight, so that its gradient is the same on average (lazy regularisation,
    Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", section 3.1). Two things take some of
    it away again: clipping the gradient's norm, which sees the term at once, and Adam, whose step is not linear in the
    gradient. Karras et al. also change Adam's rate and betas for that, appendix B; mtsmart does not.
    """
    return (updates + 1) % every == 0


def _warn_if_unused(
    method: type[Method], section: str, given: StrictModel | None, resolved: Iterable[MethodSettings | None]
) -> None:
    """Warn of each value of a section that has no effect.

    Args:
        method: the section's.
        section: its key.
        given: what the user wrote there.
        resolved: the complete settings that may come of it.
    """
    if given is None:
        return
    switch = method.Settings.switch
    written = given.model_dump(exclude_unset=True, exclude_none=True, exclude={"preset", switch})
    replaced = [settings.replaced for settings in resolved if settings is not None and settings.is_on]
    for key, value in written.items():
        reason = next((each[key] for each in replaced if key in each), None)
        if not replaced:
            on = 1 if switch == "weight" else f"{getattr(method.presets[0].settings, switch):g}"
            why = f"because {section} is off; {section}.{switch}={on} switches it on"
        elif reason is not None and all(key in each for each in replaced):
            why = f"because {section}.{reason} takes its place"
        else:
            continue
        warn(f"{section}.{key}={value}: has no effect, {why}")


def _warn_if_default(
    method: type[Method], section: str, given: StrictModel | None, resolved: Iterable[MethodSettings | None]
) -> None:
    """Warn where the user wrote the preset ``default`` and nothing else, and it leaves the method off.

    The arguments are those of :func:`_warn_if_unused`.
    """
    is_alone = given is not None and given.model_dump(exclude_none=True) == {"preset": DEFAULT}
    if is_alone and not all(settings is not None and settings.is_on for settings in resolved):
        text = f"{section}={DEFAULT}: this preset is off, so the method does nothing; {section}="
        warn(f"{text}{method.presets[0].name} switches it on")


def _warn_if_unfit(method: type[Method], on: Mapping[str, str], of_tasks: Mapping[str, StrictModel | None]) -> None:
    """Warn where a method is on for tasks for whose batches it has no term.

    Args:
        method: the method.
        on: task -> its type, for the tasks for which the method is on.
        of_tasks: task -> its own section of the method.
    """
    unfit = [name for name, task_type in on.items() if not method.has_term_for(task_type)]
    own = [f"tasks.{name}.{method.name}" for name in unfit if of_tasks[name] is not None]
    keys = [method.name] if unfit and len(unfit) == len(on) else own
    if keys:
        reason = f"has no effect, because the term is for {' and '.join(method.task_types)} alone"
        warn(f"{', '.join(keys)}: {reason}")


def _warn_if_never(key: str, every: int, updates: int) -> None:
    if every > updates:
        text = f"{key}={every}: the run has only {updates} updates, so the term is never added"
        warn(text)
