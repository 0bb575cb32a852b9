"""What the configuration knows of a regulariser: its settings, its presets, its place in the YAML, its texts.

A method's settings hold complete values. A user may leave out any of them; the section that may be left out in parts
is derived from the settings. What is left out comes from a preset:

- Where nothing is said, ``default`` holds. It is off: see experiments/evidence/RESULTS.md.
- Single values without a preset are laid over the method's first preset.
- ``off`` is the first preset with weight 0, or with 0 in the setting that switches a method without a weight off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar, cast

from pydantic import create_model

from mtsmart.config.method_names import check_name
from mtsmart.config.strict import StrictModel
from mtsmart.registry import Registry

DEFAULT = "default"
OFF = "off"
M = TypeVar("M", bound="Method")
LARGEST = 1e6  # of lengths and weights: far above what makes sense, far below what float32 holds


def is_off(value: Any) -> bool:
    """Whether a section says only that its method is off, whatever the method is."""
    return value is None or value is False or value in (OFF, {"preset": OFF})


class PartialSettings(StrictModel):
    """Base of the sections in which every value may be left out; each is derived from a method's settings."""

    method: ClassVar[str]

    def __reduce__(self) -> tuple[Any, ...]:
        # A derived class has no module to import it from, where another process gets a copy of an experiment.
        return _section_again, (self.method, self.model_dump(exclude_unset=True))


def _section_again(method: str, values: dict[str, Any]) -> StrictModel:
    return REGULARIZERS[method].section()(**values)


class MethodSettings(StrictModel):
    """Base of a method's complete settings.

    Attributes:
        switch: the setting that switches the method off where it is 0. A method that adds a term to the loss has
            ``weight``, the factor of its term; another one names the setting that says how much it does.
    """

    switch: ClassVar[str] = "weight"

    @property
    def is_on(self) -> bool:
        """Whether the method does anything."""
        return bool(getattr(self, self.switch) > 0)

    @property
    def replaced(self) -> dict[str, str]:
        """Settings that have no effect beside others: name -> ``name=value`` of the one that decides instead."""
        return {}


@dataclass(frozen=True)
class Preset:
    """Complete values with a name.

    Attributes:
        name: what the YAML calls it.
        settings: the values.
        source: where they come from: a paper with its section, or an experiment.
    """

    name: str
    settings: MethodSettings
    source: str


@dataclass(frozen=True)
class Alarm:
    """When a figure runs away: it is above ``least`` and above ten times the median of its earlier values.

    Attributes:
        least: values up to this one are never called out.
        advice: what a user can do, in a few words.
        unless_learning: whether it is no alarm while the task's loss is below that of the beginning. A term that says
            how far the weights have moved grows in a healthy run too.
    """

    least: float
    advice: str
    unless_learning: bool = False


@dataclass(frozen=True)
class Idle:
    """When a term does nothing: none of its values is above ``most`` times the loss of the task.

    Attributes:
        most: the largest share of the loss that changes nothing. Both have the same unit, that of the labels.
        advice: what a user can do, in a few words.
    """

    most: float
    advice: str


@dataclass(frozen=True)
class Figure:
    """A number that a method reports.

    Attributes:
        name: its key in metrics.jsonl.
        what: the words for it in a message, such as "SMART's term".
        unit: its unit.
        legend: one sentence that explains it.
        is_term: whether it is a part of the loss, which must be finite.
        alarm: when the user is notified that a value is large; None: never.
        idle: when the user is notified that all values are small; None: never.
        in_tables: whether a sweep's tables show it.
    """

    name: str
    what: str
    unit: str
    legend: str
    is_term: bool = False
    alarm: Alarm | None = None
    idle: Idle | None = None
    in_tables: bool = True


@dataclass(frozen=True)
class MethodText:
    """What people read about a method (``mtsmart methods NAME``).

    Attributes:
        title: its name as people write it.
        formula: its term.
        paper: where it was published.
        cost: further passes through the encoder for each batch.
        use: when to use it.
        evidence: what the project's own experiments say.
    """

    title: str
    formula: str
    paper: str
    cost: str
    use: str
    evidence: str


