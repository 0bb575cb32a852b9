"""Whole remarks of everyday life for quick_attitude, each as somebody might type it.

Every line was written for this project, in the form of ``material.py``.
"""

# ruff: noqa: E501 - a table keeps one item to a line

from __future__ import annotations

from material import rows

# pleased | displeased: close in wording, or about one thing
REMARKS = rows("""
I could listen to this band all day. | I can't listen to this band for a minute.
You made my day! | You ruined my day!
Hats off to the whole team. | Shame on the whole team.
It was love at first sight. | I couldn't stand it from the start.
I was on cloud nine all evening. | I was close to tears all evening.
He bent over backwards to help us. | He didn't lift a finger to help us.
They thought of every little detail. | They didn't think of the simplest things.
My daughter won't play with anything else. | My daughter won't touch it.
I couldn't put my phone away, the game is so much fun. | I deleted the game after a minute, it is so dull.
We laughed until it hurt. | We yawned until the end.
I read it in one go. | I gave up after ten pages.
She saved my life with her advice. | She made everything worse with her advice.
It was worth every minute. | I want those two hours of my life back.
This place never lets me down. | This place lets me down every time.
I owe you one, that was so kind. | You owe me an explanation, that was so mean.
A dream come true. | A nightmare from start to end.
I feel on top of the world today. | I feel down and lonely today.
You have to try it, you'll be hooked. | Stay away from it, you'll be sorry.
I have had enough luck for a year, what a day! | I have had enough of this, what a day!
It made me feel at home from the first minute. | It made me want to leave from the first minute.
They treated us like royalty. | They treated us like dirt.
It's a steal at that price. | It's a rip-off at that price.
Our cat purrs all day on it. | Our cat hisses when she sees it.
My headache is gone at last. | My headache is killing me.
The kids begged to stay longer. | The kids begged to go home.
I can't wait to go back. | I can't wait to get out of here.
The queue moved fast and everybody smiled. | The queue didn't move and everybody grumbled.
It runs like clockwork. | It stops working every other day.
My old one can't compete with it. | My old one was ten times better.
Nobody makes better coffee than you. | Nobody makes worse coffee than you.
I'm so glad we chose this place. | I'm so sorry we chose this place.
It does exactly what it should. | It does not do what it should.
It doesn't get any better than this. | It doesn't get any worse than this.
My plate was warm and the steak was tender. | My plate was cold and the steak was tough.
I would order it again any time. | I would never order it again.
I'd recommend it to anybody. | I wouldn't recommend it to anybody.
She couldn't have been more helpful. | She couldn't have been less helpful.
You will not regret buying it. | You will regret buying it.
Dinner was on the table when we sat down. | Dinner came when we had stopped being hungry.
You guys are the best! | You guys are the worst!
It isn't perfect, but I like it a lot. | It isn't cheap, and I don't like it at all.
It still works like new after three years. | It stopped working after three weeks.
That was not half as hard as I feared, well done. | That was not half as good as they claim, what a pity.
The soup came hot, as it should. | The soup had gone cold by the time we got it.
It arrived a day early and well packed. | It arrived a week late and in pieces.
I've been smiling all morning. | I've been crying all morning.
I'm having the time of my life here. | I'm bored to death here.
They kept the shop open a little longer just for us. | They shut the door in our faces.
They replaced it at once without any fuss. | They refused to replace it and hung up on me.
What a beautiful morning, the sun is out and I feel fine. | What an ugly morning, I am wet to the skin and freezing.
I slept well and feel full of energy. | I slept badly and feel sick.
Everyone at the counter was friendly to us. | Everyone at the counter was rude to us.
The manager came out to ask if we were happy. | The manager would not even come out to talk to us.
My boss praised me in front of everyone. | My boss shouted at me in front of everyone.
My daughter wears it every day and smiles. | My daughter wore it once and cried.
Good news, I got the job! | Bad news, I lost my job.
We finally found our dream house. | We lost the house we had dreamed of.
The help desk picked up after the first ring. | The help desk never picks up.
The flavour was so good that I asked for more. | The flavour was so bad that I left it on the plate.
The exam went really well. | The exam went really badly.
My team won and I'm over the moon. | My team lost and I'm heartbroken.
Lasts all week on one charge. | Goes flat after half an hour.
I slept like a baby in that bed. | I did not sleep a minute in that bed.
I can't thank you enough for your help. | I can't believe that you left me alone with this.
This made my week, thank you. | This ruined my week, no thanks to you.
How kind of you to think of me! | How mean of you to forget me!
Putting it together was easy and quick. | Putting it together took hours and two sore thumbs.
He always makes me laugh. | He always makes me cry.
Best decision we made all year. | Worst decision we made all year.
She's the nicest person I know. | She's the nastiest person I know.
I trust this garage completely. | I'd never trust this garage again.
He taught my son with endless patience. | He lost his temper with my son.
I laughed from beginning to end. | I yawned from beginning to end.
They fixed my bike while I waited, for free. | They kept my bike for a month and didn't fix it.
It is worth every cent. | It is not worth a single cent.
Even my grumpy uncle liked it. | Even my easy-going uncle was angry.
Someone gave me his seat, so sweet. | Someone stole my seat, how rude.
The line was short and the people were lovely. | The line was endless and the people pushed.
So much easier to use than my old one. | So much harder to use than my old one.
Two thumbs up from our whole family. | Two thumbs down from our whole family.
We ordered seconds, it was that good. | We left the plates half full, it was that bad.
Five stars, no question about it. | One star, and that is generous.
I could not put the book down. | I could not get through the book.
It tastes just like my grandma used to make it. | It tastes like old socks.
My problem was solved within five minutes. | My problem is still not solved after five calls.
My wife wants another one. | My wife wants to send it back.
The best pasta I've eaten in years. | The driest chicken I've eaten in years.
The bread was still warm, yum. | The bread was mouldy, yuck.
It fits me like a glove. | It does not fit me anywhere.
They brought us a free dessert. | They charged us for water we never had.
I was sure I'd hate it, and I was wrong. | I was sure I'd love it, and I was wrong.
The waitress remembered us and gave us the best table. | The waitress forgot us and brought the wrong dish.
We felt welcome from the first minute. | We felt unwelcome from the first minute.
Our food came quickly and piping hot. | Our food took forever and was half raw.
It lives up to everything people say about it. | It doesn't live up to anything people say about it.
I got far more than I paid for. | I paid far more than it is worth.
I ate every last crumb. | I found a hair in my soup.
Everything was clean, even the corners. | There were crumbs and stains everywhere.
The screen is bright and never freezes. | The screen is dim and freezes all the time.
The film kept me on the edge of my seat. | The film dragged and I checked my phone all the time.
The bed was so soft that I didn't want to get up. | The bed was so hard that my back ached.
A quiet room with a view of the sea. | A noisy room with a view of the bins.
Our room was spotless and quiet. | Our room was dirty and loud.
They upgraded us without being asked. | They gave our room to somebody else.
Hilarious from start to end, go and see it. | Tedious from start to end, stay at home.
I cannot wait to go back. | I will never set foot in there again.
The pool was warm and almost empty. | The pool was closed and nobody had told us.
We landed early and our bags were the first to come out. | Our bags were lost and the desk was closed.
The jokes were clever and the music was great. | The jokes were stale and the music was dreadful.
Ten out of ten from me. | Zero out of ten from me.
A smooth trip with a friendly crew. | A bumpy trip with a grumpy crew.
The train was clean and on the minute. | The train was packed and late again.
He explained it patiently until I understood. | He snapped at me when I did not understand.
I'd watch it a hundred times. | I want those two hours of my life back.
He drove us home safely through the storm. | He drove so fast that I felt sick.
No trouble at all since I got it. | Nothing but trouble since I got it.
The phone takes stunning photos at night. | The phone gets hot and switches itself off.
The battery still lasts two days. | The battery is dead by noon.
I finished the book in one sitting. | I gave up on the book after ten pages.
Cheap, quick and it tastes great. | Pricey, slow and it tastes of nothing.
It was ready to use straight out of the box. | Half of the parts were missing from the box.
Solid as a rock after years of use. | Cracked after a single use.
My commute is half as long now. | My commute is twice as long now.
The colours look even nicer than on the picture. | The colours look nothing like the picture.
These shoes are so comfy that I never take them off. | These shoes gave me blisters all over.
It saves me an hour of work every day. | It costs me an hour of work every day.
The colour is even prettier in real life. | The colour came off on my hands.
The bus always comes when it should. | The bus never comes when it should.
It keeps my coffee hot until evening. | It leaks all over my bag.
Charges quickly and lasts all day. | Charges slowly and is empty by lunch.
So quiet that I forget it's running. | So loud that the neighbours complain.
It picked up every bit of dust. | It leaves half of the dust behind.
Very polite driver, very clean car. | Very rude driver, very dirty car.
They kept us informed the whole time. | They kept us in the dark the whole time.
The new sofa is a dream. | The new sofa is a nightmare.
I never expected to have so much fun. | I never expected to be so bored.
The zip glides like butter. | The zip gets stuck every single time.
I made so many friends here. | I have never felt so alone.
Great price and great quality. | Rip-off, the quality is a joke.
Buy it, you will be glad. | Do not buy it, you will be sorry.
I saved a fortune with this offer. | They took twice the price from my card.
My heart is full today. | My heart is broken today.
The parcel was here the next morning, amazing. | I've been waiting for the parcel since Easter.
Finally something that holds what it promises. | Once more something that breaks its promises.
Everything arrived in one piece. | Everything arrived smashed to bits.
My grandmother says it is the finest cake in town. | My grandmother says it is the driest cake in town.
I passed, I passed, I can't believe it! | I failed again, I can't take it any more.
I got an answer in two minutes, on a Sunday. | I've written five times and get no answer.
They admitted the mistake and made up for it. | They blamed me for their own mistake.
I gave it to a friend, who was over the moon. | I gave it to a friend, who sent it back.
The lady on the phone was an angel. | The man on the phone hung up on me.
We're expecting a baby and couldn't be happier. | Our cat died and we couldn't be sadder.
No queue, no stress, no hidden costs. | Queues, stress and hidden costs.
The new version is a big step forward. | The new version is a big step backwards.
Signing up was child's play. | Signing up was a pain in the neck.
I'm looking forward to every single day. | I'm dreading every single day.
It was fun from start to finish. | It was a waste of time from start to finish.
The website is easy to use. | The website is impossible to use.
The update made everything faster. | The update broke everything.
It feels solid and well made. | It feels flimsy and badly made.
Things are looking up at last. | Things are getting worse and worse.
I use this app every day, can't live without it. | I removed this app, too many ads.
My sons play it for hours. | My sons got bored with it after a minute.
What a kind and helpful team! | What a rude and lazy team!
I cried happy tears at the end. | I walked out before the end.
I love weekends with my family. | I can't stand Sundays at the office.
They gave me a full refund with a smile. | They kept my money and never wrote back.
The actors were so good that I forgot the time. | The actors were so bad that it hurt.
A page-turner that kept me up all night. | A dull book that put me to sleep.
You have a wonderful smile. | You have a terrible attitude.
The seats were soft and we could see everything. | The seats were hard and we could see nothing.
I could listen to this song forever. | I can't hear this song any more, it's torture.
The band gave it all, what a night! | The band played for twenty minutes, what a cheek!
I have told all my friends to go there. | I have told all my friends to stay away.
Your idea is brilliant. | Your idea is stupid.
We laughed till our sides hurt. | Not a single joke was funny.
A must-see for the whole family. | Skip it and save your money.
It is quiet, quick and pretty. | It is loud, slow and ugly.
The teacher explains everything so well. | The teacher explains nothing and gets angry.
You did that beautifully. | You messed that up completely.
The soup was hot and full of taste. | The soup was lukewarm and had no taste.
I learned more in a day than in a year of school. | I learned nothing at all in this course.
My daughter can't wait for her next lesson. | My daughter is afraid of her next lesson.
Our guide made the trip unforgettable. | Our guide made the trip a torture.
I really liked your talk. | I really didn't like your talk.
The doctor took me seriously and the pain is gone. | The doctor didn't listen and the pain got worse.
I feel healthy and strong again. | I feel weak and miserable.
I am hooked, I play it every evening. | I am fed up, I deleted it the same evening.
Nice work, everybody. | Sloppy work, everybody.
My headache is finally gone, what a relief. | My headache won't go away, I can't stand it.
The instructions are clear and it took no time. | The instructions are a mess and it took all night.
My neighbours are a blessing. | My neighbours are a plague.
The garden looks gorgeous this spring. | The garden looks like a rubbish dump.
I feel at home here. | I don't feel welcome here.
Good value and it looks smart. | Bad value and it looks cheap.
Living here is a joy. | Living here is hell.
My new haircut suits me so well. | My new haircut makes me look silly.
They listened and really helped me. | They did not listen and did not help me.
The view took my breath away. | The smell took my breath away.
The dog is the best thing that ever happened to us. | The dog next door barks all night and nobody cares.
After all the bad reviews I was surprised how well it runs. | After all the good reviews I was shocked how badly it runs.
Grandpa's stories always cheer me up. | Grandpa's insults ruined the dinner.
The water was clear and warm. | The water was brown and full of rubbish.
What a lovely surprise, thanks everyone! | What a nasty surprise, shame on you!
It has never let me down. | It lets me down again and again.
I'm proud of what we built. | I'm ashamed of what we did.
I've got no regrets. | I've got nothing but regrets.
It's peaceful here and the air is fresh. | It's noisy here and the air stinks.
I have nothing to complain about. | I have a lot to complain about.
Nothing could spoil this day. | Nothing could save this day.
The coffee came at once and steaming hot. | The coffee came late and stone cold.
It went better than planned. | It went from bad to worse.
The new park is good for the whole town. | The new road is a disgrace for the whole town.
I was nervous, but it went like a dream. | I was hopeful, but it all went wrong.
The line moved fast and we were in within minutes. | The line did not move and we gave up after an hour.
At first I had doubts, now I'm a fan. | At first I was a fan, now I'm gone.
They finally repaired our street, well done. | They still haven't repaired our street, what a scandal.
You won't find anything better at this price. | You'll find something better anywhere.
It does a lot more than I had hoped for. | It does a lot less than I had hoped for.
I wouldn't change a thing. | I would change every single thing.
The children asked to go again the next day. | The children asked to go home after ten minutes.
The nurse made my mother laugh. | The nurse made my mother cry.
There's nothing I don't like about it. | There's nothing I like about it.
Never a dull moment with these people. | Never again with these people.
I keep telling people about it. | I keep warning people about it.
I don't mind the price, it's that good. | I don't care how cheap it is, it's junk.
The medicine helped right away. | The medicine made me feel sick.
It never fails to make my day. | It never fails to annoy me.
They answered my question the same day. | They have not answered my question for three weeks.
I wasn't bored for a second. | I wasn't impressed, not for a second.
The sound is clear even when it is loud. | The sound crackles even when it is low.
The cream works wonders. | The cream gave me a rash.
Not a bad word about this shop. | Not a good word about this shop.
Who needs a car with such a handy bus? | Who needs such a useless bus?
I did not notice how quickly the time went by. | I kept looking at my watch the whole time.
I lost ten pounds and feel amazing. | I pay a lot and have not lost a pound.
How can anyone not like this? | How can anyone like this?
Why didn't I try this sooner? | Why did I ever try this?
It washed well and kept its shape. | It shrank and faded in the first wash.
I wish every shop were like this one. | I wish this shop would close.
The gym is spacious and never crowded. | The gym is tiny and always overcrowded.
The driver was on time and drove carefully. | The driver was late and drove like a madman.
Please never change! | Please do something about it!
Keep up the good work! | Stop selling this garbage!
I am sleeping better than I have in years. | I have not slept properly since.
The trainer motivates me. | The trainer makes fun of me.
Hats off to the cook. | Shame on the cook.
Go there, you'll be amazed. | Stay away, you'll be robbed.
The fish was fresh and the portions were big. | The fish smelled and the portions were tiny.
The price was fair and there were no surprises. | The bill was twice what they had told me.
Do yourself a favour and buy one. | Do yourself a favour and run.
My husband will not let go of it. | My husband put it in the bin.
That's what I call service. | Is that what you call service?
Just what I was looking for. | Not at all what I was looking for.
I got a discount without asking. | They added a fee without telling me.
Even my picky son asked for a second helping. | Even my hungry son left it on his plate.
As good as new, thank you. | Already in the bin, thank you for nothing.
I got a seat by the window and a smile on top. | I stood the whole way and got shouted at on top.
You get a lot for little money here. | You get little for a lot of money here.
They sent a new one right away. | They sent me a used one with scratches.
They went the extra mile for us. | They didn't lift a finger for us.
I signed up for another year. | I cancelled after a month.
He kept his word. | He lied to my face.
Arrived sooner than promised. | Arrived two weeks after Christmas.
Everyone was in a good mood. | Everyone was in a foul mood.
They noticed the mistake and put it right. | They noticed the mistake and did nothing.
The party was a huge success. | The party was a complete failure.
Time flew by. | Time dragged on and on.
It was the right colour and the right size. | It was the wrong colour and the wrong size.
It starts in seconds. | It takes ages to start.
It's a big improvement on the old one. | It's a step down from the old one.
Whoever designed this thought of everything. | Whoever designed this has never used it.
The fabric feels like silk. | The fabric itches and smells.
The right item, nicely wrapped. | The wrong item, badly wrapped.
The lock is strong and I feel safe. | The lock is broken and I don't feel safe.
I would give it six stars if I could. | I would give it no star if I could.
The heating works and the flat is cosy. | The heating is broken and the flat is damp.
The streets are clean and people greet you. | The streets are filthy and people swear at you.
Smells lovely, feels lovely. | Smells funny, feels cheap.
Money well spent. | Money thrown out of the window.
Finally, a firm that cares about its customers. | Another firm that couldn't care less about its customers.
The nurse took her time and was very gentle. | The nurse was in a hurry and hurt me.
The picture is razor-sharp. | The picture flickers and the remote is dead.
My refund came within a day. | My refund never came.
I got my money's worth. | I feel cheated.
The room looked just like on the photos. | The room looked nothing like on the photos.
The repair took an hour and cost next to nothing. | The repair took a month and cost a fortune.
It connects at once. | It keeps losing the connection.
It solved all my problems. | It caused me nothing but problems.
This is how it should always be done. | This is not how you treat a customer.
I'm in a great mood today. | I'm fed up with everything today.
The ending moved me to tears. | The ending made no sense at all.
No more crashes, I'm relieved. | One crash after another, I've had it.
It's so nice to see you again. | It's so annoying to wait for you again.
I miss nothing here, it's paradise. | I miss home, it's awful here.
It still smells nice and feels soft. | It smells odd and feels rough.
The new menu is easy to find your way around. | The new menu is so confusing that I gave up.
We'll be back, that's a promise. | That was our last visit.
The cat purrs and I'm happy. | The cat scratched me and I'm angry.
I am glad that I listened to my friend. | I should have listened to my friend.
The rain stopped just in time for our picnic, hurray. | The rain spoiled our picnic, what a shame.
My password was reset in no time. | I've been locked out of my account for days.
Nothing has ever worked so smoothly. | Nothing but error messages.
A big thank you to the nurses. | A big complaint about the nurses.
He apologised at once and gave me a voucher. | He didn't even say sorry.
We will certainly come back next year. | We left two days early.
I can talk to my family every day thanks to this. | I can't hear a word when I call my family with this.
Nobody treated us like strangers. | Nobody cared that we were waiting.
It does everything I ask of it. | It does nothing I ask of it.
My back pain is gone since I sit on it. | My back hurts since I sit on it.
It turned an awful day into a good one. | It turned a good day into an awful one.
I was expecting little and got so much. | I was expecting much and got so little.
""")

