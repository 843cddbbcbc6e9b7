"""The rules that every family follows."""

import json
import re
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders.verifiable.reading.number_text import iter_values
from builders.verifiable.registry import check, families, generate
from builders.verifiable.rubric import MAX_REMARKS
from builders.verifiable.wording import capitalize_first

NAMES = sorted(families())
ODD_DRAFTS = [
    "",
    "  \n\t ",
    "The weather was nice last week, and nobody minded.",
    "I'm sorry, but I cannot help with that.",
    "Ünïcödé ☃ 東京 🙂 ﷽ \u200b \x00",
    "\x01 \x02 \x03",
    "\ud800 lone surrogate",
    "{" * 300,
    '{"a": ' * 300,
    "- \n- \n-",
    "the answer is",
    "So, " * 50,
]
# Every word of a draft counts in these.
FORM_IS_ALL = {"capitals_only", "exact_words", "lipogram"}
LONG_DRAFTS = ["word " * 20_000, "1+" * 50_000, '"A-b" is 5, \n- ' * 7_000, "9" * 100_000]


def sample(name, count=25, seed=11):
    return list(generate(seed, count, [name])) + list(generate(seed, 8, [name], "test"))


def assert_sound(checked, draft):
    """The rules for any checked draft."""
    assert checked.correct == (checked.score >= 7)
    assert 1 <= checked.score <= 10
    assert checked.refinement.strip()
    clean = checked.score == 10
    assert clean == (not checked.weaknesses) == (not checked.suggestions)
    if clean:
        assert checked.refinement == draft
    for remarks in (checked.weaknesses, checked.suggestions):
        assert len(remarks) <= MAX_REMARKS
        for remark in remarks:
            assert remark == remark.strip()
            assert "\n" not in remark
            assert remark[-1] in ".!?", remark
            own = re.sub(r'"[^"]*"', "quoted", remark)
            assert not re.search(r"[{}]|None|Fraction\(|\bnan\b| {2}", own), remark
            assert remark == capitalize_first(remark)


@pytest.mark.parametrize("name", NAMES)
def test_refinement_leaves_nothing_to_improve(name):
    for problem in sample(name, 60):
        for draft in ("", "The weather is nice.", problem.instruction):
            refinement = check(problem.task, draft).refinement
            again = check(problem.task, refinement)
            assert again.score == 10, (problem, refinement, again)
            assert again.refinement == refinement


@pytest.mark.parametrize("name", NAMES)
def test_odd_drafts_are_checked_and_not_right(name):
    for problem in sample(name, 6):
        for draft in ODD_DRAFTS:
            checked = check(problem.task, draft)
            assert_sound(checked, draft)
            assert not checked.correct, (problem, draft)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_draft_scores_one_and_a_refusal_two(name):
    for problem in sample(name, 4):
        assert check(problem.task, " \n").score == 1
        assert check(problem.task, "I'm sorry, but I cannot help with that.").score == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_long_draft_is_checked_like_any_other(name):
    problem = next(generate(2, 1, [name]))
    for draft in LONG_DRAFTS:
        checked = check(problem.task, draft)
        assert_sound(checked, draft)
        assert not checked.correct


@pytest.mark.parametrize("name", NAMES)
def test_repeating_the_question_is_not_an_answer(name):
    for problem in sample(name, 20):
        checked = check(problem.task, problem.instruction)
        assert_sound(checked, problem.instruction)
        # The text of an extraction, or a list to be counted, holds the answer as well.
        if name not in ("extraction", "contains_words", "json_object"):
            assert not checked.correct, problem


@pytest.mark.parametrize("name", NAMES)
def test_instructions_are_phrased_in_several_ways(name):
    starts = {" ".join(problem.instruction.split()[:2]) for problem in sample(name, 80)}
    assert len(starts) >= 4


@pytest.mark.parametrize("name", NAMES)
def test_remarks_vary(name):
    checked = [check(problem.task, "I'm not sure about it.") for problem in sample(name, 60)]
    without_detail = {re.sub(r"[\d\"'].*", "", review.suggestions[0]) for review in checked}
    assert len(without_detail) >= 2
    for problem in sample(name, 5):
        assert check(problem.task, "Maybe.") == check(problem.task, "Maybe.")


