from builders.verifiable.reading.prose import (
    bullets,
    outside_bullets,
    repetition,
    sensible,
    sentences,
    without_enumerators,
    words,
)


def test_hyphens_and_apostrophes_join_words():
    assert words("It's a well-known 2.5 km walk - really.") == [
        "It's", "a", "well-known", "2.5", "km", "walk", "really",
    ]  # fmt: skip


def test_sentences_split_at_marks_and_lines_but_not_in_numbers():
    assert sentences("It is 9.9 m. Good!\nOr not?\n\n") == ["It is 9.9 m.", "Good!", "Or not?"]


def test_numbers_of_a_list_are_no_sentences():
    assert sentences("1. Bees fly.\n2. Bees buzz.") == ["Bees fly.", "Bees buzz."]


def test_a_lone_number_is_no_enumerator():
    assert without_enumerators("55. That is it") == "55. That is it"


def test_bullets_of_all_common_kinds():
    text = "Here:\n- one\n* two\n• three\n1. four\n2) five\nand more"
    assert [item for _, item in bullets(text)] == ["one", "two", "three", "four", "five"]
    assert outside_bullets(text) == ["Here:", "and more"]


def test_nested_bullets_do_not_count():
    assert [item for _, item in bullets("- one\n  - inner\n- two")] == ["one", "two"]


def test_repetition_quotes_what_is_repeated():
    args = {"any": 1}
    (fault,) = repetition(args, "Bees make sweet honey. Bees make sweet honey. Good.")
    assert "bees make sweet honey" in fault.weakness
    assert repetition(args, "Bees make sweet honey. Wasps do not make it.") == []


def test_sensible_refuses_fragments_and_loops():
    assert sensible("Bees carry pollen between flowers.")
    assert not sensible("Bees carry pollen between")
    assert not sensible("Wow wow wow wow wow wow.")
    assert not sensible("Aw, c'mon!")
