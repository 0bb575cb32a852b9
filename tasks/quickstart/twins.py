"""Everyday sentences with a paraphrase and with a twin that differs in a word or two.

The tables are in the form of ``material.py``, and everything in them was written for this project.
"""

# ruff: noqa: E501 - a table keeps one item to a line

from __future__ import annotations

from material import listed, rows

TWINS = rows("""
# a sentence | the same in other words | a twin that says something else
I'm worn out. | I have no strength left. | I'm full of energy.
I had to laugh. | I could not keep a straight face. | I had to cry.
My husband snores. | My husband makes a noise in his sleep. | My husband smokes.
Let's take a break. | We should stop for a moment. | Let's go on working.
It's none of your business. | That has nothing to do with you. | It's your business to know.
She lives on her own. | She shares her home with nobody. | She lives with her parents.
I changed my mind. | I think differently now. | I changed my clothes.
The lift is out of order. | You can't use the lift at the moment. | The lift is full.
My phone is flat. | The battery of my phone is empty. | My phone is fully charged.
The roads are icy. | There is ice on the roads. | The roads are dry.
He is in hospital. | He is being treated at a hospital. | He works in a hospital.
I ran out of sugar. | I have no sugar left. | I spilled the sugar.
The talk was interesting. | The talk held my attention. | The talk was tiring.
She is expecting a baby. | She is pregnant. | She is looking after a baby.
I know him by sight. | I have seen him before, but we never spoke. | I know him very well.
We split the bill. | Each of us paid a half. | We forgot the bill.
They moved away. | They don't live here any more. | They moved in next door.
The museum is free. | You don't pay to get into the museum. | The museum is full.
I'm allergic to cats. | Cats make me sneeze. | I'm mad about cats.
He always tells the truth. | He never lies. | He never tells the truth.
Her room is tidy. | There is no mess in her room. | Her room is tiny.
The book is out of print. | You can't buy the book new any longer. | The book has just come out.
I'm a bad swimmer. | I don't swim well. | I'm a strong swimmer.
My back hurts. | I have a pain in my back. | My head hurts.
The baby was born today. | Today a baby came into the world. | The baby is one year old today.
It was a secret. | Nobody was supposed to know it. | It was common knowledge.
I got up early. | I was out of bed before most people. | I stayed up late.
We are almost there. | It isn't far any more. | We have just set off.
The printer is out of paper. | There is no paper in the printer. | The printer is out of ink.
He drives too fast. | He keeps breaking the speed limit. | He drives too slowly.
She has resigned. | She gave up her post. | She has been promoted.
I missed the beginning of the play. | I was not there when the play began. | I missed the end of the play.
The heating bill was higher than last year. | We paid more for heat than a year ago. | The heating bill was lower than last year.
My son is good at maths. | Maths is easy for my son. | My son is bad at maths.
The path leads uphill. | The path climbs. | The path leads downhill.
They agreed on a date. | They found a day that suited both. | They could not agree on a date.
He is left-handed. | He writes with his left hand. | He has left the room.
I need a new pair of glasses. | My old glasses are no longer good enough. | I need a clean glass.
The milk has gone off. | The milk is sour. | The milk is fresh.
Nothing is impossible. | Everything can be done. | Nothing is possible.
You are welcome to stay. | We'd be glad if you stayed. | You have to leave.
She was the first to arrive. | Nobody got there before her. | She was the last to arrive.
I hardly slept. | I got very little sleep. | I slept like a log.
He quit school at sixteen. | He was sixteen when he left school. | He changed school at sixteen.
We have run out of time. | There is no time left for us. | We have plenty of time.
The soup needs more salt. | There isn't enough salt in the soup. | The soup has too much salt.
It's warm in here. | This room is rather hot. | It's cold in here.
I'm looking forward to the weekend. | I can't wait for the weekend. | I'm thinking about last weekend.
The lake is frozen. | The lake is covered with ice. | The lake is warm enough for a swim.
Nobody knows her name. | Her name is a mystery to everybody. | Everyone knows her name.
Is there a chemist's near here? | Where can I find a chemist's around here? | Is the chemist's nice?
Can I pay by card? | Do you take cards? | Can I get cash here?
May I sit here? | Is this seat free? | Did I sit here?
What's your job? | What do you do for a living? | Do you like your boss?
How long have you been waiting? | When did you begin to wait? | How long will you stay?
Would you mind if I smoked? | Is it all right if I have a cigarette? | Would you mind not smoking?
What would you like to drink? | What can I bring you to drink? | What would you like to eat?
Could you speak more slowly? | Please talk a bit slower. | Could you speak more loudly?
Which bus goes to the centre? | What number is the bus into town? | Which bus comes from the centre?
How do you spell your name? | What are the letters of your name? | What does your name mean?
Are there any seats left? | Can we still get seats? | Have you left your seat?
Let me know when you are ready. | Tell me as soon as you're done. | Let me know when you are coming.
I'd like to return this dress. | I want to give this dress back. | I'd like to try on this dress.
Do I have to change trains? | Is there no direct train? | Do I have to change clothes?
Don't be late. | Be on time. | Don't be early.
The bank opens at eight. | You can go to the bank from eight o'clock. | The bank closes at eight.
He left the house at seven. | It was seven when he went out. | He entered the house at seven.
The bus arrived at noon. | The bus got here at twelve. | The bus left at noon.
She is writing a poem. | She is at work on a poem. | She is reading a poem.
I sold my camera. | My camera has a new owner now. | I bought my camera.
We found the map. | The map turned up again. | We lost the map.
He opened the box. | He took the lid off the box. | He closed the box.
They pushed the car. | They moved the car by pushing it. | They pulled the car.
She turned off the radio. | She switched the radio off. | She turned on the radio.
He went up the stairs. | He climbed the stairs. | He went down the stairs.
The price has risen. | It costs more than before. | The price has fallen.
I remembered her birthday. | I did not forget her birthday. | I forgot her birthday.
My uncle was born in Madrid. | Madrid is my uncle's place of birth. | My uncle works in Madrid.
The shirt is too big. | The shirt is not small enough. | The shirt is too small.
The tea is too sweet. | There is too much sugar in the tea. | The tea is too weak.
My room is on the first floor. | I have a room one floor up. | My room is on the fifth floor.
I have two meetings today. | There are two meetings in my calendar for today. | I have no meetings today.
She ordered four pears. | Four pears is what she asked for. | She ordered four plums.
He borrowed ten pounds. | Someone lent him ten pounds. | He lent ten pounds.
I taught him to dance. | He learned to dance from me. | He taught me to dance.
Dad is heavier than Mum. | Mum weighs less than Dad. | Mum is heavier than Dad.
My bag is lighter than yours. | Yours is the heavier bag of the two. | Your bag is lighter than mine.
Jack is faster than Jim. | Jim is not as fast as Jack. | Jim is faster than Jack.
This road is longer than that one. | That road is the shorter one. | That road is longer than this one.
The judge heard the witness. | The witness was heard by the judge. | The witness heard the judge.
The nurse thanked the doctor. | The doctor was thanked by the nurse. | The doctor thanked the nurse.
The coach scolded the player. | The player got told off by the coach. | The player scolded the coach.
The wolf watched the sheep. | The sheep was watched by the wolf. | The sheep watched the wolf.
Lisa invited Ben. | Ben got an invitation from Lisa. | Ben invited Lisa.
I gave her the book. | She got the book from me. | She gave me the book.
My boss wrote to me. | I had a letter from my boss. | I wrote to my boss.
We will eat later. | We are going to have our meal later on. | We ate earlier.
I saw the doctor last Monday. | My visit to the doctor was last Monday. | I will see the doctor next Monday.
She used to smoke. | She smoked in the past. | She has started to smoke.
He is going to retire. | He will stop working for good. | He has retired.
It rained this morning. | There was rain this morning. | It will rain this evening.
There is some butter left. | We still have butter. | There is no butter left.
Nobody came to the talk. | The talk had no audience. | Everybody came to the talk.
I always lock the door. | I never leave the door unlocked. | I never lock the door.
He often calls me. | I get many calls from him. | He seldom calls me.
All of them can swim. | There is none of them who cannot swim. | None of them can swim.
I know a few people here. | Some of the people here are known to me. | I know nobody here.
She likes her new school. | Her new school is to her liking. | She dislikes her new school.
He is able to walk. | He can walk. | He is unable to walk.
The answer is right. | That is the correct answer. | The answer is wrong.
The test was simple. | It was an easy test. | The test was difficult.
Our hotel is near the harbour. | We are staying close to the port. | Our hotel is far from the harbour.
The office is on the left. | You find the office on the left-hand side. | The office is on the right.
Her hair is long. | She has long hair. | Her hair is short.
The street is quiet. | There is hardly any noise in the street. | The street is noisy.
My grandfather is alive. | My grandfather has not died. | My grandfather is dead.
He has no cash on him. | He is not carrying any money. | He has a lot of cash on him.
I'm out of work. | I don't have a job at the moment. | I'm on my way to work.
I'm absolutely starving. | I'm very hungry. | I'm completely full.
She doesn't drink milk. | Milk is something she never has. | She drinks milk.
My watch is slow. | My watch does not keep up with the time. | My watch is new.
The party was dull. | Nobody had any fun at the party. | The party was loud.
I couldn't sleep. | I lay awake. | I couldn't speak.
I'm fine, thank you. | I'm doing well, thanks. | I'm late, thank you.
He's got a cold. | He is coughing and sneezing. | He's got a car.
She is very clever. | She is really smart. | She is very careful.
The game was called off. | The game did not happen. | The game was won.
He gave up chess. | He stopped playing chess. | He took up chess.
I look after my niece. | I take care of my niece. | I look like my niece.
The plan fell through. | The plan failed. | The plan worked.
She ran into an old friend. | She met an old friend by chance. | She ran from an old friend.
I can't make it tonight. | I am not able to come this evening. | I can make it tonight.
He made up the story. | He invented the story. | He read the story.
Would you like to eat out tonight? | Shall we go to a restaurant this evening? | Did you eat out last night?
Could you lend me a pen? | May I borrow a pen from you? | Could I lend you a pen?
Could you give me a lift? | Can you take me along in your car? | Could you give me a list?
Please switch on the heating. | Could you turn the heating on? | Please switch off the heating.
How do I cancel my order? | What do I have to do to undo an order? | How do I place an order?
How can I change my address? | What must I do to enter a new address? | How can I find your address?
How do I bake a potato? | What is the way to bake a potato? | How do I peel a potato?
When does the shop open? | From what time can I go to the shop? | Where is the shop?
Do you like your job? | Are you happy with your work? | Do you have a job?
Is the pool open now? | Can I go into the pool at the moment? | Is the pool deep?
How tall are you? | What is your height? | How tall is your tent?
What happened here? | Tell me what went on here. | What will happen here?
Who told you? | From whom did you hear it? | Who did you tell?
Why are you sad? | What makes you unhappy? | Why are you glad?
""")

