import pytest

from builders.verifiable.registry import families

CHECK = families()["sorting"].check
NUMBERS = {
    "kind": "numbers",
    "order": "ascending",
    "items": ["12", "5", "33", "8", "21"],
    "form": "free",
}
WORDS = {
    "kind": "words",
    "order": "ascending",
    "items": ["pear", "apple", "mango", "fig"],
    "form": "free",
}


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("5, 8, 12, 21, 33", 10),
        ("[5, 8, 12, 21, 33]", 10),
        ("5 < 8 < 12 < 21 < 33", 10),
        ("1. 5\n2. 8\n3. 12\n4. 21\n5. 33", 10),
        ("- 5\n- 8\n- 12\n- 21\n- 33", 10),
        ("The list 12, 5, 33, 8, 21 becomes 5, 8, 12, 21 and 33.", 10),
        ("Sorted: 5, 8, 12, 21, 33. The original list was 12, 5, 33, 8, 21.", 10),
        ("Here is the sorted list of 12, 5, 33, 8, 21:\n\n[5, 8, 12, 21, 33]", 10),
        ("In order, 12, 5, 33, 8 and 21 are: [5, 8, 12, 21, 33]", 10),
        ("12, 5, 33, 8, 21", 3),
        ("5, 8, 12, 33, 21", 4),
        ("33, 21, 12, 8, 5", 3),
        ("5, 8, 12, 21", 4),
        ("5, 8, 12, 21, 33, 40", 4),
        ("5, 8, 12, 21, 33. Corrected: 8, 5, 12, 21, 33.", 4),
        ("The numbers in the list are sorted.", 2),
    ],
)
def test_numbers(draft, score):
    assert CHECK(NUMBERS, draft).score == score


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("Apple, Fig, Mango, Pear", 10),
        ('The order is "apple", "fig", "mango" and "pear".', 10),
        ('The words are "apple, pear, mango, fig" in order: apple, pear, mango, fig.', 4),
        ("apple, fig, mango", 4),
        ("The word apple is a fruit, and the fig is one too.", 2),
    ],
)
def test_words(draft, score):
    assert CHECK(WORDS, draft).score == score


def test_what_is_wrong_is_named():
    weaknesses = CHECK(NUMBERS, "12, 5, 8, 21, 40").weaknesses
    assert any("5" in it and "12" in it for it in weaknesses[:1])
    assert "33 is missing from the list." in weaknesses
    assert "40 was not in the question." in weaknesses
    assert "5 is listed twice." in CHECK(NUMBERS, "5, 5, 8, 12, 21, 33").weaknesses
    assert "5 and 8 are listed twice." in CHECK(NUMBERS, "5, 5, 8, 8, 12, 21, 33").weaknesses


def test_an_unchanged_list_is_named():
    (weakness,) = CHECK(NUMBERS, "Sorted: 12, 5, 33, 8, 21").weaknesses
    assert "12, 5" not in weakness


def test_descending():
    args = NUMBERS | {"order": "descending", "form": "only"}
    assert CHECK(args, "").refinement == "33, 21, 12, 8, 5"
    assert CHECK(args, "Here they are, sorted from large to small: 33, 21, 12, 8, 5").score == 8
