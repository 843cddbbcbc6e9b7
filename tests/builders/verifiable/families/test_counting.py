import pytest

from builders.verifiable.registry import families

CHECK = families()["counting"].check
LETTER = {"kind": "letter", "letter": "r", "word": "strawberry", "form": "free"}
VOWELS = {"kind": "vowels", "word": "walnut", "form": "free"}
WORDS = {"kind": "words", "text": "Bees carry pollen between flowers.", "form": "free"}
ITEMS = {"kind": "items", "items": ["fig", "pear", "plum", "lime"], "form": "free"}
NONE = LETTER | {"letter": "q"}


@pytest.mark.parametrize(
    ("args", "draft", "score"),
    [
        (LETTER, "3", 10),
        (LETTER, 'The letter "r" appears 3 times in "strawberry".', 10),
        (LETTER, "There are three r's in strawberry.", 10),
        (LETTER, 'It has 10 letters, and the letter "r" appears three times.', 10),
        (LETTER, 'The letter "r" appears 10 times in "strawberry".', 3),
        (LETTER, 'The letter "r" appears twice.', 4),
        (LETTER, "There are 3 r's. No wait, there are 2 r's.", 4),
        (LETTER, "The letter r is a consonant in the word strawberry.", 2),
        (LETTER, "The letter r is one of the letters in it.", 2),
        (NONE, "The letter q does not appear in strawberry.", 10),
        (NONE, "It appears once.", 4),
        (VOWELS, "There are 2 vowels: a and u.", 10),
        (VOWELS, "The word walnut has two vowels.", 10),
        (VOWELS, "It has 6 letters and 2 vowels", 10),
        (VOWELS, "Walnut has 3 vowels.", 4),
        (WORDS, "The sentence has five words.", 10),
        (WORDS, 'The sentence contains 2 words: "bees" and "pollen."', 3),
        (WORDS, "Bees carry pollen between flowers.", 2),
        (ITEMS, "It is a fallacy: two items share a trait, and so on and on, " * 3, 2),
        (ITEMS, "There are 4 items in the list.", 10),
        (ITEMS, "1. fig\n2. pear\n3. plum\n4. lime\nSo there are 4 items.", 10),
    ],
)
def test_counts(args, draft, score):
    assert CHECK(args, draft).score == score


def test_the_working_shows_what_is_counted():
    refinement = CHECK(LETTER | {"form": "working"}, "").refinement
    assert refinement.startswith("s-t-r-a-w-b-e-r-r-y: r is at positions 3, 8 and 9.")
    assert "the vowels are a and u." in CHECK(VOWELS | {"form": "working"}, "").refinement
    one = VOWELS | {"word": "hat", "form": "working"}
    assert CHECK(one, "").refinement == "h-a-t: the vowel is a. There is 1 vowel in hat."
    none = VOWELS | {"word": "rhythm", "form": "working"}
    assert CHECK(none, "").refinement.startswith("r-h-y-t-h-m: there are no vowels.")


def test_the_difference_from_the_count_is_named():
    (weakness,) = CHECK(LETTER, "It appears 2 times.").weaknesses
    assert weakness == "2 is 1 too few: the letter r appears 3 times in strawberry."
    assert "length of the whole word" in CHECK(LETTER, "10").weaknesses[0]
