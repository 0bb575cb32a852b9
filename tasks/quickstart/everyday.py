"""Everyday words and sentences from which make_data.py builds a part of the rows, so that runs answer a visitor's own.

Every line was written for this project, in the form of ``material.py``.
"""

# ruff: noqa: E501 - a table keeps one item to a line

from __future__ import annotations

from material import listed, rows, words

# --- quick_attitude: things, words of praise and blame, and whole remarks --------------

THINGS = listed("""
tablet, blender, jacket, pair of boots, sofa bed, camera, watch, vacuum cleaner, mattress, bicycle, video game, novel, printer,
coffee machine, backpack, umbrella, desk lamp, keyboard, toaster, speaker, concert, holiday, meal, pizza, salad, dessert, wine,
hotel, flat, garden, party, lesson, museum, play, series, song, website, app, update, new manager, plumber, doctor, waiter,
delivery, repair, weather, view, neighbourhood, flight, bus ride, haircut, perfume, dress, sweater, television, router, chair,
kettle, tent, swimming pool, playground, exhibition, podcast, recipe, ice cream, breakfast, service, return policy,
scarf, bookshop, market, ferry, guitar, mixer, suitcase, bench, cake, curry, tea, salon, cottage, wedding, class, tutor,
nanny, landlord, barber, mechanic, neighbour, choir, orchestra, actor, cartoon, board game, puzzle, magazine, newsletter, lantern,
laptop bag, monitor, microphone, doorbell, heater, freezer, oven, carpet, curtain, pillow, blanket, shampoo, razor, raincoat, helmet,
stroller, toy train, gym, sauna, hostel, cruise, guided tour, day trip, shuttle, taxi, timetable, menu, lunch, dinner, soup
""")

# good : bad; each pair is used in both directions, and with a negation.
GENERAL = [tuple(pair.split(":")) for pair in words("""
wonderful:awful great:terrible excellent:dreadful lovely:horrible superb:useless amazing:disappointing brilliant:rubbish
perfect:hopeless delightful:annoying impressive:pathetic charming:ghastly good:bad nice:nasty outstanding:lousy
first-class:third-rate marvellous:appalling terrific:miserable splendid:shoddy magnificent:laughable pleasant:unpleasant
beautiful:ugly enjoyable:unbearable convincing:unconvincing adorable:repulsive
""")]  # fmt: skip

FEELINGS = [tuple(pair.split(":")) for pair in words("""
happy:unhappy delighted:disappointed thrilled:frustrated satisfied:dissatisfied glad:angry excited:annoyed pleased:displeased
content:upset overjoyed:furious grateful:bitter relieved:shocked enthusiastic:disgusted
""")]  # fmt: skip

LIKINGS = [tuple(pair.split(":")) for pair in words("""
love:hate like:dislike enjoy:detest adore:loathe admire:despise appreciate:regret
""")]  # fmt: skip

# {w}, {f} and {v} speak for the wanted attitude, {o}, {g} and {u} for the opposite one.
EVERYDAY_FRAMES = [
    "This {t} is {w}.",
    "I am so {f} with the {t}.",
    "I am not {g} with the {t} at all, quite the contrary.",
    "I really {v} this {t}, it is {w}.",
    "I do not {u} this {t}, I {v} it.",
    "You cannot {u} such a {w} {t}.",
    "The {t} is {w} and I am {f}, that is all I can say.",
    "What a {w} {t}!",
    "I {v} the {t} and so does my whole family.",
    "The {t} is not {o} at all, it is {w}.",
    "My friends said the {t} was {o}, but I {v} it.",
    "We were {f} when we saw how {w} the {t} is.",
    "I thought I would {u} the {t}, but now I {v} it.",
    "Say what you like, the {t} is simply {w}.",
    "To be honest, the {t} could not be more {w}.",
    "I have used the {t} for a month and it is still {w}.",
    "The {t} made me {f}.",
    "Nothing about this {t} is {o}.",
    "Every part of the {t} was {w}, and I left {f}.",
    "Wow, such a {w} {t}, I feel {f}.",
    "My wife finds the {t} {o}; I find it {w}.",
    "Am I the only one who is {f} about the {t}?",
    "It is a {w} {t} and I {v} using it.",
]

