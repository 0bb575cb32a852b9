"""The text before a sweep's tables. It contains names of figures, which this module replaces by the figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.storage.durable import read_bytes
from mtsmart.storage.failures import reason_of
from mtsmart.sweeps.plan import Plan, Table

_MAX_BYTES = 1_000_000  # the largest size of the text
FIGURES = ("seeds", "mean", "std", "SE", "difference", "interval", "wins", "losses", "p", "cost")
_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)  # A name may continue on the next line.


def check_conclusions(plan: Plan) -> None:
    """Find names without a figure before any run is trained.

    Raises:
        ConfigError: the file cannot be read, or names a figure that no table will have.
    """
    if plan.conclusions is None:
        return
    known = _known(plan)

    def check(name: str, line: int) -> str:
        if not _is_planned(name, known):
            hint = did_you_mean(name, known)
            raise ConfigError("there is no such figure", file=plan.conclusions, line=line, value=name, hint=hint)
        return name

    _replaced(_read(plan.conclusions), check)


def conclusions(plan: Plan, figures: dict[str, str]) -> str:
    """The text with its figures; empty if the plan has no text.

    "(to come)" replaces a name while its row has no finished run. "(none)" replaces the name of a figure that its row
    lacks, also of a metric that its runs do not have. "(no such figure)" replaces a name that no table has; the user
    can have added it after the check.

    Args:
        plan: has the text.
        figures: name -> figure, of all tables with a finished run.

    Raises:
        ConfigError: the text cannot be read.
    """
    if plan.conclusions is None:
        return ""
    known = _known(plan)
    rows = {name.rpartition(" / ")[0] for name in figures}

    def figure(name: str, line: int) -> str:
        if not _is_planned(name, known):
            return "(no such figure)"
        if figures.get(name):
            return figures[name]
        row = name.rpartition(" / ")[0]
        return "(none)" if row in rows or row.rpartition(" / ")[0] in rows else "(to come)"

    return _replaced(_read(plan.conclusions), figure)


def _read(file: Path) -> str:
    try:
        return read_bytes(file, _MAX_BYTES).decode()
    except (OSError, ValueError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else reason_of(error)
        raise ConfigError(f"cannot be read: {reason}", key="grid.conclusions", value=str(file)) from None


def _replaced(text: str, figure: Callable[[str, int], str]) -> str:
    return _PLACE.sub(lambda match: figure(_normal(match[1]), text.count("\n", 0, match.start()) + 1), text).strip()


def _normal(name: str) -> str:
    return " / ".join(part.strip() for part in re.sub(r"\s*\n\s*", " ", name).split(" / "))


def _is_planned(name: str, known: Collection[str]) -> bool:
    """Whether a table will have the row of the name: of its main metric, or of any other that is named."""
    row_and_metric, _, figure = name.rpartition(" / ")
    row = row_and_metric.rpartition(" / ")[0]
    return name in known or f"{row} / {figure}" in known


def _known(plan: Plan) -> set[str]:
    """The names of all figures of main metrics that the finished tables will have."""
    return {f"{title} / {arm} / {figure}" for title, arm in _rows(plan.tables) for figure in FIGURES}


def _rows(tables: Iterable[Table]) -> Iterator[tuple[str, str]]:
    """The title and the arm of each row that the tables will have."""
    for table in tables:
        for task in table.tasks:
            yield from ((table.title(task), arm) for arm in table.arms)
