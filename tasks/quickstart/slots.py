"""Sentences with slots: one is the same in other words, one says something else, and any slot may change.

The tables are in the form of ``material.py``, and everything in them was written for this project.
"""

# ruff: noqa: E501 - a table keeps one item to a line

from __future__ import annotations

import re

from draw import Draw
from material import listed, rows
from wording import sentence, with_articles

Pair = tuple[str, str]

PERSONS = listed("""
Anna, Ben, Clara, David, Ella, Frank, Grace, Hugo, Ida, Jonas, Kate, Leo, Maria, Noah, Olivia, Peter, Rosa, Sam, Tina, Victor,
my mother, my father, my sister, my cousin, my aunt, my grandfather, the teacher, the nurse, the boss, the neighbour, her husband,
his wife, the mayor, the plumber, the coach, the twins' mother, our guest, the girl next door, a friend of ours, the new student
""")

SLOTS: dict[str, list[str]] = {
    "p": PERSONS,
    "q": PERSONS,
    "o": listed("""
        the lamp, the tent, the blue coat, the phone, the camera, the table, the painting, the piano, the red bag, the watch, the ladder,
        the printer, the old radio, the bike, the sofa, the ring, the clock, the suitcase, the knife, the mirror, the umbrella, the kettle
    """),
    "f": listed("""
        bread, rice, fish, soup, cheese, chicken, pasta, cake, salad, potatoes, eggs, beans, chocolate, mushrooms, honey, yoghurt,
        grapes, oranges, carrots, ham, onions, peas, nuts, ice cream
    """),
    "g": listed("tea, juice, water, cocoa, wine, beer, lemonade, cider, milk, coffee"),
    "l": listed("""
        in the garage, at the station, in Berlin, at the market, in the kitchen, on the balcony, in the office, at the hotel, in the park,
        by the lake, in the library, at the airport, in the village, on the island, in the cellar, near the church, in Oslo, at the bank
    """),
    "t": listed("""
        yesterday, last week, last Tuesday, this morning, last night, a month ago, on Sunday, two days ago, last summer, in March, in 2015,
        on Friday evening, at midnight, an hour ago
    """),
    "u": listed(
        "tomorrow, next week, next Monday, tonight, in an hour, on Saturday, next month, in two days, after lunch, in spring"
    ),
    "n": listed("two, three, four, five, six, seven, eight, nine, ten, twelve, fifteen, twenty"),
    "h": listed(
        "half past six, seven, a quarter past eight, nine, ten, noon, half past one, two, three, five, midnight"
    ),
    "a": listed("cats, dogs, horses, rabbits, goats, ducks, chickens, parrots, snakes, spiders, mice, donkeys"),
    "j": listed(
        "a baker, a lawyer, a pilot, a vet, a painter, a singer, a judge, a farmer, a butcher, a dentist, an actor, a waiter"
    ),
    "m": listed("meeting, film, lesson, concert, match, lecture, party, wedding, play, exam, tour, service"),
    "i": listed("violin, flute, piano, guitar, drums, harp, trumpet, cello"),
    "v": listed("swim, drive, sew, ski, cook, skate, knit, type, sail, draw"),
    "s": listed(
        "the school, the museum, the harbour, the zoo, the post office, the stadium, the castle, the chemist's, the market"
    ),
    "c": listed("red, green, white, black, yellow, brown, pink, grey"),
}
"""Letter of a slot -> what may stand there."""

