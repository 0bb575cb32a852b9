"""Pieces of the sentence-pair tasks: events drawn from the tables, told in some way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from draw import Draw
from everyday import LIFE, PEOPLE
from material import COMPARISONS, EVENTS, LEADS, PERSON_VERBS, ROLES, TIME_GROUPS
from wording import Event, Verb, sentence

Pair = tuple[str, str]
PairBuilder = Callable[[Draw, str], Pair]

EVENT_LIST = [Event.parse(row) for row in EVENTS]
PLANNED_EVENTS = [event for event in EVENT_LIST if event.planned]
NUMBERS = [
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
]


def some_time(draw: Draw) -> str:
    """A time at which something may have happened."""
    return draw.any(draw.any(TIME_GROUPS))


def other_time(draw: Draw, time: str) -> str:
    """A time that rules out the given one."""
    return draw.other(next(group for group in TIME_GROUPS if time in group), time)


def told(draw: Draw, event: Event) -> str:
    """The event in a voice and an order drawn at random."""
    if event.manner or draw.chance(0.55):
        return event.active(time_first=draw.chance(0.4))
    if event.negated or draw.chance(0.7):
        return event.passive(time_first=draw.chance(0.4))
    return event.cleft(time_first=draw.chance(0.4))


def maybe_reworded(draw: Draw, event: Event) -> Event:
    """The event in its own or in other words."""
    return event.reworded() if draw.chance(0.5) else event


def plain_event(draw: Draw) -> Event:
    """An event on some day."""
    return replace(draw.item(EVENT_LIST), time=some_time(draw))


def person_event(draw: Draw) -> tuple[Event, Event]:
    """One person does something to another, and the same two doing something unlike it."""
    own, synonym, unlike = (Verb.parse(cell) for cell in draw.item(PERSON_VERBS))
    agent, patient = (f"the {role}" for role in draw.two(ROLES))
    event = Event("people", agent, "person", own, synonym, patient, patient, "person", patient, agent)
    return event, replace(event, verb=unlike, other_verb=unlike)


def swapped(event: Event) -> Event:
    """The event with doer and object exchanged."""
    return replace(event, agent=event.thing, thing=event.agent, other_thing_name=event.agent, unlike_thing=event.agent)


def led(draw: Draw, clause: str) -> str:
    """A clause as a sentence, sometimes after an opening such as "It is clear that"."""
    return sentence(f"{draw.item(LEADS)[0]} {clause}" if len(clause.split()) < 5 or draw.chance(0.2) else clause)


def comparison(draw: Draw) -> tuple[str, str, str, str, str]:
    """The words for more, less and another property, and two things to compare."""
    more, less, beside, things = draw.item(COMPARISONS)
    first, second = draw.two([thing.strip() for thing in things.split(",")])
    return (more, less, beside, first, second) if draw.chance(0.5) else (less, more, beside, first, second)


@dataclass(frozen=True)
class Life:
    """An everyday fact about one person or thing, as whole sentences."""

    fact: str
    same: str
    contrary: str
    contrary_same: str
    implied: str
    beside: str


def life(draw: Draw) -> Life:
    """An everyday fact about somebody."""
    who = draw.any(PEOPLE)
    return Life(*(sentence(cell.format(s=who)) for cell in draw.item(LIFE)))
