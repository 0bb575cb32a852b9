"""Columns of one name, or without a name, told apart in files of which all columns are read."""

from __future__ import annotations

from collections.abc import Sequence


class SecondName(str):
    """The name that a column has instead of ``given``, because another column or none at all is called so."""

    given: str

    def __new__(cls, name: str, given: str) -> SecondName:
        made = super().__new__(cls, name)
        made.given = given
        return made


def distinct_names(names: Sequence[str]) -> list[str]:
    """The names in order; of equal ones all but the first become a ``SecondName``."""
    distinct: dict[str, None] = {}
    for name in names:
        number = 2
        own = name
        while own in distinct or (own != name and own in names):
            own = SecondName(f"{name}_{number}", name)
            number += 1
        distinct[own] = None
    return list(distinct)
