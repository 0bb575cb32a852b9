"""Rows of quick_entail: does the premise entail or contradict the hypothesis, or neither?

Wherever possible the same hypothesis can carry every label, depending on the
premise, so that the hypothesis alone does not tell the label.
"""

from __future__ import annotations

from dataclasses import replace

from draw import Draw, Row
from material import CAUSES, GROUPS, MANNERS, NAMES, STATES, TIME_GROUPS
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
from scenes import entail_scene
from slots import known_pair
from wording import Event, sentence

ENTAILED = "entailment"
OPEN = "neutral"
CONTRADICTED = "contradiction"


def dated(draw: Draw, event: Event) -> Event:
    """The event at some time; a denied event has no time, because it may have happened at another time."""
    return event if event.negated else replace(event, time=some_time(draw))


def entail_time(draw: Draw, label: str) -> Pair:
    """The day is the same, another one, or not told."""
    event = plain_event(draw)
    day = {ENTAILED: event.time, CONTRADICTED: other_time(draw, event.time), OPEN: ""}[label]
    return told(draw, replace(event, time=day)), told(draw, maybe_reworded(draw, event))


def entail_manner(draw: Draw, label: str) -> Pair:
    """The manner is the same in other words, the opposite, or not told."""
    event = draw.item(PLANNED_EVENTS)
    first, second, opposite = draw.item(MANNERS)
    stated = draw.any((first, second))
    known = {ENTAILED: second if stated == first else first, CONTRADICTED: opposite, OPEN: ""}[label]
    if draw.chance(0.4) and label != OPEN:
        stated, known = (opposite, opposite) if label == ENTAILED else (opposite, stated)
    day = draw.any(TIME_GROUPS[0])
    return (
        told(draw, replace(event, manner=known, time=day)),
        told(draw, maybe_reworded(draw, replace(event, manner=stated))),
    )


def entail_negation(draw: Draw, label: str) -> Pair:
    """The event is affirmed or denied, or another event of the same agent is."""
    event = replace(plain_event(draw), time="")
    claim = replace(maybe_reworded(draw, event), negated=draw.chance(0.5))
    known = replace(event, negated=claim.negated == (label == ENTAILED))
    if label == OPEN:
        known = replace(known, thing=event.unlike_thing, negated=draw.chance(0.5))
    return told(draw, dated(draw, known)), told(draw, claim)


def entail_kind(draw: Draw, label: str) -> Pair:
    """The agent is named by kind in the hypothesis."""
    event = draw.item(EVENT_LIST)
    claim = told(draw, replace(event, time="").general())
    time = some_time(draw)
    if label == ENTAILED:
        return told(draw, replace(event, time=time)), claim
    if label == OPEN:
        return told(draw, replace(event, time=time, thing=event.unlike_thing)), claim
    nobody = replace(event, agent="nobody")
    return sentence(f"{nobody.active()[:-1]}, not even {event.agent}"), claim


def entail_roles(draw: Draw, label: str) -> Pair:
    """Passive voice, exchanged roles and denial between two persons."""
    event, _ = person_event(draw)
    claim = replace(maybe_reworded(draw, event), negated=draw.chance(0.5))
    if label == OPEN:
        known = replace(swapped(event), negated=draw.chance(0.5))
    else:
        known = replace(event, negated=claim.negated == (label == ENTAILED))
    return told(draw, dated(draw, known)), told(draw, claim)


DONE = ["managed to", "remembered to", "did not forget to", "took the trouble to", "was able at last to"]
UNDONE = ["failed to", "forgot to", "did not manage to", "refused to", "was unable to"]
UNSURE = ["promised to", "was asked to", "planned to", "offered to", "hoped to"]


def entail_attempt(draw: Draw, label: str) -> Pair:
    """A thing that somebody managed is done; one that was forgotten is not; one that was promised may be either."""
    event = replace(draw.item(PLANNED_EVENTS), time=some_time(draw))
    negated = draw.chance(0.5)
    if label == OPEN:
        known = UNSURE
    elif negated == (label == ENTAILED):
        known = UNDONE
    else:
        known = DONE
    premise = f"{event.agent} {draw.item(known)} {event.verb.base} {event.thing} {event.time}"
    return sentence(premise), told(draw, replace(maybe_reworded(draw, event), negated=negated))


KNOWN = ["{who} knows that", "{who} has found out that", "{who} was right to think that", "{who} remembers that"]
REFUTED = ["{who} wrongly believes that", "{who} was wrong to think that", "{who} falsely claims that"]
UNSETTLED = ["{who} wonders whether", "{who} would like to know whether", "{who} has no idea whether"]


def entail_belief(draw: Draw, label: str) -> Pair:
    """A thing that somebody knows is true; one that is wrongly believed is not; one that is wondered may be either."""
    event = replace(plain_event(draw), negated=draw.chance(0.4))
    frame = draw.any({ENTAILED: KNOWN, CONTRADICTED: REFUTED, OPEN: UNSETTLED}[label])
    clause = (replace(event, negated=False) if label == OPEN else event).active()
    opening = frame.format(who=draw.any(NAMES))
    return sentence(f"{opening} {clause[0].lower()}{clause[1:]}"), told(draw, maybe_reworded(draw, event))


def entail_state(draw: Draw, label: str) -> Pair:
    """A state of affairs in other words, its contrary, or something else about it."""
    fact, reworded, contrary, contrary_reworded, beside = draw.item(STATES)
    views = [(fact, reworded), (contrary, contrary_reworded)]
    side = draw.any((0, 1))
    claim, same = views[side] if draw.chance(0.5) else views[side][::-1]
    known = {ENTAILED: same, CONTRADICTED: draw.any(views[1 - side]), OPEN: beside}[label]
    return led(draw, known), led(draw, claim)