class Method:
    """One regularising method, as the configuration sees it. ``mtsmart.regularizers.Regularizer`` adds the term.

    A subclass sets the class attributes. It enters itself into ``REGULARIZERS`` under the name that its section has in
    the YAML, which is also the name of its module.

    Attributes:
        name: the registered name.
        Settings: its complete settings.
        presets: the first one holds where the user gives single values without a preset. A method
            without presets is off unless its section stands in the YAML, and its settings have defaults of their own.
        per_task: whether a task may have settings of its own, under ``tasks.<name>.<method>``.
        own_settings: which settings a task may have of its own; empty: all of them and presets. Where only some are
            named, a task may also switch the method off.
        later_settings: settings that the method did not have when the first ledgers were written, with the values that
            stand for what it did then. A sweep's run with these values keeps its fingerprint.
        order: terms are added in this order, so that sums do not depend on which module was imported first.
        text: what people read about it.
        figures: what it reports.
        still: settings with which the method changes nothing, for tests: its terms are then 0 at the first update, when
            dropout is off and a teacher says what the student says. None: there are no such settings.
        without_labels: whether its term also trains on rows that have no gold labels (``label: null`` in a task).
        task_types: the task types for whose batches the method has a term; empty: all.
        paths: settings that name files or folders, besides those of type ``Path``; relative to the YAML file's folder.
        goes_on: whether a run that fine-tunes from a finished run takes the method's settings from it.
        counts_when_off: whether the fingerprint of a sweep's run names the method when it is off. Only the methods that
            were there when the first ledgers were written do, so that those ledgers stay good.
    """

    name: ClassVar[str]
    Settings: ClassVar[type[MethodSettings]]
    presets: ClassVar[tuple[Preset, ...]] = ()
    per_task: ClassVar[bool] = False
    own_settings: ClassVar[tuple[str, ...]] = ()
    later_settings: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    order: ClassVar[int] = 100
    text: ClassVar[MethodText]
    figures: ClassVar[tuple[Figure, ...]] = ()
    still: ClassVar[Mapping[str, Any] | None] = MappingProxyType({})
    without_labels: ClassVar[bool] = False
    task_types: ClassVar[tuple[str, ...]] = ()
    paths: ClassVar[tuple[str, ...]] = ()
    goes_on: ClassVar[bool] = True
    counts_when_off: ClassVar[bool] = False

    @classmethod
    def section(cls) -> type[StrictModel]:
        """The type of what the user writes: all values may be left out if there are presets."""
        return _section_with_preset(cast(Any, cls)) if cls.presets else cls.Settings

    @classmethod
    def expand(cls, value: Any) -> Any:
        """``paper`` as ``{preset: paper}``, and ``off``, null or false as ``{preset: off}``.

        Settings stay as they are. For a method without presets the same words mean that the section is left out.
        """
        if isinstance(value, dict | StrictModel):
            return value
        if is_off(value):
            return {"preset": OFF} if cls.presets else None
        return {"preset": value} if cls.presets else value

    @classmethod
    def preset(cls, name: str) -> MethodSettings:
        """The complete values of a preset."""
        named = {preset.name: preset.settings for preset in cls.presets}
        off = cls.presets[0].settings.model_copy(update={cls.Settings.switch: 0})
        return {DEFAULT: off, OFF: off, **named}[name]

    @classmethod
    def resolve(cls, *layers: StrictModel | None) -> MethodSettings | None:
        """Complete settings from what the user wrote, later layers winning.

        A layer that names a preset starts anew from that preset.

        Args:
            layers: sections, from the general one to the special one; None where nothing was written.

        Returns:
            None if the method has no presets and no section.
        """
        if not cls.presets:
            given = [layer for layer in layers if layer is not None]
            return given[-1] if given else None  # type: ignore[return-value]
        base = DEFAULT
        changes: dict[str, Any] = {}
        for layer in layers:
            given_values = {} if layer is None else layer.model_dump(exclude_none=True)
            if preset := given_values.pop("preset", None):
                base = preset
                changes = {}
            changes |= given_values
        if base == DEFAULT and changes:  # a user who sets a radius wants the term, and the default may be off
            base = cls.presets[0].name
        return cls.Settings(**{**cls.preset(base).model_dump(), **changes})

    @classmethod
    def summary(cls, settings: Any) -> str:
        """A few words on the settings of a method that is on, for a run's card."""
        return f"{settings.switch} {getattr(settings, settings.switch):g}"

    @classmethod
    def has_term_for(cls, task_type: str) -> bool:
        """Whether the batches of a task type may have the method's term."""
        return not cls.task_types or task_type in cls.task_types

    @classmethod
    def identity(cls, section: StrictModel | None, tasks: Mapping[str, StrictModel | None]) -> Any:
        """What decides the method's effect on a run, in JSON types: complete settings, for each task if it has own."""
        has_own = any(of_task is not None for of_task in tasks.values())
        if not cls.per_task or (cls.own_settings and not has_own):
            return cls._identity_of(cls.resolve(section))
        resolved = {name: cls.resolve(section, of_task) for name, of_task in tasks.items()}
        return {name: cls._identity_of(settings) for name, settings in resolved.items()}

    @classmethod
    def _identity_of(cls, settings: MethodSettings | None) -> dict[str, Any] | None:
        if settings is None:
            return None
        values = settings.model_dump()
        return {name: value for name, value in values.items() if cls.later_settings.get(name, ...) != value}

    @classmethod
    def reason_not_own(cls, section: StrictModel) -> tuple[str, str] | None:
        """The setting that a task must not have for itself, and why; None if there is none."""
        given = section.model_dump(exclude_none=True)
        if not cls.own_settings or given == {"preset": OFF}:
            return None
        for name in given:
            if name not in cls.own_settings:
                known = " and ".join(cls.own_settings)
                return (
                    name,
                    f"is the same for all tasks; a task may have its own {known}, or be switched off with '{OFF}'",
                )
        return None

    @classmethod
    def effect(cls, section: StrictModel | None, tasks: Mapping[str, StrictModel | None]) -> dict[str, MethodSettings]:
        """Task -> complete settings, for the tasks for which the method is on."""
        resolved = {name: cls.resolve(section, of_task) for name, of_task in tasks.items()}
        return {name: settings for name, settings in resolved.items() if settings is not None and settings.is_on}


