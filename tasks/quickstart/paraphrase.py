"""Rows of quick_paraphrase: do the two sentences say the same?

Both classes hold pairs of high and of low word overlap: a paraphrase may change
nearly every word, and a pair that differs may only exchange two of them.
"""

from __future__ import annotations

from dataclasses import replace

from draw import Draw, Row
from everyday import ASKED
from material import CAUSES, GROUPS, MANNERS, NAMES, SEQUENCES, STATES, listed
from pieces import (
    EVENT_LIST,
    NUMBERS,
    PLANNED_EVENTS,
    Pair,
    PairBuilder,
    comparison,
    led,
    life,
    maybe_reworded,
    other_time,
    person_event,
    plain_event,
    some_time,
    swapped,
    told,
)
from scenes import same_scene
from slots import slotted_pair
from twins import DOERS, OPPOSITES, TWINS
from wording import sentence

SAME = "paraphrase"
DIFFERENT = "different"


def event_pair(draw: Draw, label: str) -> Pair:
    """An event reworded, or with one thing changed."""
    event = replace(plain_event(draw), negated=draw.chance(0.1))
    if label == SAME:
        changed = event
    else:
        other_thing = replace(event, thing=event.unlike_thing, other_thing_name=event.unlike_thing)
        changed = draw.any(
            [
                other_thing,
                replace(other_thing, agent=event.unlike_agent),
                replace(other_thing, time=other_time(draw, event.time)),
                replace(event, agent=event.unlike_agent),
                replace(event, negated=not event.negated),
                replace(event, time=other_time(draw, event.time)),
            ]
        )
    return told(draw, event), told(draw, maybe_reworded(draw, changed))


def manner_pair(draw: Draw, label: str) -> Pair:
    """An event with the manner reworded or reversed."""
    event = draw.item(PLANNED_EVENTS)
    first, second, opposite = draw.item(MANNERS)
    manner = draw.any((first, second))
    known = opposite
    if label == SAME:
        known = second if manner == first else first
    return told(draw, replace(event, manner=manner)), told(draw, maybe_reworded(draw, replace(event, manner=known)))


def roles_pair(draw: Draw, label: str) -> Pair:
    """An act between two persons: passive voice, or exchanged roles."""
    event, unlike = person_event(draw)
    changed = event if label == SAME else draw.any((swapped(event), swapped(event), unlike))
    return told(draw, event), told(draw, maybe_reworded(draw, changed))


def comparison_pair(draw: Draw, label: str) -> Pair:
    """A is more than B: B is less than A."""
    more, less, beside, first, second = comparison(draw)
    claim = f"{second} is {less} {first}"
    if label == DIFFERENT:
        claim = draw.any(
            (f"{second} is {more} {first}", f"{first} is {less} {second}", f"{first} is {beside} {second}")
        )
    return led(draw, f"{first} is {more} {second}"), led(draw, claim)


def order_pair(draw: Draw, label: str) -> Pair:
    """One thing before another: the other after the one."""
    first, first_ing, second, second_ing = draw.item(SEQUENCES)
    name = draw.any(NAMES)
    told_first = draw.any((f"{name} {first} before {second_ing}", f"before {second_ing}, {name} {first}"))
    right = (
        f"{name} {second} after {first_ing}",
        f"after {first_ing}, {name} {second}",
        f"{name} first {first} and then {second}",
    )
    wrong = (
        f"{name} {first} after {second_ing}",
        f"{name} {second} before {first_ing}",
        f"{name} first {second} and then {first}",
    )
    return sentence(told_first), sentence(draw.any(right if label == SAME else wrong))


def cause_pair(draw: Draw, label: str) -> Pair:
    """A cause and its result: reordered and reworded, or exchanged, or with another result."""
    cause, cause_too, result, result_too, unlike = draw.item(CAUSES)
    known = draw.any((f"because {cause}, {result}", f"{result} because {cause}", f"{cause}, so {result}"))
    if label == SAME:
        claim = draw.any(
            (f"{result_too}, since {cause_too}", f"{cause_too}, and so {result}", f"as {cause}, {result_too}")
        )
    else:
        claim = draw.any(
            (
                f"{cause}, because {result}",
                f"although {cause_too}, {unlike}",
                f"{unlike}, even though {cause}",
                f"{cause}, but {unlike}",
            )
        )
    return sentence(known), sentence(claim)


