import pytest

from builders.verifiable.registry import families

CHECK = families()["string_edit"].check


def args(kind, form="free", **more):
    return {"kind": kind, "form": form, **more}


REPLACE = args("replace", word="banana", old="a", new="o")
VOWELS = args("vowels", word="planet")
INITIALS = args("initials", words=["window", "onion", "kitchen"])
JOIN = args("join", words=["red", "green", "blue"])
CAPITALS = args("capitals", word="sunset")
REPEAT = args("repeat", word="plum", count=4)


@pytest.mark.parametrize(
    ("question", "draft", "score"),
    [
        (REPLACE, "bonono", 10),
        (REPLACE, 'If you replace the letters you get "bonono".', 10),
        (REPLACE, "bonona", 4),
        (REPLACE, "banana", 2),
        (VOWELS, 'Without its vowels, "planet" is "plnt".', 10),
        (VOWELS, "plnet", 4),
        (INITIALS, "The string is: wok", 10),
        (INITIALS, "WOK", 10),
        (INITIALS, "Window, Onion, Kitchen.", 2),
        (JOIN, "red-green-blue", 10),
        (JOIN, "red - green - blue", 4),
        (JOIN, "red, green, blue", 4),
        (JOIN, "The steps in the sequence are:", 2),
        (CAPITALS, "SUNSET", 10),
        (CAPITALS, "Sunset", 3),
        (CAPITALS, "I cannot do it.", 2),
        (REPEAT, "plum plum plum plum", 10),
        (REPEAT, "plum, plum, plum, plum", 8),
        (REPEAT, "plum plum plum", 4),
        (REPEAT, "A plum is a fruit.", 3),
    ],
)
def test_edits(question, draft, score):
    assert CHECK(question, draft).score == score


def test_text_around_a_right_result_costs_points():
    question = args("capitals", "only", word="sunset")
    checked = CHECK(question, "SUNSET is a word that has been transformed into upper case.")
    assert (checked.score, checked.refinement) == (8, "SUNSET")


def test_refinements():
    assert CHECK(REPEAT, "").refinement == "plum plum plum plum"
    assert CHECK(JOIN, "").refinement == "red-green-blue"
    assert "bonono" in CHECK(REPLACE, "").refinement
