from builders.verifiable.reading.prose import (
    bullets,
    is_whole_sentence,
    lines_outside_bullets,
    repetition_faults,
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


def test_list_numbers_are_not_sentences():
    assert sentences("1. Bees fly.\n2. Bees buzz.") == ["Bees fly.", "Bees buzz."]


def test_a_single_number_is_not_an_enumerator():
    assert without_enumerators("55. That is it") == "55. That is it"


def test_bullets_of_all_common_kinds():
    text = "Here:\n- one\n* two\n• three\n1. four\n2) five\nand more"
    assert [item for _, item in bullets(text)] == ["one", "two", "three", "four", "five"]
    assert lines_outside_bullets(text) == ["Here:", "and more"]


def test_nested_bullets_do_not_count():
    assert [item for _, item in bullets("- one\n  - inner\n- two")] == ["one", "two"]


def test_repetition_quotes_what_is_repeated():
    args = {"any": 1}
    (fault,) = repetition_faults(args, "Bees make sweet honey. Bees make sweet honey. Good.")
    assert "bees make sweet honey" in fault.weakness
    assert repetition_faults(args, "Bees make sweet honey. Wasps do not make it.") == []


def test_fragments_and_repetitive_text_are_not_whole_sentences():
    assert is_whole_sentence("Bees carry pollen between flowers.")
    assert not is_whole_sentence("Bees carry pollen between")
    assert not is_whole_sentence("Wow wow wow wow wow wow.")
    assert not is_whole_sentence("Aw, c'mon!")
