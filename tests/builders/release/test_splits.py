"""Splits: decided by the instruction alone, and never changed by the rows around it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.duplicates.exact import instruction_hash, normalize
from builders.release.splits import Splits, plan_splits


def planned(instructions, *given, **more):
    return plan_splits(map(instruction_hash, instructions), *given, **more)


INSTRUCTIONS = st.lists(st.text(max_size=30), min_size=2, max_size=40)


def test_the_split_of_an_instruction_never_changes():
    instructions = [f"Explain item {number}." for number in range(100)]
    test = [number for number, text in enumerate(instructions) if Splits().of(text) == "test"]
    assert test == [0, 87]
    assert instruction_hash("Explain item 0.") == 677372912006038164


def test_wording_that_asks_the_same_shares_a_split():
    assert instruction_hash("  What is  RAM?\n") == instruction_hash("what is ram")
    assert instruction_hash("what is ram") != instruction_hash("what is rom")


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_about_the_share_asked_for_is_test(share):
    splits = Splits(share)
    found = sum(splits.of(f"question {number}") == "test" for number in range(10_000))
    assert found / 10_000 == pytest.approx(share, abs=0.02)


def test_one_instruction_alone_is_for_training():
    for instruction in ("Explain item 0.", "Explain item 1."):
        assert planned([instruction, instruction]).of(instruction) == "train"


def test_the_nearest_instruction_moves_into_a_split_that_would_be_empty():
    train = [f"Explain item {number}." for number in range(1, 15)]
    splits = planned(train)
    moved = [text for text in train if splits.of(text) == "test"]
    assert moved == [min(train, key=instruction_hash)]

    test = ["Explain item 0.", "Explain item 87."]
    splits = planned(test)
    assert [text for text in test if splits.of(text) == "train"] == [
        max(test, key=instruction_hash)
    ]


def test_a_share_of_zero_has_no_test_split():
    instructions = [f"Explain item {number}." for number in range(60)]
    splits = planned(instructions, 0.0)
    assert {splits.of(text) for text in instructions} == {"train"}
    assert not splits.moved


def test_text_that_is_not_unicode_has_a_split():
    assert Splits().of("broken \ud800 text") in ("train", "test")


@given(INSTRUCTIONS)
def test_two_instructions_or_more_fill_both_splits(instructions):
    splits = planned(instructions)
    found = {splits.of(text) for text in instructions}
    several = len({normalize(text) for text in instructions}) > 1
    assert found == ({"train", "test"} if several else {"train"})


@given(INSTRUCTIONS, st.lists(st.text(max_size=30), max_size=40))
def test_rows_that_are_added_move_nothing_but_what_a_small_release_had_moved(before, added):
    old, new = planned(before), planned([*before, *added])
    moved = old.moved.keys() | new.moved.keys()
    for text in before:
        assert instruction_hash(text) in moved or old.of(text) == new.of(text)


@given(INSTRUCTIONS)
def test_the_order_of_rows_does_not_matter(instructions):
    assert planned(instructions) == planned(instructions[::-1])


HASHES = st.sampled_from([number * 2**58 for number in range(64)])


@given(st.sets(HASHES, min_size=1), st.lists(st.lists(HASHES, min_size=2)), st.sets(HASHES))
def test_near_duplicates_are_on_one_side_and_what_was_in_train_stays(hashes, alike, trained):
    groups = components(alike)
    splits = plan_splits(hashes, 0.5, groups, trained)
    for group in groups:
        assert len({splits.of_hash(value) for value in group}) == 1
    assert all(splits.of_hash(value) == "train" for value in trained)
    unmoved = hashes - splits.moved.keys()
    for value in unmoved:
        if splits.of_hash(value) == "test":
            assert Splits(0.5).of_hash(value) == "test"
        elif Splits(0.5).of_hash(value) == "test":
            assert value in trained or any(
                value in group
                and any(Splits(0.5).of_hash(v) == "train" or v in trained for v in group)
                for group in groups
            )


@given(
    st.lists(HASHES, min_size=1),
    st.sampled_from([0.0, 0.05, 0.5]),
    st.frozensets(HASHES),
    st.dictionaries(HASHES, st.sampled_from(["train", "test"])),
    st.frozensets(HASHES),
)
def test_many_hashes_are_where_each_is(hashes, share, near, moved, reserved):
    splits = Splits(share, near, moved, reserved)
    expected = [splits.of_hash(value) == "test" for value in hashes]
    assert splits.are_test(np.array(hashes, np.uint64)).tolist() == expected


@given(st.sets(HASHES, min_size=1), st.sets(HASHES), st.lists(st.lists(HASHES, min_size=2)))
def test_from_version_to_version_rows_only_move_from_test_to_train(before, added, alike):
    groups = components(alike)
    old = plan_splits(before, 0.5, restricted(groups, before))
    trained = {value for value in before if old.of_hash(value) == "train"}
    new = plan_splits(before | added, 0.5, restricted(groups, before | added), trained)
    for value in trained:
        assert new.of_hash(value) == "train"


def components(pairs):
    """Disjoint groups: what near-duplicates are."""
    groups = []
    for pair in map(set, pairs):
        apart = [group for group in groups if not group & pair]
        groups = [*apart, pair.union(*(group for group in groups if group & pair))]
    return [sorted(group) for group in groups if len(group) > 1]


def restricted(groups, hashes):
    return [part for group in groups if len(part := [v for v in group if v in hashes]) > 1]


def test_what_a_small_release_moves_is_not_torn_from_its_likes():
    # All four are for training, and two of them are alike.
    train = [2**63 + number for number in range(4)]
    assert plan_splits(train, 0.5, [train[:2]]).moved == {train[2]: "test"}
    assert plan_splits(train[:2], 0.5, [train[:2]]).moved == {}
    assert plan_splits(train[:3], 0.5, [train[:2]], trained=train[2:3]).moved == dict.fromkeys(
        train[:2], "test"
    )
