"""Numbers as people and spreadsheets write them: ``3,5``, ``1.234,50``, ``85 %``, ``$ 1,200.00``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SIGNS = "[ \u00a0\u202f%\u2030$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9]*"
"""Blanks, per cent, and signs of currencies. Other signs may mean something, such as < in <5."""

_BLANKS = " \u00a0\u202f'\u2019"
"""What parts thousands beside a point or a comma: blanks and apostrophes."""

_MINUS = "\u2212"
_LONGEST = 60  # characters of a number


@dataclass(frozen=True)
class Writing:
    """A way to write numbers.

    Attributes:
        decimal: what stands before the decimals.
        thousands: what may part groups of three digits, besides blanks and apostrophes.
        example: numbers that are written so.
    """

    decimal: str
    thousands: str
    example: str

    def number(self, text: str) -> float | None:
        """The number that a text stands for; None if it stands for none. Signs beside the digits are left out."""
        if len(text) > _LONGEST:
            return None
        found = re.fullmatch(
            rf"{_SIGNS}([+\-{_MINUS}]?){_SIGNS}"
            rf"(\d{{1,3}}(?:[{_BLANKS}{self.thousands}]\d{{3}})+|\d*)(?:[{self.decimal}](\d+))?{_SIGNS}",
            text,
            re.ASCII,
        )
        if found is None or not (found[2] or found[3]):
            return None
        whole = "".join(filter(str.isdigit, found[2])) or "0"
        value = float(f"{whole}.{found[3] or 0}")
        return -value if found[1] in ("-", _MINUS) else value


DECIMAL_COMMA = Writing(",", ".", "3,5 or 1.234,50")
DECIMAL_POINT = Writing(".", ",", "3.5 or 1,234.50 or 85 %")