# remarks that take no side
PLAIN = rows("""
The moon goes around the earth.
I have an appointment on Friday.
Rome is in Italy.
A week has seven days.
We will meet in front of the library.
Ice is frozen water.
Cows eat grass and hay.
My cousin lives on the third floor.
The number of pages is two hundred.
My birthday is in November.
Where is the nearest bus stop?
I'm thirty years old.
I've got one sister and two cousins.
The box holds twelve pencils.
We live in a small town by a river.
My father is an engineer.
I am looking for a size forty.
She's studying history at university.
He's wearing a grey coat.
They sell bread and newspapers.
The keys are in the drawer.
Your glasses are on the shelf.
He paid by card and took the receipt.
The library is behind the town hall.
It's ten minutes on foot.
Turn left at the second light.
Can I pick it up at the weekend?
The bus goes at twenty past four.
Today is the third of May.
The phone comes with a cable.
We leave on Saturday at noon.
The plane lands at seven in the evening.
I ordered two of them yesterday.
I'll be at the office until five.
Let's meet at the usual place.
The cable is two metres long.
I'm on my way to the supermarket.
I need eggs, flour and some sugar.
Our office is on the left side of the road.
Add a spoon of salt and stir.
Press the green button to start.
She works as a teacher in a small town.
Please fill in both sides of the form.
Enter your name and your date of birth.
What are your opening hours?
Where did you put the scissors?
What's the name of the street?
Who wrote this book?
The parcel weighs three kilos.
When does the next course begin?
How many people live here?
The meeting was moved to Tuesday.
How far is it to the beach?
Do you take credit cards?
How much is the large one?
Is there a pharmacy nearby?
Does it come with batteries?
I usually take the tram to work.
Can I change the size later?
What colour is the new door?
The film lasts ninety minutes.
Which floor is the office on?
Would you like tea or coffee?
The shirt is made of cotton.
Are you coming by car or by train?
Is this the right bus for the stadium?
My order number is four hundred and seven.
The package was handed over on Thursday.
The order contains six glasses.
The tickets are sold at the entrance.
I sent the form back last week.
My appointment is at a quarter to nine.
The contract runs for two years.
Is there a car park near the hotel?
The ticket is valid for one day.
The shop is closed on public holidays.
It has four buttons and a switch.
The door opens to the inside.
The lid is made of plastic.
I watched it last night with my brother.
The bag has one large pocket.
The cable fits both models.
The kitchen is next to the living room.
The screen measures fifteen inches.
The car has five doors.
We had soup and bread for lunch.
The chair stands next to the window.
The shirt is size medium.
The shop moved to another street in spring.
This model was made in Japan.
The second edition came out in autumn.
The new model has a bigger screen than the old one.
The film is set in the fifties.
The song lasts three minutes.
The book has twelve chapters.
You need a password to log in.
The show starts after the news.
The match will be played on Sunday.
Please send the bill to my address.
The team has eleven players.
He plays the guitar in a band.
The concert begins at eight.
She goes running twice a week.
They have moved to another town.
There are two beds in the room.
We had lunch at one.
I had rice with vegetables.
The bike stands in the cellar.
He drinks his coffee with milk.
She takes the stairs.
I read the first chapter on the train.
I cut the bread and set the table.
I'm writing a letter to my aunt.
It is available in three colours.
My son is in the fourth grade.
The children are at school.
The manual has eighty pages.
The dog is lying under the table.
A woman is waiting at the bus stop.
Two boys are carrying a ladder.
Do I need a ticket for the baby?
A man is reading the paper on a bench.
Some people are standing at the counter.
The driver dropped the parcel at the neighbour's door.
A cyclist is crossing the bridge.
It is Tuesday and it is half past two.
I will let you know tomorrow.
It's cloudy and about ten degrees.
There's a bakery across the road.
He asked me how the machine works.
There are two rooms and a kitchen.
The hotel has three floors and a lift.
The table is one metre wide.
The station is being rebuilt.
The museum shows paintings from the last century.
My sister has the same model.
The meeting takes place in room nine.
The agenda has four points.
The store is open until eight.
I attached the file to the message.
The report is due at the end of the month.
My colleague will send you the numbers.
I changed the battery this morning.
I changed my phone number in spring.
I use the same brand as my parents.
Which platform does the train leave from?
I've been working here since March.
I saw your advert in the paper.
The recipe needs three eggs.
I watched the first part yesterday.
I have read about it somewhere.
The album has eleven songs.
I have no opinion on that.
It was neither good nor bad.
It takes batteries of the small kind.
It's an ordinary pen.
It's about the same as last year.
We stayed there for four nights.
You get what the label says.
Some like it, others don't.
The waiter brought the menu and some water.
I haven't tried it yet.
I can't say anything about it yet.
The class has twenty pupils.
My neighbour wants to know what I think.
We might go, we might not.
I'm not sure which one to take.
You can reach us by mail or by phone.
I'll think about it and call you.
They asked us to rate it.
The game is played by two to four people.
The instructions are in three languages.
The size of the box is thirty by twenty.
I have not opened the box yet.
The water bill is paid every quarter.
The post office opens at half past eight.
The lamp stands beside the bed.
My train was the one from platform two.
I got off at the last stop.
The service includes two visits a year.
I paid twelve pounds for it.
I picked up the parcel after work.
The update was released in April.
The guarantee is two years.
The new boss starts in January.
She wrote her review on a Sunday.
I wear glasses for reading.
She has brown hair and green eyes.
""")