def state_pair(draw: Draw, label: str) -> Pair:
    """A fact reworded, its contrary, or something else about the subject."""
    fact, reworded, contrary, contrary_reworded, beside = draw.item(STATES)
    views = [(fact, reworded), (contrary, contrary_reworded)]
    side = draw.any((0, 1))
    first, second = views[side]
    if label == DIFFERENT:
        second = draw.any((*views[1 - side], beside))
    return led(draw, first), led(draw, second)


def count_pair(draw: Draw, label: str) -> Pair:
    """A part of a group: the number and the statement stay, or the number changes."""
    plural, base, past, similar = draw.item(GROUPS)
    number, other = draw.two(NUMBERS)
    first, second = (past, similar) if draw.chance(0.5) else (similar, past)
    if draw.chance(0.5):
        claimed = number if label == SAME else other
        return sentence(f"{number} {plural} {first}"), sentence(f"there were {claimed} {plural} that {second}")
    same = draw.any((f"none of the {plural} {second}", f"there were no {plural} that {second}"))
    unlike = draw.any((f"not all of the {plural} {second}", f"there were no {plural} that did not {base}"))
    return sentence(f"the {plural} did not {base}, not a single one"), sentence(same if label == SAME else unlike)


def topic_pair(draw: Draw, label: str) -> Pair:
    """An event told in two ways, or two events of one or of two topics."""
    event = plain_event(draw)
    if label == SAME:
        return told(draw, event), told(draw, maybe_reworded(draw, event))
    near = draw.chance(0.5)
    others = [other for other in EVENT_LIST if (other.topic == event.topic) == near and other.agent != event.agent]
    return told(draw, event), told(draw, replace(draw.any(others), time=event.time if near else some_time(draw)))


def life_pair(draw: Draw, label: str) -> Pair:
    """An everyday fact reworded, its contrary, or something else about the same person or thing."""
    known = life(draw)
    if label == SAME:
        return draw.any(((known.fact, known.same), (known.contrary, known.contrary_same)))
    other = life(draw)
    return draw.any(
        (
            (known.fact, known.contrary),
            (known.same, known.contrary_same),
            (known.fact, known.beside),
            (known.same, known.beside),
            (known.contrary, known.fact),
            (known.fact, other.same),
        )
    )


def asked_pair(draw: Draw, label: str) -> Pair:
    """A question or request in other words, or another one that sounds alike."""
    asked, same, unlike = draw.item(ASKED)
    if label == SAME:
        return asked, same
    return draw.any(((asked, unlike), (same, unlike), (asked, draw.other(ASKED, [asked, same, unlike])[0])))


def twin_pair(draw: Draw, label: str) -> Pair:
    """An everyday sentence in other words, or its twin that differs in a word or two."""
    told_so, same, twin = draw.item(TWINS)
    if label == SAME:
        return told_so, same
    return draw.any(
        ((told_so, twin), (told_so, twin), (same, twin), (told_so, draw.other(TWINS, [told_so, same, twin])[1]))
    )


def slot_pair(draw: Draw, label: str) -> Pair:
    """A sentence with slots in other words, or one that differs in a word, a slot or the order of two slots."""
    return slotted_pair(draw, label == SAME)


def opposite_pair(draw: Draw, label: str) -> Pair:
    """A deed told in two ways, or the deed and its opposite, or two deeds of different people."""
    verbs, things = draw.item(OPPOSITES)
    deed, opposite = verbs.split(":") if draw.chance(0.5) else verbs.split(":")[::-1]
    thing = draw.any(listed(things))
    doer, other = draw.two(DOERS)
    if label == DIFFERENT:
        claim = draw.any((f"{doer} {opposite} {thing}", f"{doer} {opposite} {thing}", f"{other} {deed} {thing}"))
    else:
        claim = draw.any((f"it was {doer} who {deed} {thing}", f"{thing} is what {doer} {deed}"))
    return sentence(f"{doer} {deed} {thing}"), sentence(claim)


PARAPHRASE: dict[PairBuilder, float] = {
    same_scene: 8,
    slot_pair: 14,
    life_pair: 7,
    twin_pair: 8,
    asked_pair: 3,
    opposite_pair: 3,
    topic_pair: 1,
    event_pair: 2,
    cause_pair: 1.5,
    state_pair: 1,
    roles_pair: 2,
    count_pair: 0.6,
    order_pair: 0.4,
    manner_pair: 0.4,
    comparison_pair: 0.6,
}


def paraphrase_row(draw: Draw, label: str) -> Row:
    """Two sentences with the given label."""
    first, second = draw.weighted(PARAPHRASE)(draw, label)
    if draw.chance(0.5):
        first, second = second, first
    return {"sentence1": first, "sentence2": second, "label": label}
