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
kettle, tent, swimming pool, playground, exhibition, podcast, recipe, ice cream, breakfast, service, return policy
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

LIKINGS = [
    tuple(pair.split(":"))
    for pair in words("""
love:hate like:dislike enjoy:detest adore:loathe admire:despise appreciate:regret
""")
]

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

# pleased | displeased
REMARKS = rows("""
It does exactly what it should. | It does not do what it should.
I would order it again any time. | I would never order it again.
You will not regret buying it. | You will regret buying it.
It still works like new after three years. | It stopped working after three weeks.
It arrived a day early and well packed. | It arrived a week late and in pieces.
They replaced it at once without any fuss. | They refused to replace it and hung up on me.
Everyone at the counter was friendly to us. | Everyone at the counter was rude to us.
My daughter wears it every day and smiles. | My daughter wore it once and cried.
The flavour was so good that I asked for more. | The flavour was so bad that I left it on the plate.
I slept like a baby in that bed. | I did not sleep a minute in that bed.
This made my week, thank you. | This ruined my week, no thanks to you.
Best decision we made all year. | Worst decision we made all year.
I laughed from beginning to end. | I yawned from beginning to end.
It is worth every cent. | It is not worth a single cent.
So much easier to use than my old one. | So much harder to use than my old one.
I could not put the book down. | I could not get through the book.
My problem was solved within five minutes. | My problem is still not solved after five calls.
It fits me like a glove. | It does not fit me anywhere.
We felt welcome from the first minute. | We felt unwelcome from the first minute.
I got far more than I paid for. | I paid far more than it is worth.
The screen is bright and never freezes. | The screen is dim and freezes all the time.
Our room was spotless and quiet. | Our room was dirty and loud.
I cannot wait to go back. | I will never set foot in there again.
Ten out of ten from me. | Zero out of ten from me.
He explained it patiently until I understood. | He snapped at me when I did not understand.
No trouble at all since I got it. | Nothing but trouble since I got it.
Cheap, quick and it tastes great. | Pricey, slow and it tastes of nothing.
The colours look even nicer than on the picture. | The colours look nothing like the picture.
It saves me an hour of work every day. | It costs me an hour of work every day.
Charges quickly and lasts all day. | Charges slowly and is empty by lunch.
They kept us informed the whole time. | They kept us in the dark the whole time.
I never expected to have so much fun. | I never expected to be so bored.
Buy it, you will be glad. | Do not buy it, you will be sorry.
Finally something that holds what it promises. | Once more something that breaks its promises.
My grandmother says it is the finest cake in town. | My grandmother says it is the driest cake in town.
I gave it to a friend, who was over the moon. | I gave it to a friend, who sent it back.
The new version is a big step forward. | The new version is a big step backwards.
It was fun from start to finish. | It was a waste of time from start to finish.
It feels solid and well made. | It feels flimsy and badly made.
What a kind and helpful team! | What a rude and lazy team!
They gave me a full refund with a smile. | They kept my money and never wrote back.
The seats were soft and we could see everything. | The seats were hard and we could see nothing.
I have told all my friends to go there. | I have told all my friends to stay away.
It is quiet, quick and pretty. | It is loud, slow and ugly.
The soup was hot and full of taste. | The soup was lukewarm and had no taste.
Our guide made the trip unforgettable. | Our guide made the trip a torture.
I am hooked, I play it every evening. | I am fed up, I deleted it the same evening.
The instructions are clear and it took no time. | The instructions are a mess and it took all night.
Good value and it looks smart. | Bad value and it looks cheap.
They listened and really helped me. | They did not listen and did not help me.
After all the bad reviews I was surprised how well it runs. | After all the good reviews I was shocked how badly it runs.
It has never let me down. | It lets me down again and again.
I have nothing to complain about. | I have a lot to complain about.
The coffee came at once and steaming hot. | The coffee came late and stone cold.
The line moved fast and we were in within minutes. | The line did not move and we gave up after an hour.
It does a lot more than I had hoped for. | It does a lot less than I had hoped for.
The children asked to go again the next day. | The children asked to go home after ten minutes.
I keep telling people about it. | I keep warning people about it.
They answered my question the same day. | They have not answered my question for three weeks.
The sound is clear even when it is loud. | The sound crackles even when it is low.
I did not notice how quickly the time went by. | I kept looking at my watch the whole time.
It washed well and kept its shape. | It shrank and faded in the first wash.
The driver was on time and drove carefully. | The driver was late and drove like a madman.
I am sleeping better than I have in years. | I have not slept properly since.
The fish was fresh and the portions were big. | The fish smelled and the portions were tiny.
My husband will not let go of it. | My husband put it in the bin.
Even my picky son asked for a second helping. | Even my hungry son left it on his plate.
You get a lot for little money here. | You get little for a lot of money here.
I signed up for another year. | I cancelled after a month.
They noticed the mistake and put it right. | They noticed the mistake and did nothing.
It starts in seconds. | It takes ages to start.
Whoever designed this thought of everything. | Whoever designed this has never used it.
I would give it six stars if I could. | I would give it no star if I could.
Money well spent. | Money thrown out of the window.
The nurse took her time and was very gentle. | The nurse was in a hurry and hurt me.
The room looked just like on the photos. | The room looked nothing like on the photos.
This is how it should always be done. | This is not how you treat a customer.
The ending moved me to tears. | The ending made no sense at all.
It still smells nice and feels soft. | It smells odd and feels rough.
I am glad that I listened to my friend. | I should have listened to my friend.
Nothing has ever worked so smoothly. | Nothing but error messages.
We will certainly come back next year. | We left two days early.
My back pain is gone since I sit on it. | My back hurts since I sit on it.
""")

