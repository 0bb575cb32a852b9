"""The ``grid`` section: arms, tables and seeds of a sweep."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from mtsmart.config.document import Key
from mtsmart.config.strict import Misfit, StrictModel
from mtsmart.errors import did_you_mean
from mtsmart.text.names import Kind, clash_with, problem_of, same_for_files

Changes = dict[str, Any]
STARTS_TABLE = "starts"


class GridConfig(StrictModel):
    """What `mtsmart sweep` trains. Each table, arm and start is a piece of an experiment file, laid over this one."""

    seeds: list[int] = Field(min_length=1, description="values of training.seed; arms are compared seed by seed")
    arms: dict[str, Changes] = Field(
        min_length=1,
        description="arm -> its changes; an arm may also name a `start`, from whose run it continues, "
        "and `seeds`, the only ones of the grid's that it has",
    )
    tables: dict[str, Changes] = Field(
        default_factory=dict,
        description="table -> its changes, such as `tasks: [rte]`, which leaves the file's other tasks out; a table "
        "may also name its `arms`, its `baseline`, its `seeds` and a `start` for arms that name none. Without tables "
        "there is one",
    )
    starts: dict[str, Changes] = Field(
        default_factory=dict, description="start -> its changes; trained once for each seed, for the arms that name it"
    )
    baseline: str | None = Field(
        None,
        description="the arm that the others are compared with; null: the first one; a table without it names its own",
    )
    keep_answers: bool = Field(
        False,
        description="whether runs.jsonl keeps the predicted label of each validation row; the page then says on "
        "how many rows two seeds disagree",
    )
    mixed_precision: bool = Field(
        False,
        description="whether runs that leave training.precision to mtsmart may have different ones; otherwise such a "
        "sweep is refused",
    )
    conclusions: str | None = Field(
        None,
        description="Markdown file that the page begins with; `{{table / arm / mean}}` in it becomes that figure "
        "(seeds, mean, std, SE, difference, interval, wins, losses, p, cost) of the main metric, and "
        "`{{table / arm / nll / mean}}` that of another metric",
    )

    @model_validator(mode="after")
    def _seeds_differ(self) -> GridConfig:
        if len(set(self.seeds)) < len(self.seeds):
            twice = next(seed for seed in self.seeds if self.seeds.count(seed) > 1)
            raise Misfit("has the same number twice", ("seeds",), twice)
        for place, seed in enumerate(self.seeds):
            if not 0 <= seed < 2**63:
                raise Misfit("must not be negative, nor 2^63 or more", ("seeds", place), seed)
        return self

    @model_validator(mode="after")
    def _names_can_be_shown(self) -> GridConfig:
        for section in ("arms", "tables", "starts"):
            names = getattr(self, section)
            for name in names:
                if (problem := problem_of(name, Kind.TITLE)) is not None:
                    raise Misfit(problem, (section, name))
            if (pair := same_for_files(names)) is not None:
                raise Misfit(clash_with(pair[0]), (section, pair[1]))
        if STARTS_TABLE in self.tables and self.starts:
            raise ValueError(f"tables: {STARTS_TABLE!r} is the name of the table that the starts get")
        return self

    @model_validator(mode="after")
    def _pieces_fit(self) -> GridConfig:
        _check(("baseline",), self.baseline, "arm", self.arms)
        for section in ("arms", "tables", "starts"):
            for name, piece in getattr(self, section).items():
                _check((section, name, "start"), piece.get("start"), "start", self.starts)
                training = piece.get("training")
                if isinstance(training, dict) and "seed" in training:
                    path = (section, name, "training", "seed")
                    raise Misfit("has no effect; the seeds are grid.seeds", path, training["seed"])
        for section in ("arms", "tables"):
            for name, piece in getattr(self, section).items():
                self._check_seeds((section, name, "seeds"), piece.get("seeds"))
        for name, table in self.tables.items():
            self._check_table(name, table)
        return self

    def _check_seeds(self, path: Key, seeds: Any) -> None:
        if seeds is None:
            return
        if not isinstance(seeds, list) or not seeds:
            raise Misfit("should be a list of some of grid.seeds", path, seeds)
        for place, seed in enumerate(seeds):
            if type(seed) is not int:
                raise Misfit("should be a whole number", (*path, place), seed)
        if not set(seeds) & set(self.seeds):
            raise Misfit("has none of grid.seeds", path, seeds)

    def _check_table(self, name: str, table: Changes) -> None:
        arms = table.get("arms")
        if arms is None:
            arms = list(self.arms)
        if not isinstance(arms, list) or not arms:
            raise Misfit("should be a list of arms", ("tables", name, "arms"), arms)
        for place, arm in enumerate(arms):
            _check(("tables", name, "arms", place), arm, "arm", self.arms, missing=True)
            if not self.seeds_of(name, arm):
                message = "has none of the table's seeds, so it would have no run"
                raise Misfit(message, ("tables", name, "arms", place), arm)
        _check(("tables", name, "baseline"), table.get("baseline"), "arm", self.arms)
        if (baseline := self.baseline_of(name)) not in arms:
            hint = "Name one of them that the others are compared with"
            raise Misfit("is not among the table's arms", ("tables", name, "baseline"), baseline, hint)

    def seeds_of(self, table: str, arm: str) -> list[int]:
        """The seeds of an arm in a table, in the order of ``seeds``."""
        pieces = (self.tables.get(table, {}), self.arms[arm])
        chosen = [piece["seeds"] for piece in pieces if piece.get("seeds") is not None]
        return [seed for seed in self.seeds if all(seed in some for some in chosen)]

    def baseline_of(self, table: str) -> str:
        """The arm that the other arms of a table are compared with."""
        own = self.tables.get(table, {}).get("baseline")
        return str(own or self.baseline or next(iter(self.arms)))


def _check(path: Key, name: Any, kind: str, known: dict[str, Changes], missing: bool = False) -> None:
    if name is None and not missing:
        return
    if not isinstance(name, str):
        raise Misfit(f"should be the name of one {kind}", path, name)
    if name not in known:
        raise Misfit(f"there is no such {kind}", path, name, did_you_mean(name, known))
