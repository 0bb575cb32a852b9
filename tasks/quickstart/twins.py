"""Everyday sentences with a paraphrase and with a twin that differs in a word or two.

The tables are in the form of ``material.py``, and everything in them was written for this project.
"""

# ruff: noqa: E501 - a table keeps one item to a line

from __future__ import annotations

from material import listed, rows

TWINS = rows("""
# a sentence | the same in other words | a twin that says something else
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
How tall are you? | What is your height? | How old are you?
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
