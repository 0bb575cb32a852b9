"""Rows of quick_attitude: one customer remark, pleased, displeased or neutral."""

from __future__ import annotations

from dataclasses import dataclass

from draw import Draw, Row
from material import DOMAINS, MIRROR_FRAMES, NEUTRAL_FRAMES, TWIN_FRAMES

PLEASED = "pleased"
DISPLEASED = "displeased"
NEUTRAL = "neutral"


@dataclass(frozen=True)
class Aspect:
    """Something a customer may judge, with one adjective for each attitude."""

    noun: str
    good: str
    bad: str


def fill(draw: Draw, frame: str, domain: list[str], wanted: str) -> str:
    """Fill a frame; {w} speaks for the wanted attitude and {o} for the opposite one."""
    first, second = draw.two([Aspect(*cell.split(":")) for cell in domain[1:5]])
    words = {"place": domain[0], "x": first.noun, "y": second.noun}
    for suffix, aspect in (("", first), ("2", second)):
        pair = (aspect.good, aspect.bad)
        words["w" + suffix], words["o" + suffix] = pair if wanted == PLEASED else pair[::-1]
    return frame.format(**words)


def attitude_row(draw: Draw, label: str) -> Row:
    """A remark with the given label."""
    domain = draw.item(DOMAINS)
    if label == NEUTRAL:
        text = neutral_text(draw, domain)
    elif draw.chance(0.4):
        text = fill(draw, draw.item(MIRROR_FRAMES), domain, label)
    else:
        text = fill(draw, draw.item(TWIN_FRAMES)[label == DISPLEASED], domain, label)
    return {"text": text, "label": label}


def neutral_text(draw: Draw, domain: list[str]) -> str:
    """A remark that takes no side: a plain fact, a question or an even balance."""
    if draw.chance(0.15):
        return draw.any(domain[5:7])
    return fill(draw, draw.item(NEUTRAL_FRAMES), domain, draw.any((PLEASED, DISPLEASED)))
