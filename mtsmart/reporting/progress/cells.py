"""Names with their values, arranged in columns that are as many as a terminal has room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from mtsmart.reporting.shown import shown
from mtsmart.text.escaping import one_line

NARROW = 40
"""A terminal with fewer columns has none to spare."""

_INDENT = 2
_GAP = 3


@dataclass(frozen=True)
class Cell:
    """A name with its value, which always stand together on a line.

    Attributes:
        name: such as the name of a task. A name that is too long for a line is cut.
        value: such as a loss. It is never cut.
    """

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


def in_columns(cells: Sequence[Cell], width: int, ellipsis: str = "…", label: str = "") -> list[Text]:
    """Lines in which the cells stand in columns, in the order of reading.

    Args:
        cells: at least one.
        width: the columns of the terminal. Only values that do not fit by themselves make a wider line.
        ellipsis: stands for the cut end of a name.
        label: says before the first cell what the values are. A narrow terminal has no room for it.
    """
    names = [one_line(cell.name) for cell in cells]
    values = [one_line(cell.value) for cell in cells]
    before = label + " " * _INDENT if width >= NARROW else " " * min(_INDENT, max(0, width - 12))
    indent = len(before)
    of_values = max(map(cell_len, values))
    of_names = max(1, min(max(map(cell_len, names)), width - indent - 1 - of_values))
    whole = of_names + 1 + of_values
    in_line = max(1, (width - indent + _GAP) // (whole + _GAP))
    texts = [
        Text.assemble(
            _fitted(name, of_names, ellipsis), " ", shown(value.rjust(of_values - cell_len(value) + len(value)), "bold")
        )
        for name, value in zip(names, values, strict=True)
    ]
    starts = range(0, len(texts), in_line)
    fronts = [before, *[" " * indent] * len(starts)]
    return [
        Text.assemble((front, "dim"), Text(" " * _GAP).join(texts[start : start + in_line]))
        for front, start in zip(fronts, starts, strict=False)
    ]


def _fitted(name: str, width: int, ellipsis: str) -> str:
    """A name in exactly so many columns."""
    if cell_len(name) <= width:
        return set_cell_size(name, width)
    return set_cell_size(name, max(0, width - len(ellipsis))) + ellipsis[:width]
