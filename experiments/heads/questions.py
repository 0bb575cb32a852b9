"""Write the data of the task `questions`: which of 50 kinds of answer does a question ask for?

    python experiments/heads/questions.py

Every question is made of a frame and a filler that were written for this project. The last frame and the last filler of
each label occur in the validation rows alone. Writes questions/train.jsonl and questions/validation.jsonl beside this file.
"""

# ruff: noqa: E501 - a table keeps one label to a line

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent

# label | fillers | frames; the table is in the order of the labels in the YAML files.
TABLE = """
person_maker | the zip fastener; dynamite; the steam engine; bubble gum; the parachute; the ballpoint pen | Who invented {x}? / Whose idea was {x}? / Who came up with {x} first? / Who holds the first patent for {x}? / To whom do we owe {x}?
person_author | the tale of the lost whale; the green notebook; a life at sea; the glass orchard; winter in Oslo; the last lamp | Who wrote {x}? / Whose novel is {x}? / Who is the author of {x}? / Who published {x} under a false name? / From whose pen comes {x}?
person_leader | Iceland; the trade union; the Roman army; Ghana; the navy; the senate | Who leads {x}? / Who was the head of {x} in 1950? / Who was in charge of {x}? / Who is at the top of {x}? / Who rules over {x}?
person_athlete | the marathon; the high jump; the chess cup; the tennis final; the bicycle tour; the boxing match | Who won {x}? / Who came second in {x}? / Who holds the record for {x}? / Who was the youngest winner of {x}? / Whose victory was {x}?
person_relative | the king of Spain; the young pianist; the mayor; Anna Berg; the astronaut; the painter | Who is the wife of {x}? / Who was the father of {x}? / Who is married to {x}? / Who was the eldest son of {x}? / With whom did {x} have two children?
person_described | a blacksmith; an alderman; a cooper; a midwife; a fletcher; a squire | What does {x} do? / What is the work of {x}? / Who is called {x}? / What sort of person is {x}? / How does {x} earn a living?
group_company | cola; rubber tyres; tractors; toothpaste; jeans; matches | What company makes {x}? / Which firm sells the most {x}? / What is the largest maker of {x}? / Which business became rich with {x}? / Under which corporate name are {x} sold?
group_team | Boston; Turin; Montreal; Leeds; Porto; Osaka | Which football club comes from {x}? / What team plays its home games in {x}? / What is the baseball team of {x}? / Which hockey side is based in {x}? / For whom do the players of {x} take the field?
group_party | taxes; the railways; free trade; clean rivers; the farmers; the old laws | Which party is for {x}? / What political movement fought for {x}? / Which party voted against {x}? / What faction stood up for {x}? / Whose election programme promised {x}?
group_band | the song of the rain; the album Red Doors; three drummers; a hit about trains; a tour of Asia; a harp on stage | Which band had {x}? / What pop group is known for {x}? / Which rock group began with {x}? / What orchestra came up with {x}? / Which musicians together had {x}?
place_city | the oldest tram; the first subway; the most bridges; a leaning tower; the largest port; a famous carnival | What city has {x}? / In which town do you find {x}? / Which capital has {x}? / What is the name of the city with {x}? / Which metropolis is home to {x}?
place_country | the longest coast; no army; two kings; the most volcanoes; the oldest flag; four languages | What country has {x}? / Which nation has {x}? / In what state of Africa would you find {x}? / Which republic has {x}? / What land is known for {x}?
place_mountain | Peru; the Alps; Kenya; the moon; New Zealand; Japan | What is the highest mountain in {x}? / Which peak in {x} was climbed last? / What volcano stands in {x}? / How is the tallest summit of {x} called? / Which hill looks down on {x}?
place_water | Egypt; Canada; the desert; Finland; the Baltic; Brazil | Which river runs through {x}? / What is the deepest lake in {x}? / What sea lies north of {x}? / Which waterfall is in {x}? / What stream ends in {x}?
place_origin | the potato; the waltz; chess; the kangaroo; the tulip; gunpowder | Where does {x} come from? / Where was {x} first found? / What is the home of {x}? / In what part of the world did {x} begin? / From what region is {x}?
place_building | the queen; the mummy; the peace treaty; the crown; the senate; the bell | Which palace holds {x}? / In which museum is {x}? / What building is the seat of {x}? / Which church keeps {x}? / Under which roof is {x}?
time_year | the wall; the republic; the great fire; the first radio play; the gold rush; the treaty | In what year was {x}? / What year saw {x}? / Which year is linked with {x}? / What was the year of {x}? / How do the history books date {x}?
time_day | Mother's Day; the carnival; the harvest feast; the election; Boxing Day; the tax deadline | On what day is {x}? / What is the date of {x}? / Which weekday is {x}? / On which day of the month does {x} fall? / When exactly do we mark {x}?
time_hour | the last bus; the midnight mass; the evening news; the tide; the sunrise; the night shift | At what time is {x}? / What hour does {x} start? / At which hour comes {x}? / What does the clock say at {x}? / By what o'clock is {x}?
time_age | a tortoise; the bride; the universe; the oldest oak; a voter; a crow | How old is {x}? / What age does {x} reach? / At what age is {x} full grown? / How old must {x} be? / How many birthdays has {x} seen?
time_length | the flight to Rome; a solar eclipse; pregnancy in cats; the siege; a chess game; the winter in Norway | How long does {x} take? / How many days does {x} last? / What is the duration of {x}? / How many hours pass in {x}? / For what span of time does {x} go on?
time_frequency | the comet; a leap year; the census; the full moon; the world cup; the geyser | How often does {x} come? / How many times a century is {x}? / How frequently do we see {x}? / At what intervals is {x}? / With what regularity does {x} return?
number_people | Sweden; the choir; the ark; the jury; Tokyo; the parliament | How many people are in {x}? / What is the population of {x}? / How many members has {x}? / How many persons belong to {x}? / What is the head count of {x}?
number_things | legs on a spider; keys on a piano; moons of Mars; bones in the hand; stars on the flag; letters in Greek | How many {x} are there? / What is the number of {x}? / How many {x} did they count? / Count the {x}: how many? / What do the {x} add up to?
number_money | a stamp; a ticket to the opera; a barrel of oil; a nurse's month; the first car; a gram of gold | How much does {x} cost? / What is the price of {x}? / How many dollars is {x}? / What do you pay for {x}? / What sum of money buys {x}?
number_distance | the sun; Berlin; the horizon; the next galaxy; the North Pole; the coast | How far is it to {x}? / How many miles away is {x}? / What is the distance from here to {x}? / How many kilometres lie between us and {x}? / How close are we to {x}?
number_size | a giraffe; the tower; a blue whale; the canal; a hockey rink; the lake | How tall is {x}? / How large is {x}? / What is the height of {x}? / What are the measurements of {x}? / How many feet across is {x}?
number_weight | a gold bar; an elephant; the brain; a grand piano; a hen's egg; the bell | How much does {x} weigh? / What is the weight of {x}? / How heavy is {x}? / How many pounds is {x}? / What do the scales show for {x}?
number_speed | light; a cheetah; the fastest train; a sneeze; an arrow; the wind on Neptune | How fast is {x}? / What is the speed of {x}? / How many miles an hour does {x} make? / What is the top speed of {x}? / At what pace does {x} travel?
number_temperature | boiling tar; the surface of Venus; a healthy dog; melting lead; the ocean; a baking oven | How hot is {x}? / What is the temperature of {x}? / How many degrees has {x}? / How cold does {x} get? / What does a thermometer show in {x}?
number_share | water in a melon; oxygen in the air; left-handed people; voters under thirty; salt in the sea; forest on the island | What percentage is {x}? / What is the share of {x}? / What fraction is {x}? / How many percent is {x}? / What part of the whole is {x}?
number_phone | the police; the tourist office; the poison line; the railway; the White House; directory help | What is the phone number of {x}? / Which number do I dial for {x}? / How can I ring {x}? / What do I dial to reach {x}? / By what number does one call {x}?
thing_animal | wool; the fastest runner; a pouch; eight arms; the best memory; stripes | What animal has {x}? / Which beast is known for {x}? / What creature gives us {x}? / Which mammal has {x}? / What living being do you think of at {x}?
thing_plant | aspirin; linen; vanilla; cork; the blue dye; rubber | From what plant do we get {x}? / Which tree gives {x}? / What flower is the source of {x}? / Which bush is grown for {x}? / What grows in the field where {x} is made?
thing_food | Hungary; sailors; weddings in Greece; astronauts; Christmas; a cold day | What dish is typical of {x}? / What do people eat at the time of {x}? / Which cake goes with {x}? / What food is linked with {x}? / What is on the plate when it is about {x}?
thing_drink | Scotland; monks; a toast; babies; the tropics; sick children | What drink goes with {x}? / What is the favourite beverage of {x}? / What is poured for {x}? / Which wine is made for {x}? / What is in the glass when it is about {x}?
thing_colour | a ruby; the taxi in New York; envy; the sky on Mars; a school bus; the old post boxes | What colour is {x}? / Which colours has {x}? / What shade is {x}? / In which hue is {x} painted? / Of what tint is {x}?
thing_illness | mosquitoes; bad water; too little sunlight; smoking; old mattresses; raw eggs | What disease comes from {x}? / Which illness is caused by {x}? / What sickness do you get from {x}? / Which fever is spread by {x}? / What ails those who suffer from {x}?
thing_cure | a burn; hiccups; malaria; a headache; scurvy; snake bites | What helps against {x}? / Which drug is used for {x}? / What is the treatment of {x}? / What medicine do doctors give for {x}? / What makes {x} go away?
thing_language | Brazil; the Bible; the Incas; Quebec; the Vikings; Malta | What language is spoken in {x}? / Which tongue is that of {x}? / In what language do we read about {x}? / What is the official language of {x}? / Which words and grammar belong to {x}?
thing_currency | Poland; ancient Rome; India; Switzerland; Mexico; Thailand | What currency is used in {x}? / Which coins did they have in {x}? / What is the money of {x} called? / In which notes do you pay in {x}? / What is legal tender in {x}?
thing_instrument | a Scottish march; a mariachi; a jazz trio; gypsies; angels; a brass choir | What instrument belongs to {x}? / Which instrument is played in {x}? / What do musicians play in {x}? / Which horn or string is heard in {x}? / What makes the music of {x}?
thing_sport | a shuttlecock; a puck; a saddle; two nets; a tee; a sail | What sport needs {x}? / Which game is played with {x}? / In which sport do you see {x}? / What pastime has {x}? / For what contest do you bring {x}?
thing_material | a violin; the statue; a tennis ball; a pencil; a candle; the dress | What is {x} made of? / Which material is used for {x}? / Of what substance is {x}? / What goes into {x}? / Out of what stuff is {x}?
thing_vehicle | the South Pole; the moon; Venice; the desert; a wedding; a fire | What vehicle do people take to {x}? / Which ship went to {x}? / What kind of boat or car is used for {x}? / In what do you ride to {x}? / Which means of transport is for {x}?
text_meaning | serendipity; a quorum; osmosis; ennui; a sonnet; nepotism | What is {x}? / What does {x} mean? / Define {x}. / What is the meaning of {x}? / How would a dictionary explain {x}?
text_abbreviation | radar; the UN; CPR; the DNA; scuba; NASA | What does {x} stand for? / What is the long form of {x}? / Spell out {x}: what are the words? / Which words are behind the letters {x}? / Of which terms is {x} short?
text_reason | the sky is blue; cats purr; leaves fall; ice floats; we yawn; bees dance | Why is it that {x}? / What is the reason that {x}? / For what purpose is it that {x}? / What causes that {x}? / How come that {x}?
text_manner | tie a bow; make cheese; tune a guitar; remove ink; fold a map; whiten teeth | How do you {x}? / How can I {x}? / What is the best way to {x}? / By which steps does one {x}? / In what manner do experts {x}?
text_difference | a frog and a toad; jam and jelly; weather and climate; a fruit and a vegetable; a lake and a pond; law and custom | What is the difference between {x}? / How do {x} differ? / In what are {x} unlike? / What distinguishes {x}? / How can we tell apart {x}?
"""


def table() -> Iterator[tuple[str, list[str], list[str]]]:
    """Each label with its fillers and its frames."""
    for line in TABLE.strip().splitlines():
        label, fillers, frames = (cell.strip() for cell in line.split("|"))
        yield label, [filler.strip() for filler in fillers.split(";")], [frame.strip() for frame in frames.split(" / ")]


def rows() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The training and the validation rows."""
    train: list[dict[str, str]] = []
    validation: list[dict[str, str]] = []
    for label, fillers, frames in table():
        for frame in frames:
            for filler in fillers:
                is_known = frame != frames[-1] and filler != fillers[-1]
                split = train if is_known else validation
                split.append({"text": frame.format(x=filler), "label": label})
    return train, validation


def main() -> None:
    """Write both files."""
    folder = HERE / "questions"
    folder.mkdir(exist_ok=True)
    for name, split in zip(("train", "validation"), rows(), strict=True):
        lines = (json.dumps(row) + "\n" for row in split)
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
