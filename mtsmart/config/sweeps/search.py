"""The ``search`` section: settings that `mtsmart sweep` looks for."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field, model_validator

from mtsmart.config.strict import Misfit, StrictModel

Value: TypeAlias = str | int | float | bool | None
"""A value that a setting may be given."""


class RangeConfig(StrictModel):
    """The values that a setting may have: those from `low` to `high`, or one of the `choices`."""

    low: int | float | None = Field(None, description="the smallest value; if both ends are whole numbers, all are")
    high: int | float | None = Field(None, description="the largest value, which may occur too")
    log: bool = Field(False, description="draw the logarithm evenly: for learning rates and weights")
    choices: list[Value] | None = Field(None, min_length=2, description="the values, of which one is taken")

    @model_validator(mode="after")
    def _is_a_range_or_choices(self) -> RangeConfig:
        if self.choices is not None:
            given = [key for key in ("low", "high", "log") if key in self.model_fields_set]
            if given:
                raise Misfit("does not go with 'choices'", (given[0],), getattr(self, given[0]))
            twice = next((value for value in self.choices if _count(self.choices, value) > 1), None)
            if twice is not None:
                raise Misfit("has the same value twice", ("choices",), twice)
            return self
        if self.low is None or self.high is None:
            raise ValueError("needs 'low' and 'high', or 'choices'")
        if self.low >= self.high:
            raise Misfit(f"must be above 'low', which is {self.low}", ("high",), self.high)
        if self.log and self.low <= 0:
            raise Misfit("must be above 0, because 'log' draws its logarithm", ("low",), self.low)
        return self

    @property
    def ends(self) -> list[Value]:
        """The values between which all others are, or all of the choices."""
        return [self.low, self.high] if self.choices is None else list(self.choices)


class SearchConfig(StrictModel):
    """Settings that are tried one after the other; each trial is a run, and learns from the trials before it."""

    space: dict[str, RangeConfig] = Field(
        min_length=1, description="setting, such as optimizer.learning_rate -> its values"
    )
    trials: int = Field(20, ge=1, le=10_000, description="the number of runs")
    task: str | None = Field(
        None, description="the task whose main metric is to rise; null: the mean of all tasks' main metrics"
    )
    sampler: Literal["tpe", "random"] = Field(
        "tpe", description="tpe: near the settings that were good so far (the first ten at random); random: any"
    )
    pruner: Literal["median", "none"] = Field(
        "median",
        description="median: a trial ends early if its best evaluation so far is below the median of earlier trials "
        "at the same evaluation (from the sixth trial on); none: each trial is trained to its end",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="of the settings that are tried; all trials have training.seed")


def _count(values: list[Value], value: Value) -> int:
    """How often a list holds a value. 1, 1.0 and true are different values."""
    return sum(type(other) is type(value) and other == value for other in values)