class MethodRegistry(Registry[type[Method]]):
    """The regularisers. Each learns the name under which it is registered."""

    def register(self, name: str, fits: Iterable[str] = ()) -> Callable[[type[M]], type[M]]:
        """Decorator for a method's class, as :meth:`Registry.register`.

        Raises:
            ValueError: also if the name cannot be a section's or is a file's of a resume point, if the method's text is
                no MethodText, or if nothing switches the method off.
        """
        enter = super().register(name, fits)

        def name_and_enter(method: type[M]) -> type[M]:
            check_name(name)
            _check_switch(method)
            given: Any = method.task_types
            if isinstance(given, str):
                method.task_types = (given,)
            if not isinstance(getattr(method, "text", None), MethodText | None):
                raise ValueError("its text is no MethodText; write text = MethodText(title=..., ...)")
            method.name = name
            enter(method)
            return method

        return name_and_enter

    def ordered(self, names: Iterable[str] | None = None) -> dict[str, type[Method]]:
        """Regularisers by name, in the order in which their terms are added.

        Args:
            names: the ones to give; None: all.
        """
        chosen = {name: self[name] for name in (self if names is None else names)}
        return dict(sorted(chosen.items(), key=lambda item: (item[1].order, item[0])))

    def named_in(self, parts: Iterable[Mapping[str, Any]]) -> dict[str, type[Method]]:
        """The regularisers that have a section somewhere, in their order.

        Args:
            parts: those of an experiment and of its tasks, by name.
        """
        return self.ordered({name for sections in parts for name in sections})

    def figures(self) -> list[Figure]:
        """What all regularisers report, in their order."""
        return [figure for method in self.ordered().values() for figure in method.figures]


def _check_switch(method: Any) -> None:
    """Refuse settings without the one that says whether the method is on."""
    settings = getattr(method, "Settings", None)
    if settings is None:
        return  # which is told as what the entry lacks
    if not (isinstance(settings, type) and issubclass(settings, MethodSettings)):
        raise ValueError("its Settings are no MethodSettings; extend mtsmart.regularizers.MethodSettings")
    switch = settings.switch
    if switch in settings.model_fields:
        return
    if switch == MethodSettings.switch:
        raise ValueError(
            f"{settings.__name__} lacks the field '{switch}'; add '{switch}: float = Field(ge=0)', the factor of the "
            "term, or for a method without a term name in 'switch' the field that switches it off where it is 0"
        )
    raise ValueError(f"{settings.__name__} lacks the field '{switch}', which its 'switch' names; add the field")


REGULARIZERS = MethodRegistry(
    "regulariser",
    folder="mtsmart.regularizers",
    folders=["mtsmart.regularizers.weights"],
    modules=["mtsmart.distill"],
    group="mtsmart.regularizers",
    needs=["Settings", "text", "resolve", "term"],
)


@cache
def _section_with_preset(method: Any) -> type[StrictModel]:
    """The settings in the form in which everything may be left out, and with the key ``preset``."""
    names = tuple(dict.fromkeys((DEFAULT, *(preset.name for preset in method.presets), OFF)))
    fields: dict[str, Any] = {"preset": (Literal[names] | None, None)}
    for name, field in method.Settings.model_fields.items():
        optional = copy(field)
        optional.default = None
        optional.default_factory = None
        fields[name] = (field.annotation | None, optional)
    section: Any = create_model(
        f"{method.Settings.__name__}Section",
        __base__=PartialSettings,
        __doc__=f"What the user says of {method.text.title}; the rest comes from the preset.",
        **fields,
    )
    section.method = method.name
    return cast(type[StrictModel], section)
