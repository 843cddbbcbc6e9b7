"""Common words, names and things for instructions."""

from builders.verifiable.wording import split_words

NAMES = split_words(
    "Anna Ben Clara David Emma Felix Grace Hugo Ines Jonas Kate Liam Maria Noah Olivia Paul Rosa "
    "Sam Tara Victor Wendy Yusuf Zoe Amir Bella Carlos Diana Elena Fatima George"
)
SURNAMES = split_words(
    "Adams Baker Clark Davies Evans Fischer Garcia Hughes Ivanov Jensen Keller Lopez Martin Novak "
    "Olsen Parker Quinn Rossi Silva Turner Vogel Walker Young Zimmer"
)
THINGS = split_words(
    "apples oranges marbles pencils stickers cookies shells buttons plums eggs stamps cards nuts "
    "lemons candles"
)
SHORT_NOUNS = split_words(
    "bag bird boat book box bus cake car cat cup dog door fish frog hat key king lamp leaf map "
    "milk moon nest pen rain road rope rose sand ship star sun tree wall wolf"
)
# Nouns of five to ten letters, for spelling, counting and sorting.
NOUNS = split_words(
    "apple balloon banana basket blanket bottle bridge bucket butter button cabbage camera candle "
    "carpet castle cellar chair cherry circle coffee corner cotton cousin curtain daughter desert "
    "dinner doctor dragon drawer elephant engine evening family farmer feather finger flower "
    "forest garden ginger glasses grammar hammer harbour helmet honey island jacket jungle kettle "
    "kitchen ladder lantern lemon letter library lobster machine marble market meadow melon mirror "
    "monkey morning mountain mushroom needle number office onion orange orchard oyster palace "
    "parrot pencil pepper picture pillow pirate planet pocket potato pumpkin puzzle rabbit ribbon "
    "river rocket saddle sailor school scissors shadow shoulder silver spider spoon station "
    "strawberry summer sunset table teacher thunder ticket tomato tractor trumpet tunnel turtle "
    "umbrella valley village violin wagon walnut window winter yellow zebra"
)
ANIMALS = split_words("cat dog fox horse rabbit goat owl donkey squirrel duck hedgehog pony")
OBJECTS = split_words(
    "lantern umbrella basket violin ladder blanket bucket kettle mirror bicycle helmet suitcase "
    "teapot candle cushion barrel"
)
PLACES = split_words(
    "river bridge station garden harbour market church library orchard windmill lighthouse castle "
    "bakery meadow school"
)
CITIES = split_words(
    "Lisbon Oslo Vienna Prague Dublin Madrid Warsaw Athens Helsinki Rome Berlin Porto Lyon Hamburg "
    "Bristol Toronto Denver Seattle Boston Chicago Sydney Auckland Nairobi Lima"
)
