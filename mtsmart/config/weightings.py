"""The part of a weighting that the configuration needs: its name, its settings and its place in the YAML."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import model_validator

from mtsmart.config.open_section import NamedEntry, OpenSection
from mtsmart.config.regularizers import Figure, MethodText
from mtsmart.config.strict import Misfit, StrictModel
from mtsmart.errors import did_you_mean
from mtsmart.registry import Registry

DEFAULT_WEIGHTING = "mean"


class WeightingSettings(StrictModel):
    """The base class of a weighting's settings. Each setting has a default."""


class WeightingMethod(NamedEntry):
    """One way to combine tasks. ``mtsmart.weighting.Weighting`` extends this class with the computation.

    Attributes:
        Settings: the type of the settings under its name in the YAML.
        text: what people read about it; None: the text at the top of its module is all there is.
        figures: what it reports.
    """

    Settings: ClassVar[type[WeightingSettings]] = WeightingSettings
    text: ClassVar[MethodText | None] = None
    figures: ClassVar[tuple[Figure, ...]] = ()


WEIGHTINGS: Registry[type[WeightingMethod]] = Registry(
    "weighting",
    folder="mtsmart.weighting",
    group="mtsmart.weightings",
    needs=["Settings", "section", "expand", "combine"],
)


class WeightingConfig(OpenSection):
    """How the losses of an update's batches become one gradient: the name of one weighting, with its settings."""

    registry = WEIGHTINGS

    @model_validator(mode="before")
    @classmethod
    def _exists(cls, data: Any) -> Any:
        if isinstance(data, cls):
            return data
        if not isinstance(data, dict):
            raise Misfit("should be the name of a weighting", (), data, did_you_mean(data, WEIGHTINGS))
        for name, value in data.items():
            if not cls.has_key(name):
                raise Misfit(f"there is no weighting '{name}'", (name,), hint=_hint_for_unknown(name, value))
        return data

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.parts) > 1:
            raise ValueError(f"names several weightings ({', '.join(self.parts)}); an update has one")
        return self

    @property
    def name(self) -> str:
        """The weighting's name."""
        return next(iter(self.parts), DEFAULT_WEIGHTING)

    @property
    def settings(self) -> WeightingSettings:
        """The weighting's settings, defaults included."""
        given: WeightingSettings | None = self.parts.get(self.name)
        return WEIGHTINGS[self.name].Settings() if given is None else given


def _hint_for_unknown(name: Any, value: Any) -> str:
    """Why there is no weighting ``name``, or what to write instead."""
    if isinstance(value, str) and value in WEIGHTINGS:
        return f"Give the weighting itself: weighting: {value}"
    return WEIGHTINGS.hint(str(name))


def expand_weighting(value: Any) -> Any:
    """Turn ``mean`` into ``{mean: {}}`` and null into the default. A mapping stays as it is."""
    if value is None or value == DEFAULT_WEIGHTING:
        return {}
    return {value: {}} if isinstance(value, str) else value