# what somebody did : the opposite | to what
OPPOSITES = rows("""
opened:shut | the gate, the parcel, the bottle, the drawer
bought:sold | the boat, the old chair, the tent, the guitar
found:lost | the key, the ring, the map, the letter
won:lost | the race, the bet, the match, the fight
passed:failed | the test, the driving exam, the course
remembered:forgot | the name, the date, the answer, the song
loved:hated | the film, the town, the new job, the soup
accepted:refused | the offer, the gift, the invitation, the job
entered:left | the room, the building, the park, the city
started:stopped | the car, the music, the machine, the game
built:destroyed | the tower, the bridge, the hut, the wall
lifted:dropped | the box, the vase, the tray, the ball
repaired:broke | the radio, the lamp, the bike, the fence
packed:unpacked | the case, the bag, the boxes
locked:unlocked | the door, the bike, the drawer, the car
pushed:pulled | the cart, the door, the sledge
answered:ignored | the question, the call, the email
trusted:doubted | the doctor, the story, the news
raised:lowered | the price, the flag, the curtain
caught:missed | the bus, the ball, the last train
""")
DOERS = listed("""
she, he, my father, the neighbour, Emma, Lucas, the guest, our aunt, the driver, a stranger, the pupil, the chef, Mr Brown, the girl
""")