# {t} is a thing that somebody may judge; the remark does not.
PLAIN_FRAMES = [
    "I bought the {t} in a shop near the station.",
    "Where can I find the {t}?",
    "My brother asked me about the {t} yesterday.",
    "The {t} is mentioned on page nine.",
    "Have you heard anything about the {t}?",
    "I need some information on the {t}.",
    "We talked about the {t} on the phone.",
    "The bill for the {t} came by post.",
    "Can you tell me how much the {t} is?",
    "This {t} is the same one that my aunt has.",
    "I do not know yet what I think of the {t}.",
    "The {t} was okay, nothing more and nothing less.",
    "There is a picture of the {t} on the wall.",
    "When will the {t} be available?",
    "I have had the {t} since last summer.",
]

# --- the pair tasks ----------------------------------------------------------------

PEOPLE = listed("""
a man, a woman, the boy, the girl, my sister, my uncle, the teacher, our neighbour, a student, my friend, the old lady, Peter,
Maria, the tall man, my boss, a child, her cousin, the new colleague
""")

LIFE = rows("""
# a fact | the same fact reworded | its contrary | the contrary reworded | what the fact implies | something else about it
{s} is cooking dinner | {s} is preparing the evening meal | {s} is lying in bed | {s} is resting in the bedroom | {s} is in the kitchen | {s} is cooking for ten guests
{s} is playing the piano | {s} plays a piece on the piano | {s} is playing the drums | {s} is beating the drums | {s} is playing an instrument | {s} is a famous musician
{s} is riding a bicycle | {s} is cycling | {s} is travelling by car | {s} is sitting in a car | {s} is outdoors | {s} is riding to school
{s} is dancing at a party | {s} dances at a party | {s} is alone at home | {s} is at home without company | {s} is moving | {s} is celebrating a birthday
{s} is sleeping on the couch | {s} has fallen asleep on the couch | {s} is jogging through the forest | {s} runs through the forest | {s} is not awake | {s} is dreaming of the sea
{s} is swimming in the sea | {s} swims in the ocean | {s} is standing on a mountain | {s} is on top of a mountain | {s} is wet | {s} is on holiday
{s} is reading a newspaper | {s} reads the paper | {s} is watching television | {s} sits in front of the television | {s} is reading something | {s} is reading about politics
{s} is eating a sandwich | {s} is having a sandwich | {s} is not eating anything | {s} has nothing to eat | {s} is eating | {s} is having lunch with a colleague
{s} is carrying a heavy box | {s} carries a box that weighs a lot | {s} has empty hands | {s} is carrying nothing | {s} is holding something | {s} is moving to a new flat
{s} is laughing loudly | {s} laughs out loud | {s} is crying | {s} is in tears | {s} finds something funny | {s} has heard a joke about a cat
{s} is painting the fence green | {s} gives the fence a coat of green paint | {s} is tearing down the fence | {s} is destroying the fence | {s} is working outside | {s} is a professional painter
{s} is walking the dog | {s} is out with the dog | {s} left the dog at home | {s} went out without the dog | {s} is with an animal | {s} has a dog that is very old
{s} is talking on the phone | {s} is having a call | {s} is silent | {s} is not saying a word | {s} is speaking | {s} is talking to a doctor
{s} is wearing a red coat | {s} has a red coat on | {s} is wearing a black coat | {s} has a black coat on | {s} is wearing clothes | {s} bought a coat on sale
{s} is washing the dishes | {s} is doing the dishes | {s} leaves the dishes dirty | {s} does not wash the dishes | {s} is cleaning something | {s} washed up yesterday too
{s} is climbing a tree | {s} climbs up a tree | {s} is sitting on the ground | {s} sits on the floor | {s} is outside | {s} is picking apples
{s} is writing a letter | {s} writes a letter by hand | {s} is not writing anything | {s} has not written a word | {s} is writing | {s} is writing to a lover
{s} is waiting in a queue | {s} stands in line | {s} was served at once | {s} did not have to wait | {s} is waiting | {s} wants to buy bread
{s} is a doctor | {s} works as a doctor | {s} is a lawyer | {s} works as a lawyer | {s} went to university | {s} treats children
{s} has two sons | {s} is a parent of two boys | {s} has no children | {s} is childless | {s} has children | {s} loves the sea
{s} speaks three languages | {s} can talk in three languages | {s} speaks only one language | {s} knows a single language | {s} speaks more than one language | {s} was born in Greece
{s} never drinks alcohol | {s} does not drink alcohol at all | {s} drinks a lot of wine | {s} often drinks much wine | {s} did not drink beer last night | {s} likes orange juice
{s} lost the wallet | {s} cannot find the wallet any more | {s} still has the wallet | {s} has the wallet in the pocket | {s} had a wallet | {s} has a wallet made of leather
{s} won the race | {s} came first in the race | {s} came last in the race | {s} finished behind everyone in the race | {s} took part in the race | {s} trained for the race all winter
{s} moved to Berlin in May | {s} has lived in Berlin since May | {s} has never lived in Berlin | {s} never had a home in Berlin | {s} has been to Berlin | {s} found a job in Berlin
{s} arrived late | {s} did not come on time | {s} arrived early | {s} came ahead of time | {s} has arrived | {s} came by train
{s} is ill in bed | {s} is sick and has to lie down | {s} is in perfect health | {s} feels completely well | {s} does not feel well | {s} will see a doctor on Monday
{s} sold the car | {s} no longer owns the car, because it was sold | {s} kept the car | {s} still owns the car | {s} had a car | {s} got a good price for the car
{s} bought a house | {s} became the owner of a house | {s} rents a room | {s} lives in a rented room | {s} owns property | {s} wants to grow roses
{s} passed the driving test | {s} succeeded in the driving test | {s} failed the driving test | {s} did not pass the driving test | {s} took a test | {s} had a strict examiner
{s} is married | {s} has a husband or wife | {s} is single | {s} has never married | {s} is not single | {s} wed in a small church
{s} forgot my birthday | {s} did not think of my birthday | {s} remembered my birthday | {s} thought of my birthday | {s} knows me | {s} gave me a book last year
{s} hates spiders | {s} cannot stand spiders | {s} is fond of spiders | {s} likes spiders very much | {s} has seen a spider | {s} saw a spider in the bath
{s} is afraid of dogs | {s} is scared of dogs | {s} is not frightened by dogs | {s} has no fear of dogs | {s} has a fear | {s} was bitten by a dog once
{s} goes to the gym every day | {s} trains at the gym daily | {s} never does any sport | {s} does no sport at all | {s} does sport | {s} wants to lose weight
{s} broke an arm | {s} has a broken arm | {s} has not been hurt | {s} is unhurt | {s} is injured | {s} fell off a horse
{s} is learning to drive | {s} takes driving lessons | {s} has driven for thirty years | {s} has been a driver for three decades | {s} is learning something | {s} has a patient instructor
{s} is taking pictures of the bridge | {s} is photographing the bridge | {s} has no camera | {s} is without a camera | {s} is near a bridge | {s} is a tourist from Japan
{s} is selling fruit at the market | {s} sells apples and pears at the market | {s} is closing the empty stall | {s} has nothing left to sell | {s} is at the market | {s} owns a farm
{s} is fixing the roof | {s} is repairing the roof | {s} is making a hole in the roof | {s} is damaging the roof | {s} is working | {s} is fixing the roof of the school
I am very hungry | I really need something to eat | I have just eaten and I am full | I could not eat another bite | I want to eat | I had rice yesterday
I am tired | I need some sleep | I am full of energy | I feel wide awake | I am not fresh | I worked in the garden
I have to work tomorrow | tomorrow is a working day for me | I have the day off tomorrow | I am free tomorrow | I have a job | I work in a bakery
I forgot my umbrella | I left my umbrella at home | I have my umbrella with me | I brought my umbrella | I own an umbrella | my umbrella is yellow
I do not understand the question | the question makes no sense to me | I understand the question perfectly | the question is clear to me | I was asked something | the question is about history
I live near the station | my home is close to the station | I live far from the station | my home is a long way from the station | there is a station | I take the train to work
I like tea more than coffee | I prefer tea to coffee | I prefer coffee to tea | I would rather have coffee than tea | I like tea | I drink tea with milk
my phone is broken | my phone does not work any more | my phone works well | there is nothing wrong with my phone | I have a phone | my phone is three years old
my car would not start | I could not get my car to start | my car started straight away | my car had no trouble starting | I have a car | my car is parked in the street
my flight was cancelled | my flight did not take place | my flight left as planned | my flight took off on schedule | I had a booking for a flight | my flight was to Lisbon
we have no bread left | we are out of bread | we have plenty of bread | there is a lot of bread in our kitchen | we need to buy bread | we like bread with seeds
we went home early | we left early to go home | we stayed until the end | we did not leave before the end | we went home | we went home by taxi
we are on holiday | we have taken some time off | we are at work | we are busy working | we do not work today | we have a tent with us
they are getting divorced | their marriage is ending | they are getting married | they are about to wed | they were married | they have a house by the sea
they are best friends | they are very close to each other | they are enemies | they cannot stand each other | they know each other | they met at school
nobody answered the phone | the phone rang, but no one picked up | somebody answered the phone | someone picked up the phone | the phone was not answered by my mother | the phone is in the hall
everyone enjoyed the meal | the meal was to everybody's taste | nobody liked the meal | the meal was to no one's taste | some of us enjoyed the meal | the meal had four courses
the dog is barking at the postman | the dog barks at the man with the letters | the dog is lying quietly in its basket | the dog rests in its basket without a sound | the dog is making noise | the dog belongs to a baker
the cat is hiding under the bed | the cat hides below the bed | the cat is sitting on the roof | the cat sits up on the roof | the cat is in a room | the cat is hiding from a dog
the baby is crying | the infant weeps | the baby is smiling happily | the infant smiles with joy | the baby is not asleep | the baby has a toothache
the children are building a snowman | the kids make a man of snow | the children are lying on a hot beach | the kids are at the beach in the heat | the children are in the snow | the children are twins
the tea is lukewarm | the tea is neither hot nor cold | the tea is steaming hot | the tea is so hot that it steams | the tea is not hot | the tea comes from India
the exam was hard | it was a difficult exam | the exam was easy | it was a simple exam | there was an exam | the exam took place in June
the window is open | somebody has opened the window | the window is shut | somebody has closed the window | air comes in | the window faces the sea
the light is on | the lamp is lit | the light is off | the lamp has been switched off | there is power in the house | the light is in the hall
the store was full of customers | many people were shopping in the store | the store had no customers | nobody was shopping in the store | the store was open | the store sells clothes
it is snowing | snow is falling | it is a hot summer day | it is hot, as usual in summer | it is cold | the snow will melt tomorrow
it is very late at night | it is long past midnight | it is noon | it is the middle of the day | it is dark outside | it is a Thursday
the road is closed | nobody may use the road | the road is open | cars may use the road | you cannot drive there | the road is closed for repairs
the book is very long | the book has a lot of pages | the book is short | the book has few pages | the book has pages | the book is about whales
tickets are sold out | there are no tickets left | tickets are still available | you can still get tickets | you cannot buy a ticket | tickets were twenty pounds
two men are playing cards | a couple of men play a game of cards | two men are having a fight | a couple of men are hitting each other | people are playing a game | two men are playing for money
three women are sitting on a bench | there are three women on a bench | three women are running a race | three women run in a race | some women are sitting | three women are waiting for a friend
a group of people is hiking in the hills | several people walk through the hills | a group of people is sitting in an office | several people sit in an office | people are outdoors | a group of people is hiking to a hut
an old man is feeding the birds | a man of great age gives food to the birds | an old man is chasing the birds away | a man of great age drives the birds away | a man is near some birds | an old man comes to the park each day
a singer is performing on a stage | a singer gives a show on a stage | a singer is silent in a dressing room | a singer sits in a dressing room without a sound | a person is on a stage | a singer is wearing a silver dress
""")  # fmt: skip

