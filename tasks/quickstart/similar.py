"""Rows of quick_similar: how alike in meaning are two sentences, from 0 to 5?

A score follows from what the two sentences share.  Rewording costs nothing; each
fact that is left out, changed or reversed takes off the points below.  Different
sentences on one topic score about 1, unrelated ones about 0.
"""

from __future__ import annotations

from dataclasses import replace

from draw import Draw, Row
from material import CAUSES, STATES
from pieces import EVENT_LIST, led, life, maybe_reworded, other_time, person_event, plain_event, swapped, told
from wording import sentence

Scored = tuple[str, str, float]

FULL = 5.0
KIND_ONLY = 0.6  # "a tradesman" for "the plumber"
TIME_LEFT_OUT = 0.8
TIME_CHANGED = 1.2
AGENT_CHANGED = 1.8
THING_CHANGED = 2.2
REVERSED = 2.4  # denied, or told with the opposite manner or outcome
ROLES_SWAPPED = 1.6
SAME_TOPIC = 1.2
SAME_PEOPLE = 1.4
SAME_SUBJECT = 1.6  # two facts that have nothing but their subject in common
SAME_DAY = 0.3
UNRELATED = 0.0
EVERYDAY_SHARE = 0.4

BANDS = ("same", "close", "partly", "topic", "unrelated")


def same_meaning(draw: Draw) -> Scored:
    """One meaning in two wordings."""
    if draw.chance(EVERYDAY_SHARE):
        known = life(draw)
        return *draw.any(((known.fact, known.same), (known.contrary, known.contrary_same))), FULL
    if draw.chance(0.35):
        fact, reworded, contrary, contrary_reworded, _ = draw.item(STATES)
        pair = (fact, reworded) if draw.chance(0.5) else (contrary, contrary_reworded)
        return led(draw, pair[0]), led(draw, pair[1]), FULL
    if draw.chance(0.25):
        cause, cause_too, result, result_too, _ = draw.item(CAUSES)
        return sentence(f"because {cause}, {result}"), sentence(f"{result_too}, since {cause_too}"), FULL
    event = person_event(draw)[0] if draw.chance(0.2) else plain_event(draw)
    return told(draw, event), told(draw, maybe_reworded(draw, event)), FULL


def close_meaning(draw: Draw) -> Scored:
    """One detail is left out, told by its kind, or changed."""
    event = plain_event(draw)
    cost, changed = draw.any(
        [
            (KIND_ONLY, event.general()),
            (TIME_LEFT_OUT, replace(event, time="")),
            (TIME_CHANGED, replace(event, time=other_time(draw, event.time))),
            (KIND_ONLY + TIME_LEFT_OUT, replace(event.general(), time="")),
        ]
    )
    return told(draw, event), told(draw, maybe_reworded(draw, changed)), FULL - cost


def partly_alike(draw: Draw) -> Scored:
    """Something that matters is changed or reversed, perhaps with the day as well."""
    if draw.chance(EVERYDAY_SHARE):
        known = life(draw)
        return *draw.any(((known.fact, known.contrary), (known.same, known.contrary_same))), FULL - REVERSED
    if draw.chance(0.2):
        fact, reworded, contrary, contrary_reworded, _ = draw.item(STATES)
        return (
            led(draw, draw.any((fact, reworded))),
            led(draw, draw.any((contrary, contrary_reworded))),
            FULL - REVERSED,
        )
    if draw.chance(0.15):
        event, _ = person_event(draw)
        return told(draw, event), told(draw, maybe_reworded(draw, swapped(event))), FULL - ROLES_SWAPPED
    event = plain_event(draw)
    cost, changed = draw.any(
        [
            (AGENT_CHANGED, replace(event, agent=event.unlike_agent)),
            (THING_CHANGED, replace(event, thing=event.unlike_thing, other_thing_name=event.unlike_thing)),
            (REVERSED, replace(event, negated=True)),
        ]
    )
    if draw.chance(0.4):
        cost += TIME_CHANGED
        changed = replace(changed, time=other_time(draw, event.time))
    return told(draw, event), told(draw, maybe_reworded(draw, changed)), FULL - cost


def topic_only(draw: Draw) -> Scored:
    """The two sentences share a topic, a subject or the people, but no statement."""
    if draw.chance(EVERYDAY_SHARE):
        known = life(draw)
        return draw.any((known.fact, known.same)), known.beside, SAME_SUBJECT
    if draw.chance(0.3):
        fact, reworded, contrary, _, beside = draw.item(STATES)
        return led(draw, draw.any((fact, reworded, contrary))), led(draw, beside), SAME_SUBJECT
    if draw.chance(0.2):
        event, unlike = person_event(draw)
        return told(draw, event), told(draw, unlike), SAME_PEOPLE
    event = plain_event(draw)
    neighbours = [other for other in EVENT_LIST if other.topic == event.topic and other.agent != event.agent]
    other = replace(draw.any(neighbours), time=other_time(draw, event.time))
    return told(draw, event), told(draw, other), SAME_TOPIC


def unrelated(draw: Draw) -> Scored:
    """The two sentences have nothing in common, except perhaps the day."""
    event = plain_event(draw)
    if draw.chance(0.3):
        return told(draw, event), led(draw, draw.any(draw.item(STATES))), UNRELATED
    others = [other for other in EVENT_LIST if other.topic != event.topic]
    other = replace(draw.any(others), time=draw.any((event.time, other_time(draw, event.time))))
    return told(draw, event), told(draw, other), SAME_DAY if other.time == event.time else UNRELATED


BUILDERS = {
    "same": same_meaning,
    "close": close_meaning,
    "partly": partly_alike,
    "topic": topic_only,
    "unrelated": unrelated,
}


def similar_row(draw: Draw, band: str) -> Row:
    """Two sentences and their score."""
    first, second, score = BUILDERS[band](draw)
    if draw.chance(0.5):
        first, second = second, first
    return {"sentence1": first, "sentence2": second, "score": round(score, 1)}