@pytest.mark.parametrize("name", NAMES)
def test_args_are_plain_json(name):
    for problem in sample(name, 10):
        read = json.loads(problem.task)
        assert read == {"family": name, "args": problem.args}
        assert problem.task == json.dumps(read, sort_keys=True, ensure_ascii=False)
        assert problem.instruction == problem.instruction.strip()


def holds_the_answer(problem, draft):
    """Whether the draft could be right at all, by an independent and generous test."""
    args, text = problem.args, draft.casefold()
    if problem.family == "bullets":
        return len([line for line in draft.splitlines() if line.strip()]) >= args["count"]
    if problem.family == "capitals_only":
        return draft.upper() == draft and any(map(str.isalpha, draft))
    if problem.family == "lipogram":
        return args["letter"] not in text
    if problem.family == "exact_words":
        return len(re.findall(r"\w+", draft)) >= args["count"]
    if problem.family == "contains_words":
        return all(word in text for word in args["words"])
    if problem.family == "json_object":
        return "{" in draft and all(str(key) in draft for key, _ in args["pairs"])
    right = check(json.dumps({"family": problem.family, "args": args | {"form": "only"}}), "")
    answer = right.refinement
    if re.fullmatch(r"-?[\d./]+", answer):
        return Fraction(answer) in iter_values(draft) or not re.search(r"\d", draft)
    if problem.family in ("sorting", "date", "spelling", "string_edit"):
        return all(part.casefold()[:3] in text for part in re.findall(r"\w+", answer))
    return answer.casefold() in text or answer.lstrip("$").rstrip("0") in text


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_to_another_problem_is_right_only_if_it_is_the_same(name):
    drawn = sample(name, 14, seed=23)
    for problem in drawn:
        for other in drawn:
            draft = check(other.task, "").refinement
            if check(problem.task, draft).correct:
                # Naming the smaller number says which one is larger.
                assert name == "comparison" or holds_the_answer(problem, draft)


@pytest.mark.parametrize("name", sorted(set(NAMES) - FORM_IS_ALL))
def test_words_around_a_right_answer_do_not_make_it_wrong(name):
    for problem in sample(name, 20, seed=29):
        refinement = check(problem.task, "").refinement
        for draft in (
            f"Here is the answer:\n\n{refinement}",
            f"Sure!\n{refinement}",
            f"{refinement}\n\nI hope this helps!",
        ):
            assert check(problem.task, draft).correct, (problem, draft)


@pytest.mark.parametrize("name", sorted(set(NAMES) - FORM_IS_ALL - {"bullets", "contains_words"}))
def test_a_bare_answer_is_right_however_it_is_marked(name):
    for problem in sample(name, 20, seed=31):
        args = problem.args | {"form": "only"}
        answer = families()[name].check(args, "").refinement
        for draft in (
            f"**{answer}**",
            f"{answer}.",
            f"The answer is {answer}.",
            f"Answer: {answer}",
            f"The final answer is **{answer}**.",
        ):
            assert check(problem.task, draft).correct, (problem, draft)


problems = st.builds(
    lambda name, index: list(generate(17, 5, [name]))[index],
    st.sampled_from(NAMES),
    st.integers(0, 4),
)
PIECES = [
    "the answer is ", "Answer: ", "A: ", "#### ", "so ", "= ", " + ", "-", ".", "\n", "\n- ", "1. ",
    "{", "}", '"', ": ", ", ", "**", "is ", "not ", "or ", "larger ", "smaller than ", "times ",
    "days ", "7", "12", "3/4", "9.9", "THE ", "a", "e", "capital ", "of ", "There are ", "$",
]  # fmt: skip


@st.composite
def drafts(draw, problem):
    own = re.findall(r"[\w.]+", problem.instruction) + [str(value) for value in problem.args]
    parts = st.one_of(st.sampled_from(PIECES), st.sampled_from(own), st.text(max_size=6))
    return "".join(
        part + draw(st.sampled_from(["", " "])) for part in draw(st.lists(parts, max_size=25))
    )


@settings(derandomize=True, max_examples=400, suppress_health_check=list(HealthCheck))
@given(st.data(), problems)
def test_random_drafts_are_right_only_if_they_hold_the_answer(data, problem):
    draft = data.draw(drafts(problem))
    checked = check(problem.task, draft)
    assert_sound(checked, draft)
    if checked.correct:
        assert holds_the_answer(problem, draft)
    again = check(problem.task, checked.refinement)
    assert again.score == 10
