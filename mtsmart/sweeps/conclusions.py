"""The text before a sweep's tables, which names its figures instead of holding them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mtsmart.durable import read_bytes, said
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.sweeps.plan import Plan, Table

_MAX_BYTES = 1_000_000  # of the text
FIGURES = ("seeds", "mean", "std", "SE", "difference", "interval", "wins", "losses", "p", "cost")
_PLACE = re.compile(r"\{\{(.*?)\}\}")


def check_conclusions(plan: Plan) -> None:
    """Find what cannot be filled in before anything is trained.

    Raises:
        ConfigError: the file cannot be read, or names a figure that no table will have.
    """
    if plan.conclusions is None:
        return
    known = {f"{title} / {arm} / {figure}" for title, arm in _rows(plan.tables) for figure in FIGURES}

    def check(name: str, line: int) -> str:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError("there is no such figure", file=plan.conclusions, line=line, value=name, hint=hint)
        return name

    _replaced(_read(plan.conclusions), check)


def conclusions(file: Path, figures: dict[str, str]) -> str:
    """The text with its figures: "(to come)" while a row has no run, "(none)" where a row has no such figure."""
    rows = {name.rpartition(" / ")[0] for name in figures}

    def figure(name: str, line: int) -> str:
        return figures.get(name) or ("(none)" if name.rpartition(" / ")[0] in rows else "(to come)")

    return _replaced(_read(file), figure)


def _read(file: Path) -> str:
    try:
        return read_bytes(file, _MAX_BYTES).decode()
    except (OSError, ValueError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else said(error)
        raise ConfigError(f"cannot be read: {reason}", key="grid.conclusions", value=str(file)) from None


def _replaced(text: str, figure: Callable[[str, int], str]) -> str:
    lines = [
        _PLACE.sub(lambda match, number=number: figure(_normal(match[1]), number), line)  # type: ignore[misc]
        for number, line in enumerate(text.splitlines(), 1)
    ]
    return "\n".join(lines).strip()


def _normal(name: str) -> str:
    return " / ".join(part.strip() for part in name.split(" / "))


def _rows(tables: Iterable[Table]) -> Iterator[tuple[str, str]]:
    """Title and arm of each row that the tables will have."""
    for table in tables:
        for task in table.tasks:
            yield from ((table.title(task), arm) for arm in table.arms)
