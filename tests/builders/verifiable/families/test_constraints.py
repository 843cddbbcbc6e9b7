import pytest

from builders.verifiable.registry import families

LIPOGRAM = families()["lipogram"].check
EXACT = families()["exact_words"].check
NO_E = {"topic": "the sea", "letter": "e"}
SEVEN = {"topic": "dogs", "count": 7}


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("A vast body of salty water.", 5),
        ("A vast, salty body with fish and surf, good for ships.", 10),
        ("It is salty. Ships and fish call it a location of calm.", 8),
        ("The sea is blue, and the waves reach the shore where we rest.", 3),
        ("Salty fish.", 2),
        ("Fish, fish, fish, fish, fish, fish, fish.", 3),
        ("A plain with dry grass and hills.", 2),
        ("", 1),
    ],
)
def test_lipogram(draft, score):
    assert LIPOGRAM(NO_E, draft).score == score


def test_the_words_with_the_letter_are_named():
    (weakness,) = LIPOGRAM(NO_E, "A vast body of salty water.").weaknesses
    assert '"water"' in weakness


def test_a_good_sentence_of_the_draft_is_kept():
    draft = "The sea is deep. It holds fish and salt and a lot of sand."
    assert LIPOGRAM(NO_E, draft).refinement == "It holds fish and salt and a lot of sand."


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("My dog sleeps on the old sofa.", 10),
        ("My well-loved dog sleeps on our sofa.", 10),
        ("My dog sleeps on the sofa.", 6),
        ("My dog sleeps on the big old sofa at night.", 5),
        ("My dog sleeps. It loves that sofa.", 8),
        ("A well-loved companion, a well-behaved and playful dog that loves its family.", 4),
        ("Dog dog dog dog dog dog dog.", 3),
        ("Describe dogs in a sentence of 7 words.", 6),
        ("Say something about dogs in seven words.", 6),
        ("The cat sleeps on the old sofa.", 2),
        ("", 1),
    ],
)  # fmt: skip
def test_exact_words(draft, score):
    assert EXACT(SEVEN, draft).score == score


def test_a_filler_is_dropped_to_meet_the_count():
    draft = "My dog really sleeps on the old sofa."
    assert EXACT(SEVEN, draft).refinement == "My dog sleeps on the old sofa."


def test_both_counts_are_named():
    (weakness,) = EXACT(SEVEN, "My dog sleeps on the sofa.").weaknesses
    assert "6" in weakness
    assert "7" in weakness or "seven" in weakness.casefold() or "1 word" in weakness