def quantified(draw: Draw, quantifier: str, group: list[str]) -> str:
    """A statement about a part of a group, e.g. "Not all of the guests stayed"."""
    plural, _, past, similar = group
    return sentence(f"{quantifier} of the {plural} {draw.any((past, similar))}")


QUANTIFIED = {
    ENTAILED: [
        ("all", "some"), ("all", "most"), ("most", "some"), ("none", "not all"), ("few", "not all"),
        ("not all", "not all"), ("none", "none"), ("all", "all"), ("few", "few"),
    ],
    OPEN: [
        ("some", "all"), ("some", "most"), ("not all", "none"), ("not all", "some"), ("most", "all"),
        ("some", "not all"), ("not all", "few"),
    ],
    CONTRADICTED: [
        ("all", "not all"), ("some", "none"), ("none", "some"), ("all", "none"), ("none", "all"),
        ("most", "none"), ("few", "most"), ("not all", "all"), ("none", "most"), ("all", "few"),
    ],
}  # fmt: skip


def entail_quantifier(draw: Draw, label: str) -> Pair:
    """All, most, some, few, not all, none."""
    group = draw.item(GROUPS)
    known, claimed = draw.any(QUANTIFIED[label])
    return quantified(draw, known, group), quantified(draw, claimed, group)


def entail_number(draw: Draw, label: str) -> Pair:
    """Exact numbers against bounds and against other numbers."""
    plural, _, past, similar = draw.item(GROUPS)
    low, high = sorted(draw.two(range(len(NUMBERS))))
    exact = f"exactly {NUMBERS[draw.any((low, high))]}"
    above = f"more than {NUMBERS[low]}"
    below = f"fewer than {NUMBERS[high]}"
    known, claimed = {
        ENTAILED: [(f"exactly {NUMBERS[high]}", above), (f"exactly {NUMBERS[low]}", below), (exact, exact)],
        OPEN: [("several", above), ("several", below), ("several", exact)],
        CONTRADICTED: [
            (f"exactly {NUMBERS[low]}", f"more than {NUMBERS[high]}"),
            (f"exactly {NUMBERS[high]}", f"fewer than {NUMBERS[low]}"),
            (f"exactly {NUMBERS[low]}", f"exactly {NUMBERS[high]}"),
        ],
    }[label][draw.any(range(3))]
    return sentence(f"{known} {plural} {past}"), sentence(f"{claimed} {plural} {draw.any((past, similar))}")


def entail_comparison(draw: Draw, label: str) -> Pair:
    """A is more than B: B is less than A, and not the other way round."""
    more, less, beside, first, second = comparison(draw)
    known = {ENTAILED: more, CONTRADICTED: less, OPEN: beside}[label]
    claim = f"{second} is {less} {first}" if draw.chance(0.5) else f"{first} is {more} {second}"
    return led(draw, f"{first} is {known} {second}"), led(draw, claim)


def entail_cause(draw: Draw, label: str) -> Pair:
    """A cause and its result: either may be claimed, the result may be denied."""
    cause, cause_too, result, result_too, unlike = draw.item(CAUSES)
    claim = draw.any((result, result_too))
    if label == ENTAILED:
        known = draw.any((f"because {cause}, {result}", f"{result}, since {cause_too}"))
    elif label == CONTRADICTED:
        known = draw.any((f"although {cause}, {unlike}", f"{unlike}, even though {cause_too}"))
        if draw.chance(0.3):
            known = f"because {cause}, {result_too}"
            claim = unlike
    else:
        known = draw.any((f"we all knew that {cause}", f"there is no doubt that {cause_too}"))
        claim = draw.any((result, result_too, unlike))
    return sentence(known), sentence(claim)


def entail_life(draw: Draw, label: str) -> Pair:
    """An everyday fact: what follows from it, what it rules out, and what it leaves open."""
    known = life(draw)
    pairs = {
        ENTAILED: [
            (known.fact, known.implied),
            (known.same, known.implied),
            (known.fact, known.same),
            (known.same, known.fact),
            (known.contrary, known.contrary_same),
            (known.contrary_same, known.contrary),
        ],
        OPEN: [
            (known.fact, known.beside),
            (known.same, known.beside),
            (known.beside, known.fact),
            (known.beside, known.contrary),
            (known.implied, known.fact),
            (known.implied, known.beside),
        ],
        CONTRADICTED: [
            (known.fact, known.contrary),
            (known.same, known.contrary_same),
            (known.contrary, known.fact),
            (known.contrary, known.same),
            (known.contrary_same, known.fact),
            (known.same, known.contrary),
        ],
    }
    return draw.any(pairs[label])


ENTAIL: dict[PairBuilder, float] = {
    entail_scene: 16,
    known_pair: 16,
    entail_life: 10,
    entail_attempt: 3,
    entail_cause: 3,
    entail_belief: 1.7,
    entail_negation: 2,
    entail_quantifier: 2,
    entail_number: 1.5,
    entail_kind: 1.5,
    entail_state: 1.5,
    entail_time: 0.7,
    entail_roles: 1,
    entail_manner: 0.5,
    entail_comparison: 0.7,
}


def entail_row(draw: Draw, label: str) -> Row:
    """A premise and a hypothesis with the given label."""
    premise, hypothesis = draw.weighted(ENTAIL)(draw, label)
    return {"premise": premise, "hypothesis": hypothesis, "label": label}
