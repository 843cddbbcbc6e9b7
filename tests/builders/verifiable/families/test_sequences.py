import pytest

from builders.verifiable.registry import families

CHECK = families()["sequence"].check


def args(kind, *terms):
    return {"kind": kind, "terms": list(terms), "form": "free"}


ADD = args("add", 3, 7, 11, 15)


@pytest.mark.parametrize(
    ("sequence", "following"),
    [
        (ADD, 19),
        (args("add", 20, 15, 10, 5), 0),
        (args("multiply", 3, 12, 48, 192), 768),
        (args("growing", 1, 2, 4, 7, 11), 16),
        (args("alternating", 5, 8, 6, 9, 7), 10),
        (args("sums", 2, 3, 5, 8, 13), 21),
    ],
)
def test_next_terms(sequence, following):
    assert CHECK(sequence, f"The next number is {following}.").score == 10
    assert CHECK(sequence, "").refinement.endswith(f"The next number is {following}.")
    assert not CHECK(sequence, f"The next number is {following + 3}.").correct


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("3, 7, 11, 15, 19", 10),
        ("3, 7, 11, 15, 19, 23, 27", 10),
        ("The next term is obtained by adding 4 to 15, so it is 19.", 10),
        ("So, the next number in the sequence is 7.", 3),
        ("The next number in the sequence is 15 + 4 = 20.", 4),
        ("3, 7, 11, 15", 2),
        ("However, this sequence does not repeat itself in a predictable manner.", 2),
    ],
)
def test_add(draft, score):
    assert CHECK(ADD, draft).score == score


def test_a_number_of_the_sequence_is_named():
    (weakness,) = CHECK(ADD, "The next number is 7.").weaknesses
    assert weakness.startswith("7 is already in the sequence")
