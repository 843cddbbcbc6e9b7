"""Near-duplicates: the groups of an exhaustive comparison, in any order of adding."""

from itertools import combinations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.duplicates.exact import normalize
from builders.duplicates.groups import NearDuplicates, distinct_ids, sketched
from builders.duplicates.minhash import PERMUTATIONS, SIMILARITY, sketches

VOCABULARY = "why do leap years exist and who made them a rule for us all"
WORDS = st.sampled_from(VOCABULARY.split(" "))
# Few words and much repetition, so that similarities of every size occur.
TEXTS = st.lists(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=20), max_size=30)
QUESTION = (
    "Explain in two short paragraphs why leap years exist, who introduced them, and which years "
    "that can be divided by one hundred are exceptions to the rule."
)


def groups_of(rows):
    """The ids of each group; the rows are added a few at a time."""
    near = NearDuplicates()
    for start in range(0, len(rows), 7):
        some = rows[start : start + 7]
        near.add(sketched([normalize(text) for _, text, _ in some], [task for *_, task in some]))
    return list(distinct_ids(near.groups(), pa.array([id_ for id_, _, _ in rows], pa.string())))


def untasked(texts):
    return [(f"row-{place}", text, None) for place, text in enumerate(texts)]


def exhaustive(texts):
    """Components of all pairs whose sketches agree often enough."""
    rows = sketches(texts)
    components = {place: {place} for place in range(len(texts))}
    for one, other in combinations(range(len(texts)), 2):
        alike = (rows[one] == rows[other]).mean() >= SIMILARITY
        if alike and components[one] is not components[other]:
            components[one] |= components[other]
            for place in components[other]:
                components[place] = components[one]
    return {
        frozenset(f"row-{place}" for place in component)
        for component in components.values()
        if len(component) > 1
    }


def sequences(text):
    words = text.split()
    return {tuple(words[at : at + 3]) for at in range(max(1, len(words) - 2))}


@given(TEXTS)
@settings(max_examples=60)
def test_the_groups_are_those_of_an_exhaustive_comparison(texts):
    assert {frozenset(group) for group in groups_of(untasked(texts))} == exhaustive(texts)


@given(TEXTS, st.randoms())
@settings(max_examples=30)
def test_the_order_of_adding_does_not_matter(texts, chance):
    rows = untasked(texts)
    shuffled = chance.sample(rows, len(rows))
    assert {frozenset(group) for group in groups_of(rows)} == {
        frozenset(group) for group in groups_of(shuffled)
    }


@given(st.lists(st.text(), max_size=8))
@settings(max_examples=60)
def test_a_sketch_does_not_depend_on_its_neighbours(texts):
    together = sketches(texts)
    assert together.shape == (len(texts), PERMUTATIONS)
    for text, sketch in zip(texts, together, strict=True):
        assert (sketches([text])[0] == sketch).all()


@pytest.mark.parametrize("shared", [0, 20, 50, 80, 100])
def test_a_sketch_estimates_the_similarity(shared):
    one = " ".join(f"word{number}" for number in range(200))
    other = " ".join(
        f"{'word' if number < 2 * shared else 'else'}{number}" for number in range(200)
    )
    a, b = sequences(one), sequences(other)
    first, second = sketches([one, other])
    assert (first == second).mean() == pytest.approx(len(a & b) / len(a | b), abs=0.13)


def test_a_text_longer_than_a_block_is_sketched_whole():
    words = [f"w{number}" for number in range(10_000)]
    long, end = sketches([" ".join(words), " ".join(words[5000:])])
    assert (long <= end).all()
    assert (long == end).mean() == pytest.approx(0.5, abs=0.15)


def test_different_wordings_of_one_instruction_are_a_group():
    rows = [
        ("a", QUESTION, None),
        ("b", "Why is the sky blue?", None),
        ("c", QUESTION.upper() + "  ", None),
        ("d", QUESTION.replace("two short", "three short"), None),
        ("e", "", None),
    ]
    assert groups_of(rows) == [["a", "c", "d"]]


def test_problems_are_compared_by_their_task():
    rows = [
        ("a", "What is 17 + 25?", "17+25"),
        ("b", "What is 17 + 25?", "17+26"),
        ("c", "How much is 17 and 25?", "17+25"),
        ("d", "What is 17 + 25?", None),
    ]
    assert groups_of(rows) == [["a", "c"]]


def test_an_id_that_appears_twice_is_not_a_group():
    assert groups_of([("a", QUESTION, None), ("a", QUESTION, None)]) == []
    assert groups_of([]) == []


def test_many_from_one_template_are_one_group():
    rows = untasked([f"{QUESTION} {number}" for number in range(400)] + ["Name a river."] * 2)
    assert sorted(map(len, groups_of(rows))) == [2, 400]