# a question or request | the same | another one that sounds alike
ASKED = rows("""
What is your name? | How are you called? | What is your job?
Where do you come from? | What country are you from? | Where are you going?
How much does it cost? | What is the price? | How big is it?
When does the bus leave? | At what time does the bus depart? | When was the bus built?
Can you speak more slowly, please? | Please do not talk so fast. | Can you speak more loudly, please?
Please close the door. | Could you shut the door, please? | Please open the door.
How do I get to the airport? | What is the way to the airport? | When do I have to leave the airport?
What does this word mean? | What is the meaning of this word? | How do you spell this word?
Are you hungry? | Would you like something to eat? | Are you tired?
How was your weekend? | Did you have a good weekend? | What will you do at the weekend?
Do you have children? | Are you a parent? | Do you like children?
Is this seat taken? | Is anybody sitting here? | Is this seat comfortable?
What is the weather like? | How is the weather? | What is the food like?
Who is that woman? | Do you know who she is? | Where is that woman?
How can I learn English quickly? | What is the fastest way to learn English? | How can I teach English?
How do I lose weight? | What is a good way to get slimmer? | How do I gain weight?
Which phone should I buy? | What is a good phone to get? | How do I sell my phone?
Let us go for a walk. | Shall we take a walk? | Let us stay at home.
Turn down the music, please. | Please make the music quieter. | Turn up the music, please.
Thank you very much. | Thanks a lot. | You are too late.
Sorry for being late. | I apologise for the delay. | I am glad that you came early.
Give me a call tonight. | Phone me this evening. | Send me a letter tonight.
I have no idea. | I do not know. | I know it very well.
See you next week. | We will meet again next week. | I saw you last week.
You are right. | I agree with you. | You are wrong.
Nothing is impossible. | Everything can be done. | Nothing can be done.
Hurry up, we are late. | Be quick, there is no time left. | Take your time, we are early.
Keep off the grass. | Do not step on the lawn. | The grass is very green.
How long did you stay in Rome? | For how many days were you in Rome? | How did you get to Rome?
Why did you leave your job? | For what reason did you quit? | Why did you take this job?
""")
