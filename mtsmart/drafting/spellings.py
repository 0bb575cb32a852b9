"""Labels that are written in several ways: ``Yes``, ``yes`` and ``yes `` are one, as they are where rows are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from mtsmart.drafting.columns import Column, Kind
from mtsmart.task_types.shared.labels import Kind as Meant
from mtsmart.task_types.shared.labels import LabelNames

_MOST = 500  # labels that are compared with each other
_SHOWN = 3  # spellings in one sentence


def one_spelling(counts: Mapping[str, int]) -> dict[str, str]:
    """Each label as it is written -> the spelling that stands for it, which is the most frequent one.

    Args:
        counts: label as it is written -> how often it occurs.
    """
    if len(counts) > _MOST:
        return {written: written for written in counts}
    kept: list[str] = []
    found: dict[str, str] = {}
    for written in sorted(counts, key=lambda each: (-counts[each], each != each.strip(), each.swapcase())):
        known = LabelNames(kept)
        kind, place = known.meaning(written)
        if kind is not Meant.NAME:
            kept.append(written.strip())
            place = len(kept) - 1
        found[written] = kept[place]
    return found


def respelt(label: Column) -> tuple[Column, list[str]]:
    """A label column with one spelling of each label, and sentences that name the others."""
    if label.kind is not Kind.TEXT or label.is_cut:
        return label, []
    spellings = one_spelling({str(value): count for value, count in label.values.items()})
    values: Counter[str] = Counter()
    for value, count in label.values.items():
        values[spellings[str(value)]] += count
    return replace(label, values=values), _told(spellings)


def _told(spellings: Mapping[str, str]) -> list[str]:
    others = {kept: [each for each in spellings if spellings[each] == kept != each] for kept in spellings.values()}
    several = {kept: found for kept, found in others.items() if found}
    shown = [f"{', '.join(map(repr, found[:_SHOWN]))} as '{kept}'" for kept, found in several.items()]
    return [f"Other spellings of a label count as the same: {'; '.join(shown[:_SHOWN])}."] if shown else []
