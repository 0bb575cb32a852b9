"""Everyday scenes: somebody does something somewhere, and what follows from it, contradicts it or leaves it open.

The tables are in the form of ``material.py``, and everything in them was written for this project.
"""

# ruff: noqa: E501 - a table keeps one item to a line

from __future__ import annotations

from dataclasses import dataclass

from draw import Draw
from material import listed, rows
from wording import sentence

Pair = tuple[str, str]

WHO = rows("""
# somebody | the verb | more general | what may be true as well
a little boy | is | a child | is six years old
a young woman | is | somebody | is a student
an old man | is | a person | is a grandfather
a tall girl | is | a girl | is good at maths
two men | are | some people | are brothers
two girls | are | two children | are sisters
three friends | are | several people | are on holiday
a couple | are | two people | are newly married
a farmer | is | a worker | is the owner of forty cows
a nurse | is | a woman or a man | is tired after a long night
a black dog | is | an animal | is three years old
some students | are | a group of people | are preparing for an exam
our teacher | is | someone we know | is from Scotland
my grandmother | is | a relative of mine | is eighty years old
a family | are | a few people | are visiting from abroad
a man in a blue shirt | is | a man | is a bus driver
a woman with long hair | is | a woman | is a lawyer
a crowd | are | many people | are hoping for good weather
a soldier | is | a man or a woman | is far from home
my best friend | is | a friend of mine | is allergic to nuts
""")

DOING = rows("""
# what somebody is doing | the same | more general | what may be true as well | what cannot be true at the same time
eating an apple | having an apple | eating fruit | eating an apple from the garden | eating a steak
eating soup with a spoon | having soup | having a meal | eating soup made by a friend | sleeping
drinking a glass of milk | having some milk | drinking something | drinking milk because it is healthy | eating a dry cake
playing the violin | making music on the violin | making music | playing a song by Mozart | listening in silence
singing a song | giving a song | making music | singing a love song | keeping quiet
playing tennis | having a game of tennis | doing sport | playing tennis for the first time | taking a nap
playing football | kicking a football around | playing a game | losing the game | sitting on a chair
running fast | running at high speed | moving | running to catch a bus | standing still
riding a horse | sitting on a riding horse | with an animal | riding a brown horse to a village | driving a car
driving a lorry | at the wheel of a lorry | driving | driving a lorry full of fruit | walking
sleeping | fast asleep | resting | dreaming about a holiday | dancing
reading a magazine | looking through a magazine | reading | reading about fashion | watching a film
watching a film | looking at a film | looking at a screen | watching a funny film | reading a magazine
writing an email | typing an email | writing | writing to the boss | riding a horse
talking to a waiter | speaking with a waiter | talking | complaining to a waiter | silent
buying bread | getting some bread in a shop | buying food | buying bread for breakfast | selling shoes
selling flowers | offering flowers for sale | selling something | selling flowers at a low price | buying a house
painting a picture | working on a painting | making art | painting a picture of a lake | breaking a mirror
taking a photo | taking a picture with a camera | using a camera | taking a photo for a newspaper | asleep
cleaning the floor | washing the floor | cleaning | cleaning the floor after a party | making the floor dirty
cooking rice | boiling rice | cooking | cooking rice for six guests | eating in a restaurant
baking a cake | making a cake in the oven | baking | baking a birthday cake | swimming
cutting wood | chopping wood | working | cutting wood for the winter | lying in bed
digging a hole | making a hole with a spade | digging | digging a hole for a tree | flying a plane
climbing a wall | going up a wall | climbing | climbing a wall to win a bet | sitting down
jumping into the water | leaping into the water | jumping | jumping into the water to save a child | staying dry
waiting for a train | looking out for a train | waiting | waiting for a train to the north | sitting in a moving train
laughing | having a good laugh | showing joy | laughing at a joke | weeping
weeping | crying | showing feelings | crying about a lost ring | laughing
wearing a hat | with a hat on | wearing something | wearing a hat from Italy | wearing nothing on top of the head
holding a baby | carrying a baby | holding a child | holding a baby that is ill | holding nothing
pushing a bicycle | walking beside a bicycle and pushing it | on foot | pushing a bicycle with a flat tyre | riding a bicycle
feeding some ducks | giving food to some ducks | near some birds | feeding some ducks with old bread | hunting ducks
fishing | trying to catch a fish | trying to catch something | fishing for trout | playing the violin
skiing down a hill | going down a hill on skis | doing a winter sport | skiing for a prize | lying on a warm beach
repairing a radio | fixing a radio | repairing something | repairing a radio that fell down | throwing a radio away
paying with cash | using cash to pay | paying | paying for dinner with cash | paying by card
hugging a friend | embracing a friend | touching somebody | hugging a friend before a long trip | fighting with everybody
""")

