"""Rows of quick_attitude: one customer remark, pleased, displeased or neutral."""

from __future__ import annotations

from dataclasses import dataclass

from draw import Draw, Row
from everyday import EVERYDAY_FRAMES, FEELINGS, GENERAL, LIKINGS, PLAIN, PLAIN_FRAMES, THINGS
from material import DOMAINS, MIRROR_FRAMES, NEUTRAL_FRAMES, TWIN_FRAMES
from remarks import REMARKS, TWIN_REMARKS
from slots import plain_text
from wording import with_articles

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


EVERYDAY_SHARE = 0.9


def everyday_text(draw: Draw, label: str) -> str:
    """A short remark in everyday words, often in the first person."""
    if label == NEUTRAL:
        return neutral_everyday_text(draw)
    if draw.chance(0.5):
        return draw.item(REMARKS)[label == DISPLEASED]
    thing = draw.item(THINGS)
    if draw.chance(0.5):
        return with_articles(draw.item(TWIN_REMARKS)[label == DISPLEASED].format(t=thing))
    known = {"t": thing}
    for wanted, opposite, pairs in (("w", "o", GENERAL), ("f", "g", FEELINGS), ("v", "u", LIKINGS)):
        good, bad = draw.any(pairs)
        known[wanted], known[opposite] = (good, bad) if label == PLEASED else (bad, good)
    return with_articles(draw.item(EVERYDAY_FRAMES).format(**known))


def neutral_everyday_text(draw: Draw) -> str:
    """A plain statement, question or request."""
    if draw.chance(0.45):
        return draw.item(PLAIN)[0]
    if draw.chance(0.6):
        return plain_text(draw)
    return draw.item(PLAIN_FRAMES).format(t=draw.item(THINGS))


def attitude_row(draw: Draw, label: str) -> Row:
    """A remark with the given label."""
    if draw.chance(EVERYDAY_SHARE):
        return {"text": everyday_text(draw, label), "label": label}
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
