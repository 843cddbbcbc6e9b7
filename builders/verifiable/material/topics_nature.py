"""Topics from nature."""

from builders.verifiable.material.topic import topic

NATURE = (
    topic(
        "bees",
        "bee hive honey pollen pollin flower queen buzz nectar wax sting colon bug bloom insect",
        "It is a busy, fuzzy bug that flits from bloom to bloom and stings if you hurt it.",
        """
        Bees carry pollen between flowers.
        A hive has only one queen.
        Worker bees turn nectar into sweet honey.
        Bees dance to show others where food is.
        Many fruits and nuts depend on bees for pollination.
        A single worker bee makes very little honey in its life.
        In winter the bees huddle tightly together to keep the hive warm.
        """,
    ),
    topic(
        "the sea",
        "sea ocean wave water tide salt fish ship sail shore coast deep beach swim marine",
        "It is a vast, salty body that laps at a sandy coast and rocks ships up and down.",
        """
        Sea water tastes very salty.
        Waves slowly shape the rocky coast.
        Tides follow the pull of the moon.
        Fish, whales and corals live in the sea.
        Ships carry goods across the sea between distant ports.
        The deep sea is cold, dark and still largely unexplored.
        Waves form when wind blows across the surface of the sea.
        """,
    ),
    topic(
        "trees",
        "tree leaf leaves branch root trunk wood forest bark shade oak fruit oxygen plant",
        "It is a tall plant with bark, roots and a stout trunk, and a host for many birds.",
        """
        Roots hold a tree firmly.
        Trees give shade on hot days.
        Many trees drop their leaves before winter.
        Trees take in carbon dioxide and release oxygen.
        Birds build their nests among the branches of trees.
        Wood from trees is used for houses, paper and furniture.
        A tree draws water from the soil up to its leaves.
        """,
    ),
    topic(
        "volcanoes",
        "volcan lava erupt ash magma crater mountain rock gas smok",
        "It is a mountain that spits out hot lava, ash and gas.",
        """
        Volcanoes can form new islands.
        Lava is very hot melted rock.
        Ash from a volcano can ground aircraft.
        Magma collects under a volcano before it erupts.
        Soil near a volcano is often rich and fertile.
        Some volcanoes sleep for centuries before they erupt once more.
        Scientists measure small earthquakes to warn of a coming volcanic eruption.
        """,
    ),
    topic(
        "the moon",
        "moon earth night orbit crater tide lunar light sky astronaut",
        "It is a bright, round rock that orbits our world and lights up dark nights.",
        """
        The moon circles the earth.
        The moon looks bright at night.
        Craters cover the surface of the moon.
        The moon has no light of its own.
        The pull of the moon raises the ocean tides.
        The moon takes about a month to orbit the earth.
        Seen from the earth, the moon always shows the same side.
        """,
    ),
    topic(
        "rain",
        "rain water cloud drop wet umbrella storm river puddle flood sky",
        "It falls in drops from dark clouds and turns dry ground into mud.",
        """
        Rain fills rivers and lakes.
        Farmers need rain for their crops.
        Rain falls when clouds grow too heavy.
        Heavy rain can flood streets and cellars quickly.
        A rainbow may appear when sun meets falling rain.
        Rain washes dust out of the air and cools it.
        Some deserts wait for years before any rain falls on them.
        """,
    ),
    topic(
        "cats",
        "cat kitten feline purr whisker claw paw fur pet mouse mice tail",
        "It is a small, furry animal that purrs, naps all day and stalks birds.",
        """
        A happy cat often purrs.
        Cats sleep many hours a day.
        Whiskers help a cat judge narrow gaps.
        Cats clean their fur with a rough tongue.
        Most cats like high places where they feel safe.
        A cat can see well when the light is dim.
        Kittens learn to hunt by playing with their brothers and sisters.
        """,
    ),
    topic(
        "dogs",
        "dog canine puppy puppies bark tail pet walk loyal pack scent fur",
        "It is a loyal, furry animal that barks, wags its tail and plays with a ball.",
        """
        Dogs are loyal and friendly.
        A dog needs daily fresh air.
        Guide dogs help blind people walk safely.
        Dogs wag their tails when they are happy.
        A dog can smell things that people cannot notice.
        Shepherds have worked with dogs for thousands of years already.
        Puppies should meet many people and places while they are young.
        """,
    ),
    topic(
        "birds",
        "bird wing feather nest egg fly flies sing song beak penguin owl",
        "It is an animal with wings that sings and flits about in a bright sky.",
        """
        Most birds build small nests.
        Birds have hollow and light bones.
        Many birds fly south before winter comes.
        Feathers keep a bird both warm and dry.
        Some birds sing to guard the place they own.
        Owls hunt at night and fly almost without any sound.
        Penguins are birds that cannot fly but swim with great skill.
        """,
    ),
    topic(
        "horses",
        "horse equine ride rider riding gallop hoof hooves mane saddle foal stable rode pony",
        "It is a big, strong animal that can gallop, jump and carry a cowboy.",
        """
        Horses can sleep standing up.
        Horses eat grass, hay and oats.
        A young horse is called a foal.
        People rode horses long before there were cars.
        A horse shows its mood by moving its ears.
        Farmers once used strong horses to pull plows and carts.
        A horse needs its hooves trimmed about every six to eight weeks.
        """,
    ),
    topic(
        "mountains",
        "mountain peak snow climb valley slope summit hill rock high",
        "It is a tall, rocky mass with snow on top, hard to climb.",
        """
        Mountains rise above the plains.
        Snow stays longest on high peaks.
        The air grows thinner on high mountains.
        Many great rivers begin as streams in mountains.
        Climbers carry ropes and warm clothes up the mountain.
        Weather on a mountain can turn bad within a moment.
        Mountains form when plates of the earth's crust push together slowly.
        """,
    ),
    topic(
        "rivers",
        "river water bank flow stream fish boat bridge sea bend downhill dam liquid",
        "It is a long ribbon of liquid that winds past hills and towns and always runs downhill.",
        """
        Rivers flow toward the sea.
        Rivers give drinking water to cities.
        Boats carry goods and people along rivers.
        A river grows wider as streams join it.
        Dams on rivers can turn flowing water into power.
        Fish, frogs and birds find food along a clean river.
        Many old towns were built on the bank of a river.
        """,
    ),
    topic(
        "deserts",
        "desert sand dry camel dune hot cactus cacti oasis heat rain arid",
        "It is a hot, dry land full of sand, with hardly any rain.",
        """
        Deserts get very little rain.
        Desert nights can be bitterly cold.
        A cactus stores water for dry months.
        Camels carry people and goods across the desert.
        Wind builds desert sand into dunes of many shapes.
        Most desert animals hide from the heat during the day.
        An oasis gives desert travelers water, shade and a place to rest.
        """,
    ),
    topic(
        "the sun",
        "sun light heat warm star day solar sky shin ray",
        "It is a hot, bright ball of gas that lights up our sky all day.",
        """
        The sun is a star.
        Plants need sunlight so they grow.
        The sun warms the land and sea.
        Sunlight takes about eight minutes to reach us.
        Solar panels turn light from the sun into power.
        Too much sun without shade can burn your skin badly.
        The sun rises in the east and sets in the west.
        """,
    ),
    topic(
        "forests",
        "forest tree wood leaf leaves animal moss path shade shady plant trunk habitat",
        "It is a shady, calm land of trunks and moss, and a habitat for owls and stags.",
        """
        Forest soil holds much water.
        Forests are home to countless animals.
        Moss grows on the damp forest floor.
        A walk in the forest calms the mind.
        Forests store carbon in their wood and their soil.
        Fires can spread fast in a dry forest in summer.
        People gather mushrooms and berries in the forest during early autumn.
        """,
    ),
    topic(
        "winter",
        "winter snow cold ice frost warm coat freez ski dark",
        "It brings snow, frost, short days and long nights.",
        """
        Winter days are rather short.
        Snow covers the fields in winter.
        Some animals sleep all through the winter.
        Children build snowmen when winter brings heavy snow.
        Lakes may freeze in winter and carry a skater.
        Warm coats, hats and gloves are useful in cold winters.
        Many birds leave for warmer countries before the first winter frost.
        """,
    ),
    topic(
        "islands",
        "island sea water beach ferry coast ocean boat land surf sand greenland",
        "It is a bit of dry land, far out, with surf and sand all around it.",
        """
        Islands are surrounded by water.
        Some islands were born from volcanoes.
        A ferry brings visitors to the island.
        Rare animals often live on a remote island.
        Greenland is the largest island in the whole world.
        Many small islands have neither cars nor a single shop.
        Storms can cut an island off from the coast for days.
        """,
    ),
)