PLAIN = rows("""
I have an appointment on Friday.
We will meet in front of the library.
My cousin lives on the third floor.
Where is the nearest bus stop?
The box holds twelve pencils.
I am looking for a size forty.
They sell bread and newspapers.
He paid by card and took the receipt.
Can I pick it up at the weekend?
The phone comes with a cable.
I ordered two of them yesterday.
The cable is two metres long.
Our office is on the left side of the road.
She works as a teacher in a small town.
What are your opening hours?
The parcel weighs three kilos.
The meeting was moved to Tuesday.
How much is the large one?
I usually take the tram to work.
The film lasts ninety minutes.
The shirt is made of cotton.
My order number is four hundred and seven.
The tickets are sold at the entrance.
Is there a car park near the hotel?
It has four buttons and a switch.
I watched it last night with my brother.
The kitchen is next to the living room.
We had soup and bread for lunch.
The shop moved to another street in spring.
The new model has a bigger screen than the old one.
You need a password to log in.
Please send the bill to my address.
The concert begins at eight.
There are two beds in the room.
The bike stands in the cellar.
I read the first chapter on the train.
It is available in three colours.
The manual has eighty pages.
Do I need a ticket for the baby?
The driver dropped the parcel at the neighbour's door.
I will let you know tomorrow.
He asked me how the machine works.
The table is one metre wide.
My sister has the same model.
The store is open until eight.
I changed the battery this morning.
Which platform does the train leave from?
The recipe needs three eggs.
The album has eleven songs.
It takes batteries of the small kind.
We stayed there for four nights.
The waiter brought the menu and some water.
The class has twenty pupils.
You can reach us by mail or by phone.
The game is played by two to four people.
I have not opened the box yet.
The lamp stands beside the bed.
The service includes two visits a year.
The update was released in April.
She wrote her review on a Sunday.
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
the water is cold | the water has a low temperature | the water is hot | the water has a high temperature | the water is not warm | the water comes from a spring
the exam was hard | it was a difficult exam | the exam was easy | it was a simple exam | there was an exam | the exam took place in June
the window is open | somebody has opened the window | the window is shut | somebody has closed the window | air comes in | the window faces the sea
the light is on | the lamp is lit | the light is off | the lamp has been switched off | there is power in the house | the light is in the hall
the store was full of customers | many people were shopping in the store | the store had no customers | nobody was shopping in the store | the store was open | the store sells clothes
it is snowing | snow is falling | it is a hot summer day | it is hot, as usual in summer | it is cold | the snow will melt tomorrow
it is late at night | it is the middle of the night | it is noon | it is the middle of the day | it is dark outside | it is a Thursday
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
