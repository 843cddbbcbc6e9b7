import pytest

from builders.verifiable.registry import families

BULLETS = families()["bullets"].check
CAPITALS = families()["capitals_only"].check
THREE = {"topic": "bees", "count": 3, "form": "free"}
ONLY = THREE | {"form": "only"}
TWO_SENTENCES = {"topic": "libraries", "sentences": 2}
LIST = "- Bees make sweet honey.\n- Bees live in a hive.\n- Bees visit many flowers."


@pytest.mark.parametrize(
    ("args", "draft", "score"),
    [
        (THREE, LIST, 10),
        (THREE, f"Here are three bullet points:\n\n{LIST}", 10),
        (ONLY, LIST, 10),
        (ONLY, f"Here are three bullet points:\n\n{LIST}", 8),
        (THREE, LIST.replace("- Bees m", "1. Bees m").replace("- Bees l", "2. Bees l")
         .replace("- Bees v", "3. Bees v"), 9),
        (THREE, LIST + "\n- Bees buzz.", 5),
        (THREE, "\n".join(LIST.splitlines()[:2]), 5),
        (THREE, LIST.splitlines()[0], 4),
        (THREE, "\n".join([LIST.splitlines()[0]] * 3), 4),
        (THREE, "Bees make sweet honey and live in a hive.", 3),
        (THREE, "- Cars are fast.\n- Cars are loud.\n- Cars are red.", 2),
        (THREE, "", 1),
        (THREE, LIST.removesuffix("many flowers."), 9),
    ],
)  # fmt: skip
def test_bullets(args, draft, score):
    assert BULLETS(args, draft).score == score


def test_surplus_bullets_are_trimmed():
    assert BULLETS(THREE, LIST + "\n- Bees buzz all day long.").refinement == LIST


def test_missing_bullets_are_added_to_the_drafts_own():
    own = "\n".join(LIST.splitlines()[:2])
    refinement = BULLETS(THREE, own).refinement
    assert refinement.startswith(own + "\n- ")
    assert len(refinement.splitlines()) == 3


def test_sentences_become_bullets():
    refinement = BULLETS(THREE, "Bees make sweet honey. Bees live in a large hive.").refinement
    assert refinement.startswith("- Bees make sweet honey.\n- Bees live in a large hive.\n- ")


def test_numbers_and_introductions_are_removed():
    draft = "Sure, here you are:\n1. Bees make very sweet honey.\n2. Bees live in a hive.\n"
    refinement = BULLETS(ONLY | {"count": 2}, draft).refinement
    assert refinement == "- Bees make very sweet honey.\n- Bees live in a hive."


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("LIBRARIES LEND BOOKS. A LIBRARY IS QUIET.", 10),
        ("LIBRARIES LEND BOOKS.", 6),
        ("LIBRARIES LEND BOOKS. A library is quiet.", 5),
        ("Libraries lend books. A library is quiet.", 3),
        ("Libraries LEND BOOKS. A LIBRARY IS QUIET.", 6),
        ("THE TOWN HALL OPENS AT NINE. IT IS LARGE.", 2),
        ("", 1),
    ],
)
def test_capitals(draft, score):
    assert CAPITALS(TWO_SENTENCES, draft).score == score


def test_good_sentences_are_kept_and_put_in_capitals():
    draft = "Libraries are places of knowledge. They lend many books to readers. And more."
    assert CAPITALS(TWO_SENTENCES, draft).refinement == (
        "LIBRARIES ARE PLACES OF KNOWLEDGE. THEY LEND MANY BOOKS TO READERS."
    )


def test_letters_without_a_capital_are_accepted():
    assert CAPITALS(TWO_SENTENCES, "BOOKS ß. LIBRARIES 東京.").score == 6
    assert CAPITALS(TWO_SENTENCES, "LIBRARIES 東京. A BOOK ☃ IS GOOD.").score == 10
