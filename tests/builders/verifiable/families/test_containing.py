import pytest

from builders.verifiable.registry import families

CHECK = families()["contains_words"].check
TWO = {"words": ["lantern", "river"]}
THREE = {"words": ["fox", "helmet", "school"]}


@pytest.mark.parametrize(
    ("args", "draft", "score"),
    [
        (TWO, "She lit a lantern by the river.", 10),
        (TWO, "The festival was held on a river's nighttime lantern.", 10),
        (TWO, "She lit a lantern by the river. It was late.", 8),
        (TWO, "She lit a lantern. The river was dark.", 6),
        (TWO, "lantern, river", 5),
        (TWO, "A lantern and a river.", 5),
        (TWO, "She lit a lantern.", 5),
        (TWO, "She lit two lanterns by the river.", 5),
        (TWO, "A fun way to describe a fun thing!", 2),
        (TWO, "", 1),
        (THREE, "A homerun is a fox, and a school is a schoolyard.", 5),
        (THREE, "A fox barked.", 4),
        (THREE, "The fox wore a helmet at school.", 10),
    ],
)
def test_containing(args, draft, score):
    assert CHECK(args, draft).score == score


def test_a_form_that_is_not_the_word_is_named():
    (weakness,) = CHECK(TWO, "She lit two lanterns by the river.").weaknesses
    assert weakness == 'It has "lanterns" but not the word "lantern" itself.'


def test_the_sentence_that_has_all_words_is_kept():
    checked = CHECK(TWO, "It was late. She lit a lantern by the river.")
    assert checked.refinement == "She lit a lantern by the river."


def test_unknown_words_get_a_sentence_too():
    args = {"words": ["gravity", "marmalade"]}
    refinement = CHECK(args, "").refinement
    assert refinement == "Yesterday we talked about the gravity and the marmalade."
    assert CHECK(args, refinement).score == 10
