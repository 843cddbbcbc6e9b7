"""Topics from everyday life."""

from builders.verifiable.material.topic import topic

LIFE = (
    topic(
        "regular sleep",
        "sleep rest bed night dream tired mind body brain wake nap",
        "It is a nightly habit that calms your mind and builds up your body for a full day.",
        """
        Sleep helps the body recover.
        Good sleep lifts your mood noticeably.
        Adults need about eight hours of sleep.
        The brain sorts new memories while we sleep.
        A regular bedtime makes it easier to fall asleep.
        Bright screens late at night can delay sleep for hours.
        People who sleep too little make more mistakes during the day.
        """,
    ),
    topic(
        "tea",
        "tea leaf leaves cup drink hot brew pot water caffeine",
        "It is a hot drink in a cup, good with milk or a bit of sugar.",
        """
        Tea comes from dried leaves.
        Green tea tastes fresh and light.
        Black tea is often drunk with milk.
        Many people start the day with hot tea.
        Tea that brews for too long can taste bitter.
        In Japan a tea ceremony follows very old, careful rules.
        Tea holds some caffeine, though usually a bit less than coffee.
        """,
    ),
    topic(
        "coffee",
        "coffee bean cup drink caffeine roast brew espresso",
        "It is a strong, dark, hot drink that many sip at dawn.",
        """
        Coffee grows in warm countries.
        Coffee beans are roasted before brewing.
        Caffeine in coffee makes people feel awake.
        A cup of coffee smells rich and warm.
        Some people drink their coffee with milk and sugar.
        Too much coffee late in the day can disturb sleep.
        Friends often meet in a café and talk over hot coffee.
        """,
    ),
    topic(
        "bread",
        "bread flour dough bake baking oven yeast loaf loaves wheat crust toast",
        "It is a soft loaf with a crisp crust, good with jam.",
        """
        Bread is baked from dough.
        Yeast makes the bread dough rise.
        Fresh bread has a crisp brown crust.
        Bakers get up early to bake their bread.
        Flour, water, salt and yeast are enough for bread.
        Stale bread can be turned into toast, crumbs or soup.
        Flat bread is eaten with almost every meal in many countries.
        """,
    ),
    topic(
        "gardens",
        "garden plant flower soil seed grow vegetable weed bloom lawn bud",
        "It is a plot of land with plants, buds in bloom and a lawn to sit on.",
        """
        Gardens need water and light.
        Good soil makes a garden thrive.
        Vegetables from your own garden taste fresh.
        Flowers in a garden feed bees and butterflies.
        Weeding the garden each week saves much work later.
        A small garden can give a family plenty of salad.
        Gardeners plant seeds in spring and harvest the crops in autumn.
        """,
    ),
    topic(
        "music",
        "music song sing melod rhythm instrument dance listen sound drum choir concert",
        "It is a flow of sounds, drums and chords that can lift your spirit.",
        """
        Music can change your mood.
        Children learn songs with great ease.
        People in every country make some music.
        A drum gives the music a steady rhythm.
        Learning an instrument trains the ear and the hands.
        Slow music can help people to rest after hard work.
        A choir makes music with nothing but the voices of people.
        """,
    ),
    topic(
        "bicycles",
        "bicycl bike wheel pedal ride riding cycl helmet brake chain road",
        "It is a form of transport with a chain and a horn, good for hills, paths and roads.",
        """
        A bicycle has two wheels.
        Bicycles need no fuel at all.
        Riding a bicycle keeps the heart healthy.
        A helmet protects the head on bicycle rides.
        Bicycles take up little room on a busy street.
        Good brakes and bright lights make a bicycle much safer.
        Cities with safe lanes have more people who ride a bicycle.
        """,
    ),
    topic(
        "libraries",
        "librar book read shelf shelves borrow quiet study",
        "It is a hall full of books, good for study and for calm.",
        """
        Libraries lend books to everyone.
        A library is a quiet place.
        Students often study together in the library.
        Librarians help readers find the right book quickly.
        Many libraries offer films, games and music as well.
        A library card lets you borrow books for some weeks.
        Old libraries keep rare books that can no longer be bought.
        """,
    ),
    topic(
        "trains",
        "train rail station track passenger travel carriage engine ticket locomotive",
        "It is a long string of cars on rails, roaring past towns and farms.",
        """
        Trains run on steel rails.
        Trains carry many people at once.
        Fast trains link large cities with ease.
        Passengers can read or sleep on the train.
        A freight train replaces many trucks on the road.
        The first trains were driven by steam from burning coal.
        Most trains stop at a station only for a few minutes.
        """,
    ),
    topic(
        "football",
        "football soccer ball goal team player match pitch game kick score referee",
        "It is a sport with a ball, two goals and a loud crowd.",
        """
        Football is played with feet.
        A football match lasts ninety minutes.
        Each football team has eleven players today.
        Inside the box, goalkeepers may handle the ball.
        Children around the world play football in the street.
        A referee makes sure that the players follow the rules.
        Fans sing and wave flags when their team scores a goal.
        """,
    ),
    topic(
        "cooking at home",
        "cook meal kitchen food recipe dish vegetable pan home eat oven",
        "It is a fun, thrifty way to put good food on your dish.",
        """
        Cooking at home saves money.
        Home cooking can be very healthy.
        A sharp knife makes cooking much safer.
        Families can cook and eat a meal together.
        You decide how much salt your food will contain.
        Simple recipes are a good start for a new cook.
        Fresh herbs give a plain dish more color and better taste.
        """,
    ),
    topic(
        "walking",
        "walk step foot feet shoe path leg stroll heart hik",
        "You go on foot along a path, slow and calm, for fun or for your body.",
        """
        Walking costs nothing at all.
        Comfortable shoes make long walks easier.
        Walking keeps the heart and lungs fit.
        A short walk can clear a tired mind.
        Walking to work means less traffic in the city.
        Old and young people can walk at their own pace.
        A daily walk of half an hour helps you sleep better.
        """,
    ),
    topic(
        "friendship",
        "friend trust share sharing help laugh listen support talk loyal kind pal bond",
        "It is a warm bond of trust in which two pals laugh, talk and stay loyal.",
        """
        Friends share joy and sorrow.
        Good friends listen before they speak.
        Trust is the base of true friendship.
        A friend tells you the truth with kindness.
        Friendship grows when people spend their free time together.
        Old friends can laugh about the same story for years.
        A phone call is often enough to help a sad friend.
        """,
    ),
    topic(
        "chess",
        "chess board king queen piece pawn player game move knight bishop rook checkmate",
        "It is a board match with kings, pawns and knights, won by cunning.",
        """
        Chess needs two patient players.
        The king must never be captured.
        A chess board has sixty-four small squares.
        Pawns move forward, but they capture pieces diagonally.
        Good players think several moves ahead in every game.
        The queen is the strongest piece on the chess board.
        A chess game ends when one king is trapped in checkmate.
        """,
    ),
    topic(
        "bridges",
        "bridge river road cross steel arch span stone valley cable",
        "It is a solid arch of rock or iron that spans a gap so that cars can cross it.",
        """
        Bridges carry roads over rivers.
        Stone arches make a bridge strong.
        Engineers test every bridge before it opens.
        A long bridge often hangs from steel cables.
        Strong wind can make a light bridge swing dangerously.
        Some bridges open so that tall ships can pass through.
        A bridge saves people a long way around the deep valley.
        """,
    ),
    topic(
        "clocks",
        "clock time hour minute hand watch tick alarm second dial sundial",
        "It is a round dial with two thin hands that ticks all day long.",
        """
        Clocks show the exact time.
        A sundial is an ancient clock.
        The short hand shows the current hour.
        An alarm clock wakes people in the morning.
        Church towers often carry clocks that everyone can see.
        A minute has sixty seconds on every clock on earth.
        Sailors needed good clocks to find their place on the sea.
        """,
    ),
    topic(
        "schools",
        "school teach student pupil lesson class learn book child kid study stud",
        "It is a building in which kids study math, art and history and play at noon.",
        """
        Schools teach reading and writing.
        Good teachers make every lesson lively.
        Pupils make friends for life at school.
        A school library helps children love good books.
        Most schools close for some weeks during the summer.
        At school children learn to work together in small groups.
        Many schools teach a second language from the very first class.
        """,
    ),
    topic(
        "markets",
        "market stall sell buy fruit vegetable price fresh farmer food shop",
        "It is a busy, loud spot to buy fruit, fish and cloth from many stalls.",
        """
        Markets sell fresh local food.
        Sellers at the market call loudly.
        Many markets open early in the morning.
        Farmers bring ripe fruit straight to the market.
        At some markets people still bargain over the price.
        A weekly market brings the people of a town together.
        Shoppers at the market can taste the cheese before they buy.
        """,
    ),
    topic(
        "swimming",
        "swim water pool lake stroke float breath diving dive lane",
        "It is a sport in a pool or bay that is good for your lungs and limbs.",
        """
        Swimming trains the whole body.
        Every child should learn to swim.
        Swimming is easy on the knee joints.
        Cold water can tire a strong swimmer quickly.
        Swimmers breathe out slowly while their face is wet.
        A lifeguard watches the pool so that everyone swims safely.
        Warm up for a few minutes before you start to swim.
        """,
    ),
)