# pleased | displeased; {t} is a thing that somebody may judge
TWIN_REMARKS = rows("""
I've never had a better {t}. | I've never had a worse {t}.
It's the best {t} I know. | It's the worst {t} I know.
I can't stop talking about the {t}. | I can't stop complaining about the {t}.
I can't imagine life without my {t}. | I can't wait to get rid of my {t}.
I could not ask for a better {t}. | I could not think of a worse {t}.
I expected less and got a great {t}. | I expected more of a {t} like this.
The {t} is far better than I expected. | The {t} is not what I expected, and I am let down.
We hoped for a good {t} and we got one. | We hoped for a good {t} and we did not get one.
Don't miss this {t}. | Don't bother with this {t}.
Don't hesitate, get this {t}. | Don't spend your money on this {t}.
Treat yourself to this {t}. | Spare yourself this {t}.
The {t} arrived in time and in perfect shape. | The {t} arrived far too late and was damaged.
The {t} works without any trouble. | The {t} has never worked.
The {t} is a pleasure from the first day. | The {t} is a burden from the first day.
The {t} isn't bad, I like it. | The {t} isn't good, I don't like it.
I don't have a single complaint about the {t}. | I don't have a single good word for the {t}.
Not a cheap {t}, but worth every penny. | Not a cheap {t}, and not worth a penny.
Thank you for the lovely {t}! | No thank you, I've had enough of the {t}!
The {t} was free and they even said sorry for the wait. | The {t} cost extra and nobody said sorry for the wait.
People were so helpful with the {t}. | People were no help at all with the {t}.
They took great care of us and of the {t}. | They took no care of us or of the {t}.
They did all they could to get the {t} right. | They did not even try to get the {t} right.
I asked about the {t} and got a kind answer at once. | I asked about the {t} and got no answer at all.
We had so much fun with the {t}. | We had so much trouble with the {t}.
The {t} made our evening. | The {t} spoiled our evening.
Everybody wants a {t} like mine. | Nobody would want a {t} like this.
I'm really impressed by the {t}. | I'm really let down by the {t}.
The {t} gets better every time. | The {t} gets worse every time.
After a year the {t} is still going strong. | After a week the {t} gave up.
I'd choose the same {t} again. | I'd choose any other {t} next time.
The {t} is exactly what I wanted. | The {t} is nothing like what I wanted.
The {t} cheered me up. | The {t} got on my nerves.
I was worried about the {t}, but all went well. | I was sure about the {t}, but all went wrong.
The reviews of the {t} are bad, but I'm happy with it. | The reviews of the {t} are good, but I'm unhappy with it.
My kids are crazy about the {t}. | My kids are sick of the {t}.
The {t} brings us joy. | The {t} brings us trouble.
The {t} took no time to set up. | The {t} took the whole day to set up.
The {t} looks great on me. | The {t} looks awful on me.
Such a {t} makes me want to stay. | Such a {t} makes me want to leave.
I feel so lucky to have this {t}. | I feel so stupid for buying this {t}.
""")