WHERE = rows("""
# a place | the same | more general | a place that rules it out
in the park | in a public park | outdoors | in a cellar
on the beach | by the sea | outside | in an office
in the garden | out in the garden | outdoors | inside a train
on a mountain | up on a mountain | outside | in a cinema
in the kitchen | at home in the kitchen | indoors | in the forest
in the living room | at home in the living room | inside a house | on a boat
in an office | at an office desk | inside a building | on a field
in a restaurant | inside a restaurant | indoors | on a mountain
at the airport | in an airport | in a busy place | in a quiet village
in front of a church | outside a church | near a building | in the desert
on a bridge | high up on a bridge | outdoors | in a bedroom
in a hospital | inside a hospital | in a building | on the beach
at school | in a school | in a building | at sea
in the snow | in snowy weather | in the cold | in hot sunshine
under a tree | in the shade of a tree | outside | in a lift
on the street | out on the street | outdoors | in bed
on a train | aboard a train | on a journey | in a garden
""")

DID = rows("""
# what somebody did | the same | more general | what may be true as well | what cannot be true | not done
bought a blue car | got a new car that is blue | bought something | paid very little for a blue car | has never owned a car | did not buy a car
sold the old piano | found a buyer for the old piano | sold something | sold the old piano to a school | still owns the old piano | did not sell the piano
ate three pancakes | had three pancakes | ate something | ate three pancakes with honey | ate nothing at all | did not eat any pancakes
drank two cups of tea | had two cups of tea | drank something hot | drank two cups of green tea | never drank a drop | did not drink any tea
went to Spain last summer | travelled to Spain last summer | went abroad | learned to dance in Spain last summer | stayed at home all summer | did not go to Spain last summer
lost a ring | could not find a ring any more | lost something | lost a wedding ring | found the ring at once | did not lose a ring
broke a window | smashed a window | damaged something | broke a window with a ball | left every window whole | did not break a window
visited a friend in hospital | went to see a friend in hospital | saw a friend | brought flowers to a friend in hospital | has no friends | did not visit anyone
failed the maths exam | did not pass the maths exam | took an exam | had not studied for the maths exam | passed every exam | did not fail the maths exam
won some money | was the winner of some money | has some money | won some money in a quiz | lost all the money | did not win anything
fell off a ladder | had a fall from a ladder | had an accident | fell off a ladder while painting | stayed on the ground all day | did not fall
missed the last bus | came too late for the last bus | did not catch the bus | missed the last bus because of the rain | sat in the last bus | did not miss the last bus
called the police | phoned the police | made a call | called the police about a stolen bike | told nobody | did not call the police
got up at five | rose at five in the morning | got up early | got up at five to milk the cows | slept until noon | did not get up at five
learned to swim as a child | was taught to swim in childhood | can swim | learned to swim in a lake as a child | cannot swim | never learned to swim
married a pilot | became the wife or husband of a pilot | is not single | married a pilot in Rome | has always been single | did not marry a pilot
forgot the password | could not remember the password | had a password | forgot the password after a holiday | remembered the password | did not forget the password
arrived two hours late | came two hours after the agreed time | did not come on time | arrived two hours late because of a strike | arrived early | was not late
read the whole book | read the book to the end | read something | read the whole book in one night | never opened the book | did not read the book
left the party at ten | went away from the party at ten | was at a party | left the party at ten to catch a bus | stayed until the next morning | did not leave the party at ten
built a small boat | made a small boat | built something | built a small boat out of oak | has never made anything | did not build a boat
gave up smoking | stopped smoking | does not smoke any more | gave up smoking after an illness | smokes a lot | did not give up smoking
moved to a bigger flat | went to live in a bigger flat | lives somewhere else now | moved to a bigger flat near the lake | stayed in the small flat | did not move
found a job in a bank | got work in a bank | found work | found a well paid job in a bank | is out of work | did not find a job
""")

PERSONS = listed("""
she, he, Anna, Tom, my brother, my neighbour, the young man, our cousin, the woman next door, his aunt, a colleague, the doctor
""")


