"""Sentences with slots: what is the same in other words, what follows, what is open, and what cannot be true.

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
    "w": listed("six, seven, half past seven, eight, half past eight, nine, ten"),
    "d": listed("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"),
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

KNOWN = rows("""
# a sentence | what follows | what may be true or not | what cannot be true
{p} bought {o} {t}. | {p} paid for something {t}. | {p} bought {o} as a gift. | {p} has never bought anything.
all my friends can {v}. | some of my friends can {v}. | {p} is a friend of mine. | none of my friends can {v}.
most of my friends like {f}. | some of my friends like {f}. | all my friends like {f}. | none of my friends like {f}.
{p} is {j}. | {p} has a job. | {p} is rich. | {p} has never had a job.
{p} has {n} {a}. | {p} has pets. | {p} has {n} {c} {a}. | {p} has no animals.
{p} drives a {c} car. | {p} has a car. | {p}'s car is new. | {p}'s car is {c2}.
the {m} starts at {w} in the morning. | the {m} begins in the morning. | the {m} will be interesting. | the {m} starts late in the evening.
the {m} was on {d}. | the {m} has taken place. | the {m} was fun. | the {m} was called off.
{p} is fast asleep {l}. | {p} is not awake. | {p} is dreaming. | {p} is reading a book.
{p} was born in Madrid. | {p} was born in Spain. | {p} still lives in Madrid. | {p} was born in Norway.
{p} lives in Vienna. | {p} lives in Austria. | {p} was born in Vienna. | {p} has never been to Austria.
{p} flew to Tokyo {t}. | {p} was in Japan. | {p} flew to Tokyo on business. | {p} has never been on a plane.
{p} never drinks {g}. | {p} doesn't drink {g}. | {p} drinks a lot of {g2}. | {p} drank some {g} {t}.
{p} is taller than {q}. | {q} is shorter than {p}. | {p} is stronger than {q}. | {q} is taller than {p}.
{s} is closed on {d}. | you can't go into {s} on {d}. | {s} is closed on {d} because of a strike. | {s} is open on {d}.
{p} can play the {i} and the {i2}. | {p} can play the {i}. | {p} gives concerts. | {p} can't play any instrument.
{p} came second in the race. | {p} took part in the race. | {p} was proud of the result. | {p} won the race.
{p} won the first prize. | {p} won something. | {p} won the first prize for a song. | {p} lost and got nothing.
it rained all day {l}. | the weather was wet {l}. | it rained all week {l}. | the sky was clear all day {l}.
{p} is on the way to {s}. | {p} is going somewhere. | {p} goes to {s} every {d}. | {p} is at home in bed.
{o} is too heavy for {p} to lift. | {p} can't lift {o}. | {o} is very old. | {p} lifted {o} with one hand.
{p} has eaten all the {f}. | there is no {f} left. | the {f} was delicious. | there is plenty of {f} left.
{p} ate {f} for breakfast. | {p} had something to eat in the morning. | {p} eats {f} every day. | {p} had no breakfast.
{p} forgot to lock the door. | the door was left unlocked. | somebody broke in. | {p} locked the door.
{p} paid {n} pounds for {o}. | {o} was not free. | {o} was a bargain. | {p} got {o} for nothing.
{p} speaks {n} languages. | {p} speaks more than one language. | {p} teaches languages. | {p} speaks only one language.
{p} is waiting for the bus. | the bus is not here yet. | {p} is on the way to {s}. | {p} is sitting on the bus.
{p} is playing the {i} for us. | {p} is making music. | {p} is nervous. | {p} is not making a sound.
{p} sold {o} to {q}. | {q} bought {o}. | {q} paid too much for {o}. | {p} still owns {o}.
{p} broke {o}. | {o} was damaged. | {p} broke {o} on purpose. | {o} is as good as new.
{p} is allergic to {f}. | {p} should not eat {f}. | {p} is allergic to {g}, too. | {p} eats {f} every day without any trouble.
{p} moved from Rome to Paris {t}. | {p} doesn't live in Rome any more. | {p} speaks French. | {p} has lived in Rome without a break.
{n} {a} are sleeping under a tree. | some animals are asleep. | the {a} belong to {p}. | the {a} are running around.
{p} is cooking {f} in the kitchen. | {p} is preparing food. | {p} is cooking for {q}. | {p} is resting in the bedroom.
{p} is reading a newspaper on the train. | {p} is travelling. | {p} is on the way to work. | {p} is driving a car.
{p} is wearing a {c} hat. | {p} has something on the head. | the {c} hat was a gift. | {p} is not wearing a hat.
{p} came first, and {q} came an hour later. | {p} was there before {q}. | {p} was angry. | {q} was there before {p}.
both {p} and {q} can {v}. | {p} can {v}. | {p} taught {q} to {v}. | {q} cannot {v}.
nobody but {p} passed the exam. | {q} did not pass the exam. | the exam was hard. | everybody passed the exam.
{p} lost {o} and never found it again. | {o} is gone. | somebody stole {o}. | {p} still has {o}.
{p} gave up smoking {t}. | {p} used to smoke. | {p} gave up smoking for the sake of {q}. | {p} has never smoked.
{p} would like to have {n} {a}. | {p} wants some {a}. | {p} will buy {n} {a} {u}. | {p} doesn't want any {a}.
{p} is trying to open the box. | the box is closed. | the box is full of letters. | the box has been open all day.
the glass is half empty. | there is something left in the glass. | there is {g} in the glass. | the glass is completely empty.
{p}'s birthday is in May. | {p} was born in May. | {p} will give a party in May. | {p}'s birthday is in August.
{p} always tells the truth. | {p} never lies. | {q} trusts {p}. | {p} told {q} a lie {t}.
the hotel is fully booked for tonight. | you can't get a room at the hotel tonight. | the hotel is the best in town. | the hotel has free rooms for tonight.
{p} can't come because of a cold. | {p} is ill. | {p} has to stay in bed for a week. | {p} is in perfect health.
{p} went home straight after work. | {p} did not stay at work. | {p} was tired after work. | {p} went to a party right after work.
{p} and {q} are sisters. | {p} and {q} are related. | {p} and {q} look alike. | {p} and {q} have different parents.
{p} and {q} have been married for {n} years. | {p} has a husband or a wife. | {p} and {q} have {n} children. | {p} is single.
{p} met {q} {l}. | {p} was {l}. | {p} wanted to borrow money from {q}. | {p} and {q} have never met.
{p} has a big dog. | {p} has a pet. | {p}'s dog bites. | {p} has no dog.
{p} is the oldest of {n} children. | {p} has brothers or sisters. | {p} helps with the housework. | {p} is the youngest child in the family.
{p}'s train was an hour late. | {p} came later than planned. | {p} missed the {m}. | {p}'s train was on time.
the bank closes at {w}. | the bank does not stay open for ever. | the bank is next to {s}. | the bank never closes.
{p} works at night and sleeps during the day. | {p} is usually awake at night. | {p} works in a hospital. | {p} works in the daytime only.
there was nobody in the room. | the room was empty of people. | the room was cold. | {p} was in the room.
{p}'s purse is empty. | there are no coins in {p}'s purse. | {p} has left the money at home. | {p}'s purse is full of money.
""")

PLAIN_SLOTTED = rows("""
# a remark that takes no side
the coach to Oslo goes at {h}.
our train to Madrid goes at {h} on {d}.
the next ferry comes in {n} minutes.
the flight takes about {n} hours.
the {m} begins at {h} on {d}.
please give {p} a ring {u}.
please send the letter to {p} {u}.
I bought {o} {t}.
I met {p} {l} {t}.
I'm going to {s} {u}.
I have an appointment at {h} {u}.
I have {n} {a} at home.
I'd like a glass of {g}.
we had {f} for lunch {t}.
we are having {f} for dinner {u}.
{p} is {l} at the moment.
{p} works as {j}.
{p} is a relative of {q}.
{p} asked me about {o}.
{p} is driving to {s} {u}.
{p}'s car is {c}.
there are {n} chairs {l}.
the door of {s} is {c}.
{o} belongs to {p}.
{o} is {l}.
{o} weighs {n} kilos.
can you bring {o} {u}?
where did {p} put {o}?
is {s} open on {d}?
what time is the {m} on {d}?
does {p} drink {g}?
how many {a} are there {l}?
take the second street on the left to get to {s}.
the parcel for {p} is {l}.
you can leave {o} {l}.
{p} lives near {s}.
{p} plays the {i} in a band.
today is {d}.
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


def known_pair(draw: Draw, label: str) -> Pair:
    """A sentence, and one that follows (entailment), is open (neutral) or cannot be true (contradiction)."""
    known, follows, may_be, cannot = draw.item(KNOWN)
    values = _drawn(draw, known + follows + may_be + cannot)
    pairs = {
        "entailment": ((known, follows),),
        "neutral": ((known, may_be), (known, may_be), (follows, may_be)),
        "contradiction": ((known, cannot), (known, cannot), (cannot, known)),
    }
    premise, hypothesis = draw.any(pairs[label])
    return _filled(premise, values), _filled(hypothesis, values)


def plain_text(draw: Draw) -> str:
    """A sentence that neither praises nor blames."""
    text = draw.item(PLAIN_SLOTTED)[0]
    return _filled(text, _drawn(draw, text))


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