SLOTTED = rows("""
# a sentence | the same in other words | something else
{p} bought {o} {t}. | {p} got {o} in a shop {t}. | {p} sold {o} {t}.
{p} gave {o} to {q}. | {q} got {o} from {p}. | {q} gave {o} to {p}.
{p} is older than {q}. | {q} is younger than {p}. | {q} is older than {p}.
{p} helped {q} {t}. | {q} had some help from {p} {t}. | {q} helped {p} {t}.
{p} phoned {q} {t}. | {q} had a phone call from {p} {t}. | {q} phoned {p} {t}.
{p} lives {l}. | {p} has a home {l}. | {p} works {l}.
{p} lost {o} {l}. | {l}, {p} lost {o}. | {p} found {o} {l}.
{p} likes {f}. | {p} is fond of {f}. | {p} doesn't like {f}.
{p} would rather drink {g} than {g2}. | {p} prefers {g} to {g2}. | {p} prefers {g2} to {g}.
{p} has {n} {a}. | {p} owns {n} {a}. | {p} would like to have {n} {a}.
{p} wants to become {j}. | {p} would like to be {j} one day. | {p} used to be {j}.
{p} is {j}. | {p} works as {j}. | {p} is looking for {j}.
{p} will visit {q} {u}. | {q} will have a visit from {p} {u}. | {p} visited {q} {t}.
{p} is afraid of {a}. | {a} frighten {p}. | {p} loves {a}.
{p} cooked {f} for {q}. | {q} ate the {f} that {p} had cooked. | {q} cooked {f} for {p}.
{p} paid for {o}. | it was {p} who paid for {o}. | {p} did not pay for {o}.
{o} is broken. | {o} doesn't work any more. | {o} works well.
{o} belongs to {p}. | {p} is the owner of {o}. | {o} belongs to {q}.
{o} costs {n} pounds. | the price of {o} is {n} pounds. | {o} weighs {n} pounds.
there are {n} {a} {l}. | you can see {n} {a} {l}. | there are no {a} {l}.
the {m} starts at {h}. | the {m} begins at {h}. | the {m} ends at {h}.
{p} never eats {f}. | {p} doesn't eat {f} at all. | {p} often eats {f}.
{p} can play the {i}. | {p} knows how to play the {i}. | {p} cannot play the {i}.
{p} broke {o} by accident. | by mistake, {o} was broken by {p}. | {p} mended {o}.
{p} works with {q}. | {p} and {q} are colleagues. | {p} lives with {q}.
{p} told {q} the truth. | {q} heard the truth from {p}. | {p} lied to {q}.
{p} sent {q} {o}. | {p} posted {o} to {q}. | {q} sent {p} {o}.
{p} waited for {q} {l}. | {l}, {p} waited until {q} came. | {q} waited for {p} {l}.
{p} taught {q} to {v}. | {q} learned to {v} from {p}. | {q} taught {p} to {v}.
{p} can't {v}. | {p} is unable to {v}. | {p} can {v}.
do you know where {o} is? | where is {o}? | do you know whose {o} is?
what does {o} cost? | how much do you want for {o}? | how heavy is {o}?
could I borrow {o}? | would you lend me {o}? | could I throw {o} away?
have you got any {f}? | is there any {f} here? | do you like {f}?
please bring {o}. | could you bring {o} with you? | please leave {o} here.
how do I get to {s}? | which way is it to {s}? | when does {s} open?
when does the {m} start? | at what time does the {m} begin? | how long does the {m} last?
{p} forgot to buy {f}. | {p} didn't remember to get {f}. | {p} remembered to buy {f}.
{s} is closed {u}. | {s} won't be open {u}. | {s} is open {u}.
{p}'s car is {c}. | {p} has a {c} car. | {p}'s house is {c}.
{p} is taller than {q}. | {q} isn't as tall as {p}. | {q} is taller than {p}.
{p} earns more than {q}. | {q} earns less than {p}. | {q} earns more than {p}.
{p} thinks that {q} is right. | {p} agrees with {q}. | {p} thinks that {q} is wrong.
{p} turned the heating on. | {p} switched the heating on. | {p} turned the heating off.
{p} put {o} on the shelf. | {p} placed {o} on the shelf. | {p} took {o} off the shelf.
{p} went to bed at {h}. | it was {h} when {p} went to bed. | {p} got up at {h}.
{p} stopped drinking {g}. | {p} gave up {g}. | {p} started drinking {g}.
{p} came by bus {t}. | {t}, {p} took the bus to get here. | {p} went away by bus {t}.
{p} likes to {v}. | {p} is happy to {v}. | {p} hates to {v}.
{p} asked {q} for help. | {p} asked whether {q} could help. | {q} asked {p} for help.
there is some {g} left. | we still have some {g}. | we have no {g} left.
{p} saw {q} {l} {t}. | {t}, {q} was seen by {p} {l}. | {q} saw {p} {l} {t}.
both {p} and {q} can {v}. | {p} can {v}, and so can {q}. | neither {p} nor {q} can {v}.
only {p} ate the {f}. | nobody but {p} ate the {f}. | everybody but {p} ate the {f}.
{p} has just left. | {p} went away a moment ago. | {p} has just arrived.
{p} spends all the money. | {p} keeps none of the money. | {p} saves all the money.
{p} is in front of {q} in the queue. | {q} stands behind {p} in the queue. | {q} is in front of {p} in the queue.
{p} and {q} got married {t}. | the wedding of {p} and {q} was {t}. | {p} and {q} got divorced {t}.
""")

SLOT = re.compile(r"\{([a-z])(2?)\}")


def slotted_pair(draw: Draw, same: bool) -> Pair:
    """Two wordings of one sentence, or two sentences that differ in a word, a slot or the order of two slots."""
    first, reworded, unlike = draw.item(SLOTTED)
    values = _drawn(draw, first + reworded + unlike)
    if same:
        return _filled(first, values), _filled(reworded, values)
    told = draw.any((first, first, reworded))
    if draw.chance(0.5):
        return _filled(told, values), _filled(unlike, values)
    asked = draw.any((first, reworded))
    return _filled(told, values), _filled(asked, _changed(draw, values, asked))


def _drawn(draw: Draw, text: str) -> dict[str, str]:
    """A value for each slot in the text; no two slots with the same values get the same one."""
    values: dict[str, str] = {}
    for letter, number in SLOT.findall(text):
        taken = set(values.values())
        if letter + number not in values:
            values[letter + number] = draw.any([value for value in SLOTS[letter] if value not in taken])
    return values


def _changed(draw: Draw, values: dict[str, str], text: str) -> dict[str, str]:
    """The values with one slot of the text changed."""
    slots = sorted({letter + number for letter, number in SLOT.findall(text)})
    slot = draw.any(slots)
    other = draw.any([value for value in SLOTS[slot[0]] if value not in values.values()])
    return {**values, slot: other}


def _filled(text: str, values: dict[str, str]) -> str:
    """The sentence with its slots filled."""
    return with_articles(sentence(SLOT.sub(lambda slot: values[slot[1] + slot[2]], text)))