PAIRED = listed("""
the horse, the bull, the goose, my aunt, my uncle, the baker, the tourist, the twins, the neighbour, the bird, the fox, the lion,
the little girl, the old man, the rabbit, Paul, Lena, the manager, the driver
""")
DEEDS = listed("bit, followed, saw first, called, helped, pushed, beat, woke up, looked for, married, painted, scared")
PLANS = ["will soon", "would like to", "is going to"]


@dataclass(frozen=True)
class Scene:
    """One statement, with others that stand in a known relation to it.

    Attributes:
        fact, same: the statement in two wordings.
        weaker: statements that follow from it, and from which it does not follow.
        open: statements that may be true or not.
        ruled_out: statements that cannot be true at the same time.
    """

    fact: str
    same: str
    weaker: tuple[str, ...]
    open: tuple[str, ...]
    ruled_out: tuple[str, ...]


def present_scene(draw: Draw) -> Scene:
    """Somebody is doing something, often at a place."""
    who, verb, kind, about = draw.item(WHO)
    doing, same, general, more, other = draw.item(DOING)
    place, place_same, place_kind, place_other = draw.item(WHERE) if draw.chance(0.6) else ("", "", "", "")
    kind_verb = "are" if kind.split()[-1] in ("people", "children") else "is"
    return Scene(
        f"{who} {verb} {doing} {place}",
        f"{who} {verb} {same} {place_same if place and draw.chance(0.3) else place}",
        tuple(
            text
            for text in (
                f"{who} {verb} {general}",
                f"{kind} {kind_verb} {doing}",
                f"{kind} {kind_verb} {general}",
                f"{who} {verb} {doing}" if place else "",
                f"{who} {verb} {place_kind}" if place else "",
                f"{kind} {kind_verb} {place_kind}" if place else "",
            )
            if text
        ),
        (f"{who} {verb} {more}", f"{who} {about}", f"{who} {about}"),
        tuple(
            text
            for text in (
                f"{who} {verb} {other}",
                f"{who} {verb} {other} {place}",
                f"{who} {verb} {place_other}" if place else "",
                f"{who} {verb} not {doing}",
                f"nobody is {doing} {place}",
            )
            if text
        ),
    )


def past_scene(draw: Draw) -> Scene:
    """Somebody did something."""
    who = draw.any(PERSONS)
    cells = draw.item(DID)
    fact, same, general, more, other, denied = (f"{who} {cell}" for cell in cells)
    later = cells[5].removeprefix("did not ")
    plans = [f"{who} {plan} {later}" for plan in PLANS] if later != cells[5] else []
    return Scene(fact, same, (general,), (more, *plans), (other, denied))


def scene(draw: Draw) -> Scene:
    """A scene in the present or the past."""
    return present_scene(draw) if draw.chance(0.65) else past_scene(draw)


def entail_scene(draw: Draw, label: str) -> Pair:
    """A scene, and a statement that follows, is open or is ruled out."""
    known = scene(draw)
    told = draw.any((known.fact, known.fact, known.same))
    weaker = draw.any(known.weaker)
    pairs = {
        "entailment": ((told, weaker), (told, weaker), (known.same, known.fact), (known.fact, known.same)),
        "neutral": ((told, draw.any(known.open)), (told, draw.any(known.open)), (weaker, known.fact)),
        "contradiction": (
            (told, draw.any(known.ruled_out)),
            (told, draw.any(known.ruled_out)),
            (draw.any(known.ruled_out), told),
        ),
    }
    first, second = draw.any(pairs[label])
    return sentence(first), sentence(_shown_again(second))


def same_scene(draw: Draw, label: str) -> Pair:
    """A scene in two wordings, or two scenes with much in common."""
    known = scene(draw)
    if label == "paraphrase":
        return sentence(known.fact), sentence(known.same)
    if draw.chance(0.4):
        return roles(draw)
    unlike = draw.any((*known.ruled_out, *known.open, scene(draw).fact))
    return sentence(draw.any((known.fact, known.same))), sentence(unlike)


def roles(draw: Draw) -> Pair:
    """Two animals or people in exchanged roles."""
    one, other = draw.two(PAIRED)
    deed = draw.any(DEEDS)
    return sentence(f"{one} {deed} {other}"), sentence(f"{other} {deed} {one}")


def _shown_again(text: str) -> str:
    """A second statement names the person as one who is known: ``the man``, not ``a man``."""
    return f"the{text[1:]}" if text.startswith("a ") else text
