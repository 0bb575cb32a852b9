"""Words and phrases from which make_data.py builds the quickstart sentences.

Every line was written for this project; nothing is copied from a data set.  The
tables are plain text, one item per line with ``|`` between the columns, so that
they can be read and mended without touching any code.  The first line of each
table (starting with ``#``) names its columns.
"""

# ruff: noqa: E501 - a table keeps one item to a line

from __future__ import annotations


def rows(table: str) -> list[list[str]]:
    """Split a table into rows of stripped cells, skipping blank and ``#`` lines."""
    lines = (line.strip() for line in table.splitlines())
    return [[cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#")]


def words(text: str) -> list[str]:
    """Split a text into its words."""
    return text.split()


def listed(text: str) -> list[str]:
    """Split a text at its commas."""
    return [item.strip() for item in text.split(",")]


# --- quick_attitude ---------------------------------------------------------

DOMAINS = rows("""
# place | four aspects as noun:good:bad | two plain facts
night train | carriage:spotless:filthy | guard:helpful:rude | journey:smooth:bumpy | timetable:reliable:hopeless | The night train leaves from platform four. | The night train has two sleeping carriages.
corner cafe | coffee:delicious:bitter | waiter:friendly:grumpy | terrace:peaceful:noisy | soup:tasty:watery | The corner cafe opens at seven on weekdays. | The corner cafe takes both cards and cash.
budgeting app | menu:clear:confusing | update:quick:endless | sync:dependable:erratic | chart:readable:cluttered | The budgeting app needs a password of eight letters. | The budgeting app was updated on Thursday.
town library | reading room:quiet:rowdy | catalogue:complete:patchy | librarian:patient:curt | building:inviting:gloomy | The town library lends books for three weeks. | The town library stands beside the post office.
bike workshop | repair:solid:shoddy | mechanic:honest:dishonest | estimate:fair:outrageous | collection:punctual:late | The bike workshop is closed on Sundays. | The bike workshop also stocks spare tubes.
dental clinic | dentist:gentle:rough | waiting room:calm:chaotic | treatment:painless:painful | receptionist:polite:impolite | The dental clinic moved to the second floor. | The dental clinic sends reminders by post.
seaside hotel | room:airy:stuffy | bed:comfortable:lumpy | breakfast:generous:meagre | porter:attentive:lazy | The seaside hotel has forty rooms. | The seaside hotel asks guests to leave by eleven.
village bakery | bread:fresh:stale | pastry:flaky:soggy | queue:orderly:messy | baker:cheerful:sullen | The village bakery sells rye on Tuesdays. | The village bakery is next to the chapel.
science museum | exhibition:fascinating:boring | guide:knowledgeable:clueless | audio tour:lively:dull | ticket price:modest:excessive | The science museum lets children in from age four. | The science museum keeps its coats in the basement.
parcel service | delivery:prompt:slow | driver:careful:careless | tracking page:accurate:misleading | packaging:sturdy:flimsy | The parcel service collects at four each day. | The parcel service weighs every box at the depot.
city gym | equipment:modern:outdated | changing room:clean:grimy | trainer:encouraging:dismissive | membership:flexible:rigid | The city gym has lockers by the entrance. | The city gym runs a class on Wednesday evenings.
phone shop | salesman:sincere:pushy | contract:simple:baffling | screen repair:flawless:botched | warranty:generous:worthless | The phone shop sells two kinds of charger. | The phone shop is on the upper floor of the mall.
hair salon | haircut:stylish:uneven | stylist:skilled:clumsy | shampoo:pleasant:smelly | booking:easy:awkward | The hair salon takes bookings by phone. | The hair salon has six chairs and one mirror wall.
airport bus | ride:comfortable:cramped | driver:courteous:hostile | seat:soft:hard | fare:reasonable:exorbitant | The airport bus stops at both terminals. | The airport bus runs every twenty minutes.
island ferry | crossing:relaxing:miserable | deck:tidy:littered | crew:efficient:disorganised | canteen:cosy:dingy | The island ferry carries up to ninety cars. | The island ferry sails three times a day in winter.
garden centre | advice:useful:useless | rose bush:healthy:withered | greenhouse:well kept:neglected | till:fast:sluggish | The garden centre moves its tulips indoors in May. | The garden centre has a car park at the back.
online course | lecture:engaging:tedious | tutor:responsive:unhelpful | exam:sensible:absurd | workbook:thorough:sloppy | The online course lasts ten weeks. | The online course starts again in October.
local bank | adviser:trustworthy:evasive | website:intuitive:maddening | loan:affordable:ruinous | call centre:competent:incompetent | The local bank shuts its counter at half past three. | The local bank changed its logo in spring.
old cinema | sound:crisp:muffled | picture:sharp:blurry | popcorn:crunchy:limp | usher:welcoming:unfriendly | The old cinema shows two films each evening. | The old cinema was built beside the canal.
forest campsite | shower:hot:freezing | pitch:level:muddy | warden:kind:mean | shop:well stocked:bare | The forest campsite allows dogs on a lead. | The forest campsite lies nine miles from the lake.
animal clinic | vet:caring:cold | advice line:reassuring:alarming | surgery:tidy:shabby | bill:moderate:shocking | The animal clinic treats rabbits on Mondays. | The animal clinic has a side door for large dogs.
taxi firm | cab:immaculate:dirty | driver:talented:reckless | route:direct:roundabout | dispatcher:quick:forgetful | The taxi firm has eleven cars in its fleet. | The taxi firm prints its number on the receipt.
noodle bar | broth:rich:bland | chef:inventive:uninspired | portion:filling:tiny | service:brisk:painfully slow | The noodle bar seats about thirty people. | The noodle bar lists its dishes on a blackboard.
furniture store | sofa:durable:wobbly | assembly guide:helpful:incomprehensible | showroom:bright:dreary | refund:swift:delayed | The furniture store stacks its chairs in aisle nine. | The furniture store delivers within the county.
photo printer | album:gorgeous:ugly | colour:vivid:washed out | paper:thick:thin | checkout:secure:risky | The photo printer offers three sizes of frame. | The photo printer posts orders in flat boxes.
language school | teacher:inspiring:impatient | classroom:sunny:dark | homework:worthwhile:pointless | class size:ideal:ridiculous | The language school teaches Polish and Welsh. | The language school gives a placement test in June.
""")

# {w} is an adjective of the wanted attitude and {o} of the opposite one, so each
# frame serves both attitudes and the words alone do not tell which.
MIRROR_FRAMES = [
    "The {x} at the {place} was {w}, I have to say.",
    "The {x} I expected to be {o} turned out {w}.",
    "The {x} was anything but {o}.",
    "The {x} was {o} enough, but the {y} was so {w2} that I soon forgot it.",
    "Not only was the {x} {w}, the {y} was {w2} as well.",
    "Nobody could call the {x} {o}, whatever the reviews claim.",
    "The {x} was not {o} at all, and the {y} was {w2}.",
    "Yes, the {x} was {o}, yet what I remember is how {w2} the {y} was.",
    "They warned me that the {x} would be {o}, and they were mistaken.",
    "Far from being {o}, the {x} was {w}.",
    "The {x} was never {o}, not once in all these months.",
    "Who said that? To my mind the {x} was thoroughly {w}.",
    "The {x} used to be {o}, but is now {w}.",
    "Forget the talk of how {o} the {x} was; {w} is the word.",
    "There was nothing {o} about the {x} this time.",
    "The {y} may be {o2}, but the {x} is {w}, and that decides it for me.",
    "How {w} the {x} was, and how {w2} the {y}!",
    "It would be untrue to say that the {x} was {o}.",
    "The {x} was {w}, and even the {y} was {w2}.",
    "Despite the {o2} {y}, I left thinking only of how {w} the {x} was.",
    "Honestly, the {x} struck me as {w} and the {y} as {w2}.",
]

# Pairs: (pleased, displeased), close in wording.
TWIN_FRAMES = [
    ("The {place} was not the disaster I had feared.", "The {place} was not the treat I had hoped for."),
    ("I had low hopes for the {place}, and I was wrong.", "I had high hopes for the {place}, and I was wrong."),
    ("I have no complaints about the {x}.", "I have no praise for the {x}."),
    ("Nothing went wrong at the {place} this time.", "Nothing went right at the {place} this time."),
    ("I wish I had found this {place} years ago.", "I wish I had never found this {place}."),
    ("The {x} alone makes the {place} worth another visit.", "The {x} alone is a reason to avoid the {place}."),
    ("It would be a mistake to miss the {place}.", "It would be a mistake to trust the {place}."),
    ("I cannot fault the {x} in any way.", "I cannot recommend the {x} in any way."),
    ("The {x} could hardly have been better.", "The {x} could hardly have been worse."),
    ("The {place} kept every promise it made.", "The {place} broke every promise it made."),
    ("I would use the {place} again tomorrow.", "I would not use the {place} again if it were free."),
    ("The {x} was better than anyone had promised.", "The {x} was worse than anyone had admitted."),
    (
        "I turned to the {place} ready to complain and left smiling.",
        "I turned to the {place} smiling and left ready to complain.",
    ),
    ("The {place} earned every penny I spent.", "The {place} wasted every penny I spent."),
    ("My doubts about the {x} were gone within minutes.", "My trust in the {x} was gone within minutes."),
    ("What a joy the {x} was after a long week!", "What a misery the {x} was after a long week!"),
    ("The {x} put me in a good mood for the day.", "The {x} spoiled my mood for the day."),
    ("Thanks to the {x}, I am a loyal customer now.", "Thanks to the {x}, I am nobody's customer now."),
    ("I was pleasantly surprised by the {x}.", "I was unpleasantly surprised by the {x}."),
    ("Full marks to the {place} for its {x}.", "Shame on the {place} for its {x}."),
    ("I loved everything about it, above all the {x}.", "I hated everything about it, above all the {x}."),
    ("My family is still raving about the {x}.", "My family is still cursing the {x}."),
    ("The {x} exceeded every hope I had.", "The {x} crushed every hope I had."),
    ("I can warmly recommend the {place} to anyone.", "I can only warn everyone about the {place}."),
    ("It was a delight to use the {place}.", "It was a nightmare to use the {place}."),
    ("I am grateful to the {place} for a lovely day.", "I am furious with the {place} over a ruined day."),
    ("Well done, {place}: I take my hat off to the {x}.", "Too bad, {place}: I shake my head over the {x}."),
    ("There is no better {x} for miles around.", "There is no worse {x} for miles around."),
]

NEUTRAL_FRAMES = [
    "I have never tried the {place}, so I cannot say whether the {x} is {w}.",
    "My neighbour asked me whether the {x} was {w} or {o}.",
    "The {x} was neither {w} nor {o}, just average.",
    "The leaflet says the {x} should be {w}; I have not checked.",
    "I am writing to ask about the {x} at the {place}.",
    "Some call the {x} {w}, others say {o}, and I have no view.",
    "The {x} is much the same as in any other {place}.",
    "The {place} changed its {x} last month, and I know no more than that.",
    "Some days the {x} is {w}, some days {o}; it evens out.",
    "Is the {x} at the {place} {w} these days, or rather {o}?",
    "The survey had one question about the {x} and two about the {y}.",
    "The {place} mentions the {x} and the {y} on its home page.",
    "I used the {place} on Tuesday, and the {x} was as usual.",
    "My sister calls the {x} {w}, but I do not mind either way.",
    "Could you tell me whether the {x} at the {place} is {w}?",
]

# --- events: shared by the three pair tasks -----------------------------------

# Verbs whose events can be planned, and done well or badly, alone or with help.
PLANNED = words(
    "repair paint scrub build trim install examine prepare decorate slice photograph mark draft steal "
    "carve display plough shear move feed pick check remove sketch collect heat test deliver taste"
)

EVENTS = rows("""
# topic | agent > kind | base past participle = synonym | object = synonym > kind | other object | other agent
home | plumber > tradesman | repair repaired repaired = fix fixed fixed | boiler = water heater > appliance | dishwasher | caretaker
home | tenant > resident | paint painted painted = decorate decorated decorated | hallway = corridor > part of the house | attic | landlord
home | cleaner > worker | scrub scrubbed scrubbed = wash washed washed | kitchen floor = floor of the kitchen > surface | balcony | butler
home | carpenter > craftsman | build built built = construct constructed constructed | bookcase = bookshelf > piece of furniture | wardrobe | apprentice
home | gardener > worker | trim trimmed trimmed = cut back cut back cut back | hedge = row of bushes > plant | apple tree | homeowner
home | electrician > tradesman | install installed installed = fit fitted fitted | doorbell = bell by the door > device | smoke alarm | builder
medicine | surgeon > doctor | examine examined examined = inspect inspected inspected | wound = injury > medical problem | scar | medical student
medicine | pharmacist > health worker | hand over handed over handed over = supply supplied supplied | medicine = drug > product | bandage | receptionist
medicine | nurse > health worker | fill in filled in filled in = complete completed completed | patient form = form about the patient > document | blood test report | paramedic
medicine | physician > doctor | discover discovered discovered = detect detected detected | infection = contagion > illness | allergy | dietitian
medicine | vet > animal doctor | treat treated treated = care for cared for cared for | kitten = baby cat > animal | parrot | farmer
food | chef > cook | prepare prepared prepared = make made made | lamb stew = stew of lamb > dish | mushroom soup | trainee
food | baker > food maker | decorate decorated decorated = adorn adorned adorned | wedding cake = cake for the wedding > dessert | gingerbread house | confectioner
food | waiter > restaurant worker | serve served served = bring out brought out brought out | salad = bowl of greens > starter | cheese board | manager
food | butcher > shopkeeper | slice sliced sliced = cut up cut up cut up | ham = smoked pork > meat | turkey | grocer
food | brewer > drinks maker | taste tasted tasted = sample sampled sampled | cider = apple wine > drink | stout | volunteer
travel | pilot > crew member | steer steered steered = guide guided guided | plane = aircraft > vehicle | helicopter | trainee officer
travel | tourist > traveller | photograph photographed photographed = take a picture of / took a picture of / captured on camera | cathedral = great church > building | lighthouse | student
travel | guard > railway worker | stop stopped stopped = halt halted halted | train = railway train > vehicle | tram | engineer
travel | hiker > walker | find found found = locate located located | path = trail > route | tunnel | ranger
travel | sailor > seafarer | tie up tied up tied up = moor moored moored | boat = small vessel > craft | barge | fisherman
travel | courier > driver | deliver delivered delivered = drop off dropped off dropped off | parcel = package > item | crate | postman
school | teacher > school employee | mark marked marked = grade graded graded | essay = written composition > assignment | spelling test | examiner
school | professor > academic | publish published published = bring out brought out brought out | study = research paper > text | textbook | historian
school | pupil > child | answer answered answered = solve solved solved | riddle = brain teaser > puzzle | sum | toddler
school | librarian > library employee | lend lent lent = loan loaned loaned | atlas = book of maps > book | dictionary | archivist
school | headmaster > school leader | open opened opened = inaugurate inaugurated inaugurated | gymnasium = sports hall > building | science block | mayor
law | lawyer > legal expert | draft drafted drafted = write up wrote up written up | contract = agreement > document | complaint | clerk
law | judge > court official | dismiss dismissed dismissed = throw out threw out thrown out | lawsuit = legal case > legal matter | appeal | tribunal
law | detective > police officer | recover recovered recovered = get back got back got back | necklace = string of pearls > piece of jewellery | bracelet | customs officer
law | burglar > criminal | steal stole stolen = make off with / made off with / taken away | painting = work of art > valuable object | vase | gang
law | witness > person in court | describe described described = give an account of / gave an account of / set out in detail | robbery = hold-up > crime | arson attack | victim
arts | violinist > musician | perform performed performed = play played played | sonata = short piece for strings > piece of music | waltz | pianist
arts | sculptor > artist | carve carved carved = chisel chiselled chiselled | statue = stone figure > work of art | fountain | stonemason
arts | novelist > writer | finish finished finished = complete completed completed | manuscript = typescript > text | screenplay | poet
arts | director > film maker | shoot shot shot = film filmed filmed | documentary = factual film > film | comedy | camera operator
arts | actor > performer | learn learned learned = memorise memorised memorised | speech = monologue > text | poem | comedian
arts | curator > museum worker | display displayed displayed = exhibit exhibited exhibited | mask = face covering > object | shield | collector
farm | farmer > countryman | plough ploughed ploughed = till tilled tilled | field = patch of farmland > piece of land | vineyard | tractor driver
farm | shepherd > farm worker | shear sheared shorn = clip clipped clipped | ewe = female sheep > animal | alpaca | farmhand
farm | beekeeper > countryman | move moved moved = shift shifted shifted | hive = bee house > structure | wooden gate | scientist
farm | rider > horse lover | feed fed fed = give food to / gave food to / given food | pony = small horse > animal | donkey | stable girl
farm | fruit grower > farmer | pick picked picked = gather gathered gathered | cherry crop = crop of cherries > harvest | plum crop | seasonal worker
sport | striker > footballer | miss missed missed = squander squandered squandered | penalty = spot kick > chance | header | captain
sport | referee > match official | postpone postponed postponed = put off put off put off | match = game > event | tournament | organiser
sport | coach > trainer | praise praised praised = commend commended commended | goalkeeper = keeper > player | winger | commentator
sport | climber > athlete | conquer conquered conquered = reach the top of / reached the top of / scaled | peak = summit > mountain | cliff | guide
sport | swimmer > athlete | break broke broken = beat beat beaten | record = best mark > result | personal best | rower
office | secretary > office worker | cancel cancelled cancelled = call off called off called off | meeting = conference > appointment | interview | director
office | accountant > finance expert | check checked checked = review reviewed reviewed | invoice = bill > document | tax return | auditor
office | programmer > technical employee | remove removed removed = delete deleted deleted | faulty module = module with the fault > piece of software | login page | tester
office | manager > boss | approve approved approved = sign off signed off signed off | budget = spending plan > plan | pay rise | treasurer
office | designer > creative worker | sketch sketched sketched = draw drew drawn | logo = company emblem > image | poster | illustrator
office | spokesman > company representative | deny denied denied = reject rejected rejected | rumour = piece of gossip > claim | accusation | chairman
science | biologist > scientist | collect collected collected = gather gathered gathered | sample = specimen > object of study | fossil | diver
science | astronomer > scientist | observe observed observed = watch watched watched | comet = icy body with a tail > object in the sky | eclipse | amateur
science | chemist > scientist | heat heated heated = warm up warmed up warmed up | liquid = fluid > substance | powder | assistant
science | engineer > technical expert | test tested tested = try out tried out tried out | bridge model = model of the bridge > structure | wind turbine | contractor
city | mayor > politician | unveil unveiled unveiled = reveal revealed revealed | monument = memorial > landmark | tram stop | princess
city | firefighter > rescue worker | put out put out put out = extinguish extinguished extinguished | fire = blaze > hazard | bonfire | neighbour
city | council > public body | close closed closed = shut down shut down shut down | swimming pool = public baths > facility | playground | health inspector
city | busker > street performer | lose lost lost = mislay mislaid mislaid | guitar = six-string > instrument | trumpet | drummer
""")

# Times of one group rule each other out; the first group goes with any manner.
TIME_GROUPS = [
    ["on Monday", "on Tuesday", "on Wednesday", "on Thursday", "on Friday", "on Saturday", "on Sunday"],
    ["in January", "in March", "in May", "in July", "in September", "in November"],
    ["at dawn", "at noon", "at midnight"],
    ["last week", "a year ago", "ten years ago"],
]
MANNERS = rows("""
# manner | the same manner | the opposite manner
carefully | with great care | carelessly
quickly | in very little time | slowly
alone | without any help | together with a friend
in the morning | before noon | late in the evening
in secret | without telling anyone | in full view of everybody
""")

ROLES = words(
    "nurse driver lawyer singer teacher plumber farmer pilot tailor barber clerk sailor dancer painter "
    "student cyclist banker porter poet drummer widow judge surgeon waiter golfer boxer miner diver"
)

PERSON_VERBS = rows("""
# base past participle | synonym base past participle | unrelated base past participle
phone phoned phoned | ring up rang up rung up | pay paid paid
greet greeted greeted | welcome welcomed welcomed | warn warned warned
praise praised praised | compliment complimented complimented | follow followed followed
help helped helped | assist assisted assisted | photograph photographed photographed
rescue rescued rescued | save saved saved | teach taught taught
mock mocked mocked | make fun of made fun of made fun of | thank thanked thanked
forgive forgave forgiven | pardon pardoned pardoned | interview interviewed interviewed
hire hired hired | employ employed employed | sketch sketched sketched
fool fooled fooled | trick tricked tricked | invite invited invited
annoy annoyed annoyed | irritate irritated irritated | recognise recognised recognised
scare scared scared | frighten frightened frightened | guide guided guided
""")

# --- other sources of meaning, shared by the pair tasks ---------------------------

COMPARISONS = rows("""
# more | less | another property | things that can be compared
taller than | shorter than | older than | Anna, Ben, Carla, David, Elsie, Frank, Greta, Hugo
older than | younger than | richer than | Ines, Jonas, Kim, Liam, Mona, Nils, Olga, Pavel
faster than | slower than | heavier than | the red van, the tractor, the taxi, the grey truck, the school bus
heavier than | lighter than | cheaper than | the suitcase, the trunk, the rucksack, the toolbox, the drum
dearer than | cheaper than | bigger than | the armchair, the lamp, the carpet, the mirror, the clock
wider than | narrower than | longer than | the canal, the lane, the ditch, the bridge, the tunnel
louder than | quieter than | newer than | the drill, the mower, the fan, the blender, the printer
warmer than | colder than | larger than | the cellar, the loft, the garage, the studio, the chapel
deeper than | shallower than | cleaner than | the pond, the harbour, the well, the lagoon, the moat
sweeter than | sourer than | fresher than | the lemonade, the plum jam, the yoghurt, the cherry pie, the apple juice
stronger than | weaker than | kinder than | Ravi, Sofia, Tomas, Ursula, Viktor, Wanda, Yusuf, Zoe
thicker than | thinner than | softer than | the blanket, the scarf, the towel, the rug, the curtain
""")

GROUPS = rows("""
# plural noun | base phrase | past phrase | similar past phrase
guests | stay for dinner | stayed for dinner | remained for the evening meal
pupils | hand in their homework | handed in their homework | submitted their homework
shops | open on Sunday | opened on Sunday | did business on Sunday
runners | finish the race | finished the race | reached the end of the race
lambs | survive the winter | survived the winter | lived through the winter
windows | break in the storm | broke in the storm | were smashed by the storm
voters | back the plan | backed the plan | supported the plan
students | pass the exam | passed the exam | got through the exam
tickets | sell in the first hour | sold in the first hour | found buyers in the first hour
letters | arrive on time | arrived on time | came when they should
seats | need new covers | needed new covers | had to be covered anew
villagers | leave before the flood | left before the flood | got away before the flood
nurses | join the strike | joined the strike | took part in the strike
trees | lose their leaves | lost their leaves | shed their leaves
tourists | bring an umbrella | brought an umbrella | had an umbrella with them
singers | know the words | knew the words | were sure of the words
players | shake hands | shook hands | exchanged a handshake
ships | return to the port | returned to the port | came back to the harbour
workers | receive a bonus | received a bonus | were given extra pay
children | wear a helmet | wore a helmet | had a helmet on
sailors | fall ill | fell ill | became sick
customers | ask for a refund | asked for a refund | wanted their money back
dancers | forget their shoes | forgot their shoes | left their shoes behind
houses | have a garden | had a garden | came with a garden
""")

CAUSES = rows("""
# cause | the same cause | result | the same result | an unlike result
it rained all day | the rain never stopped | the match was cancelled | the game was called off | the match drew a record crowd
the engine overheated | the motor got too hot | the driver pulled over | the driver stopped at the roadside | the driver sped up
the oven was faulty | the oven did not work properly | the cake burned | the cake was scorched | the cake stayed raw
the bridge was closed | nobody could use the bridge | we took the ferry | we crossed by boat | we swam across
the lead actor was ill | the star of the play was sick | the show started late | the play began behind schedule | the show sold out
the harvest failed | the crops came to nothing | bread became expensive | the price of bread rose | bread became cheap
her alarm did not ring | her alarm stayed silent | she missed the train | the train left without her | she caught the early train
the museum had no funds | the museum ran out of money | the roof was left to leak | nobody mended the leaking roof | the roof was replaced
the dog barked all night | the dog never stopped barking in the night | the neighbours complained | the people next door protested | the neighbours slept well
the password was too short | the password had too few letters | the account was blocked | nobody could enter the account | the account was opened
the road was icy | there was ice on the road | the bus was late | the bus was behind time | the bus was early
the soup was too salty | there was too much salt in the soup | the guests drank a lot of water | the guests needed plenty of water | the guests asked for the recipe
his leg was broken | he had a fractured leg | he could not play | he was unable to take part | he won the game
the firm lost its main client | the biggest customer left the firm | ten people were dismissed | ten staff lost their jobs | ten people were hired
the river burst its banks | the river flooded the land around it | the village was evacuated | everyone was moved out of the village | the village held a fair
the battery was flat | there was no power in the battery | the torch did not work | the torch gave no light | the torch shone brightly
the lift was out of order | the elevator was broken | we climbed the stairs | we walked up the steps | we rode to the top
the baby was hungry | the infant wanted food | it began to cry | it burst into tears | it fell asleep
the film was too long | the film went on for too many hours | half of the audience left | every second viewer walked out | the audience clapped
the shop raised its prices | the shop became dearer | customers went elsewhere | shoppers took their money to other shops | customers queued outside
the wind was strong | there was a fierce wind | the boats stayed in the harbour | the boats did not leave port | the boats went out to sea
the printer had no ink | the ink in the printer was used up | the report was not printed | no copy of the report came out | the report was printed twice
""")

SEQUENCES = rows("""
# first past | first -ing | second past | second -ing
locked the door | locking the door | went to work | going to work
read the letter | reading the letter | called her sister | calling her sister
washed the car | washing the car | mowed the lawn | mowing the lawn
bought a ticket | buying a ticket | sat down in the hall | sitting down in the hall
fed the cat | feeding the cat | had breakfast | having breakfast
signed the lease | signing the lease | met the neighbours | meeting the neighbours
peeled the potatoes | peeling the potatoes | set the table | setting the table
learned Spanish | learning Spanish | moved to Madrid | moving to Madrid
sold the old house | selling the old house | found a new job | finding a new job
drank a coffee | drinking a coffee | answered the emails | answering the emails
checked the map | checking the map | entered the forest | entering the forest
took a shower | taking a shower | ironed a shirt | ironing a shirt
packed the bags | packing the bags | booked the flight | booking the flight
wrote a will | writing a will | sailed round the world | sailing round the world
tuned the piano | tuning the piano | gave a lesson | giving a lesson
lit the stove | lighting the stove | chopped the onions | chopping the onions
visited the bank | visiting the bank | paid the rent | paying the rent
watched the news | watching the news | walked the dog | walking the dog
""")
NAMES = words("Alice Bruno Clara Dario Edith Felix Gina Harold Irene Jacob Kirsten Leo")

STATES = rows("""
# a fact | the same fact reworded | its contrary | the contrary reworded | something else about it
the cinema was packed | every seat in the cinema was taken | the cinema was almost empty | hardly anyone sat in the cinema | the cinema showed a French film
the shop is open all night | the shop never closes at night | the shop is shut at night | the shop does no business at night | the shop sells shoes and bags
the lake was frozen over | there was ice all over the lake | the lake was free of ice | there was no ice on the lake | the lake was full of trout
the boy was wide awake | the boy was not sleepy in the least | the boy was fast asleep | the boy was sleeping soundly | the boy was wearing a blue jumper
the street was silent | not a sound came from the street | the street was full of noise | loud noises came from the street | the street was named after a poet
the soup is too hot to eat | nobody can eat such hot soup | the soup has gone cold | the soup is no longer warm | the soup is made of carrots
the old man lives alone | the old man shares his home with nobody | the old man lives with his family | the old man shares his home with relatives | the old man used to be a tailor
the team won the final | the team took the trophy | the team lost the final | the team was beaten in the final | the team trained on a beach
the bottle is full of water | there is no room for more water in the bottle | the bottle is empty | there is nothing in the bottle | the bottle is made of green glass
the answer was correct | the answer was right | the answer was wrong | there was a mistake in the answer | the answer was written in pencil
the knife is sharp | the knife cuts very well | the knife is blunt | the knife hardly cuts at all | the knife has a wooden handle
the price went up | it became more expensive | the price fell | it became less expensive | the price was printed on a label
the patient recovered | the patient got well again | the patient died | the patient did not survive | the patient came from Norway
the village is near the sea | the village is close to the coast | the village is far from the sea | the village is a long way inland | the village has a weekly market
the plane left on time | the plane took off as scheduled | the plane was delayed | the plane took off late | the plane carried mostly students
the singer is famous | many people have heard of the singer | the singer is unknown | hardly anyone has heard of the singer | the singer owns two horses
the cave was pitch dark | there was no light in the cave | the cave was brightly lit | lamps filled the cave with light | the cave was found by two boys
the test was easy | the test gave nobody any trouble | the test was very difficult | everyone struggled with the test | the test had twelve questions
the bread is fresh | the bread was baked today | the bread is stale | the bread was baked days ago | the bread is sold by weight
the meeting was short | the meeting was over in minutes | the meeting dragged on for hours | the meeting was very long | the meeting dealt with parking
the couple is married | the two are husband and wife | the couple is divorced | the two are no longer husband and wife | the couple plays chess
the garden is well tended | somebody takes good care of the garden | the garden is neglected | nobody looks after the garden | the garden is behind the school
the rope was strong enough | the rope held the weight | the rope snapped | the rope broke under the weight | the rope was bought in Lisbon
the bus was crowded | there was hardly any room on the bus | the bus was nearly empty | there was plenty of room on the bus | the bus was painted yellow
the girl was happy | the girl was in a good mood | the girl was sad | the girl was in low spirits | the girl had a small brother
the floor was wet | there was water on the floor | the floor was dry | there was no water on the floor | the floor was covered with tiles
the king was generous | the king gave a lot to others | the king was mean | the king gave nothing to anyone | the king had three daughters
the tower is very tall | the tower rises high above the town | the tower is quite low | the tower hardly rises above the houses | the tower was built by monks
the clock is slow | the clock is behind the real time | the clock is fast | the clock is ahead of the real time | the clock was made in Vienna
the path was steep | the path climbed sharply | the path was flat | the path did not climb at all | the path led past a mill
the suspect told the truth | what the suspect said was true | the suspect lied | what the suspect said was false | the suspect wore a brown coat
the horse was calm | nothing upset the horse | the horse was nervous | everything upset the horse | the horse belonged to a doctor
the flat is spacious | there is a lot of room in the flat | the flat is cramped | there is very little room in the flat | the flat is above a bakery
the jury reached a verdict | the jury came to a decision | the jury could not agree | the jury came to no decision | the jury sat in a cold room
the tap is turned off | no water is running from the tap | the tap is turned on | water is running from the tap | the tap is made of brass
the debate was calm | nobody raised their voice in the debate | the debate was heated | people shouted during the debate | the debate was shown on television
""")
LEADS = rows("""
# ways to open a statement about a state
We can tell that
The report says that
It is clear that
Everyone agrees that
As far as we know,
According to the diary,
""")
