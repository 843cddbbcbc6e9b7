import pytest

from builders.verifiable.registry import families

CHECK = families()["spelling"].check
REVERSE = {"kind": "reverse", "word": "planet", "form": "free"}
SPELL = {"kind": "spell", "word": "planet", "form": "free"}


@pytest.mark.parametrize(
    ("args", "draft", "score"),
    [
        (REVERSE, "tenalp", 10),
        (REVERSE, 'The word "planet" spelt backwards is "tenalp".', 10),
        (REVERSE, "t-e-n-a-l-p", 10),
        (REVERSE, "T E N A L P", 10),
        (REVERSE, "Reversing p-l-a-n-e-t letter by letter from the end gives us tenalp.", 10),
        (REVERSE, '"planet" backwards is "tenapl".', 4),
        (REVERSE, '"Planet" is spelled "plan", which is a backwards form of the word.', 3),
        (REVERSE, '"tenalp", no, "tenapl"', 4),
        (REVERSE, 'The words in reverse are: "POPPER"', 3),
        (REVERSE, "planet", 2),
        (REVERSE, "This planet is called Saturn and it has many rings around it.", 2),
        (SPELL, "p-l-a-n-e-t", 10),
        (SPELL, "P-L-A-N-E-T", 10),
        (SPELL, "It is spelt p l a n e t.", 8),
        (SPELL, "p-l-a-n-i-t", 4),
        (SPELL, "Planet", 2),
    ],
)
def test_spelling(args, draft, score):
    assert CHECK(args, draft).score == score


def test_the_wrong_letter_is_named():
    (weakness,) = CHECK(REVERSE, "tenapl").weaknesses
    assert "5th letter" in weakness
    (weakness,) = CHECK(REVERSE, "tenap").weaknesses
    assert "too few letters" in weakness
    (weakness,) = CHECK(SPELL, "Planet").weaknesses
    assert "as a whole" in weakness
