"""The ``grid`` section: arms, tables and seeds of a sweep."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from mtsmart.config.validate import StrictModel
from mtsmart.errors import did_you_mean

Changes = dict[str, Any]


class GridConfig(StrictModel):
    """What `mtsmart sweep` trains. Each table, arm and start is a piece of an experiment file, laid over this one."""

    seeds: list[int] = Field(min_length=1, description="values of training.seed; arms are compared seed by seed")
    arms: dict[str, Changes] = Field(
        min_length=1, description="arm -> its changes; an arm may also name a `start`, whose run it goes on from"
    )
    tables: dict[str, Changes] = Field(
        default_factory=dict,
        description="table -> its changes, such as `tasks: [rte]`, which leaves the file's other tasks out; a table "
        "may also name its `arms`, its `baseline` and a `start` for arms that name none. Without tables there is one",
    )
    starts: dict[str, Changes] = Field(
        default_factory=dict, description="start -> its changes; trained once for each seed, for the arms that name it"
    )
    baseline: str | None = Field(None, description="the arm that the others are compared with; null: the first one")
    conclusions: str | None = Field(
        None,
        description="Markdown file that the page begins with; `{{table / arm / mean}}` in it becomes that figure "
        "(mean, std, difference, interval, p, cost)",
    )

    @model_validator(mode="after")
    def _seeds_differ(self) -> GridConfig:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("'seeds' has the same number twice")
        if min(self.seeds) < 0 or max(self.seeds) >= 2**63:
            raise ValueError("'seeds' must not be negative, nor 2^63 or more")
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> GridConfig:
        self._check_arm("baseline", self.baseline)
        for section in ("arms", "tables"):
            for name, piece in getattr(self, section).items():
                start = piece.get("start")
                if start is not None and start not in self.starts:
                    hint = did_you_mean(start, self.starts)
                    raise ValueError(f"{section}.{name}.start: there is no start '{start}'. {hint}")
        for name, table in self.tables.items():
            arms = table.get("arms")
            if arms is not None and (not isinstance(arms, list) or not arms):
                raise ValueError(f"tables.{name}.arms: should be a list of arms")
            for arm in arms or []:
                self._check_arm(f"tables.{name}.arms", arm)
            self._check_arm(f"tables.{name}.baseline", table.get("baseline"))
            if table.get("baseline") is not None and arms is not None and table["baseline"] not in arms:
                raise ValueError(f"tables.{name}.baseline: is not among the table's arms")
        return self

    def _check_arm(self, key: str, arm: Any) -> None:
        if arm is not None and arm not in self.arms:
            raise ValueError(f"{key}: there is no arm '{arm}'. {did_you_mean(arm, self.arms)}")
