import pytest

from builders.duplicates.exact import SeenInstructions, normalize


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is  a fjord?", "what is a\nfjord"),
        ("Explain “entropy”.", 'explain "entropy"'),
        ("ＦＵＬＬ width", "full width"),
        ("STRASSE", "straße"),
        ("水是什么？", "水是什么"),
    ],
)
def test_the_same_instruction(one, other):
    assert normalize(one) == normalize(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("What is 2 + 3?", "What is 2 - 3?"), ("Sort: 1, 2", "Sort: 12"), ("5!", "5")],
)
def test_punctuation_that_changes_the_question_is_kept(one, other):
    assert normalize(one) != normalize(other)


def test_seen_instructions():
    seen = SeenInstructions()
    assert seen.add("Hello there")
    assert not seen.add("hello   there.")
    assert seen.add("Hello here")
