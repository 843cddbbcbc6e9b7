"""An audit's sentences say which way a difference goes, whatever it is."""

import pytest

from cards.audit_report import score_steps
from cards.audit_sentences import (
    cautions,
    how_much_more,
    signed,
    taste_sentence,
    taste_sentences,
    verdict_sentences,
)


def estimate(value, low=-0.2, high=0.2):
    return {"value": value, "low": low, "high": high, "of": 40}


def audit(value=0.1, low=-0.2, high=0.2, beside=None, found=None, name="longer"):
    opportunity = estimate(value, low, high)
    own = {
        "opportunity": opportunity,
        "controls": {},
        "beside_controls": beside,
        "found": found,
    }
    return {
        "set": {"judged_by": "people", "source": "review r", "people": 2},
        "model": judge("new"),
        "attributes": {name: 40},
        "bias": {name: own},
        "premium": None,
        "comparisons": [],
        "look": 1,
        "pairs": {"contamination": "Nothing is known.", "leaked": 0, "unreadable": {}},
    }


def judge(name, template="t", **sampling):
    return {"name": name, "template": template, "sampling": sampling}


@pytest.mark.parametrize(
    ("share", "words", "points"),
    [
        (0.0734, "7.3 points more often", "+7.3"),
        (-0.0734, "7.3 points less often", "−7.3"),
        (0.0, "as often", "0.0"),
        (-0.0, "as often", "0.0"),
        (0.0004, "as often", "0.0"),
        (-0.0004, "as often", "0.0"),
    ],
)
def test_a_difference_in_words_and_points(share, words, points):
    assert (how_much_more(share), signed(share)) == (words, points)


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ((0.12, 0.02, 0.3), "12.0 points more often where the longer answer was chosen than where"),
        ((0.12, 0.02, 0.3), "so it leans toward such answers"),
        ((-0.12, -0.3, -0.02), "12.0 points less often where"),
        ((-0.12, -0.3, -0.02), "so it leans away from such answers"),
        (
            (0.0, -0.1, 0.1),
            "agrees with people as often where the longer answer was chosen as where",
        ),
        ((0.0004, -0.1, 0.1), "so it is not seen to lean either way"),
        ((0.8, -1.2, 1.4), "90% interval −100.0 to +100.0"),
        ((None, None, None), "undefined, because it takes both pairs in which people chose the"),
    ],
)
def test_taste_without_control_judges(figures, says):
    sentence = taste_sentence(audit(*figures), "longer")
    assert says in sentence
    assert ("this may be quality" in sentence) == (figures[0] is not None)


@pytest.mark.parametrize(
    ("beside", "found", "says"),
    [
        (estimate(0.08, 0.01, 0.2), True, "8.0 points above that of the control judges"),
        (estimate(0.08, 0.01, 0.2), True, ": a taste of its own."),
        (estimate(-0.08, -0.2, -0.01), False, "8.0 points below that of the control judges"),
        (estimate(-0.08, -0.2, -0.01), False, "takes less to such answers than they do"),
        (estimate(0.0, -0.1, 0.1), False, "is the same as that of the control judges"),
        (estimate(0.02, -0.1, 0.1), False, "chance or quality may explain that"),
        (estimate(None, None, None), False, "the control judges have no figure"),
    ],
)
def test_taste_beside_control_judges(beside, found, says):
    sentence = taste_sentence(audit(beside=beside, found=found), "longer")
    assert says in sentence
    assert "other judges were not asked" not in sentence


@pytest.mark.parametrize("name", ["own text", "longer", "has a list", "shown first", "refinement"])
def test_every_attribute_has_words(name):
    (sentence,) = taste_sentences(audit(name=name))
    assert sentence.startswith(f"“{name}” (40 pairs): ")
    assert "attribute" not in sentence


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (0.05, "5.0 points more often than people do"),
        (-0.05, "5.0 points less often than people do"),
        (0.0, ": as often as people do"),
    ],
)
def test_the_premium(value, says):
    facts = audit() | {
        "premium": {
            "judge": 0.6,
            "people": 0.6 - value,
            "premium": estimate(value),
            "controls": {"fair": 0.0},
        }
    }
    *_, sentence = taste_sentences(facts)
    assert says in sentence
    assert "control judges: fair as often" in sentence


@pytest.mark.parametrize(
    ("difference", "verdict", "says"),
    [
        (-0.073, "fell", "new agrees with people 7.3 points less often than old"),
        (0.021, "not worse", "new agrees with people 2.1 points more often than old"),
        (0.0, "not worse", "new agrees with people as often as old"),
        (-0.8, "inconclusive", "These are too few to find any fall."),
    ],
)
def test_a_verdict(difference, verdict, says):
    figures = {
        "pairs": 3,
        "difference": difference,
        "worse": 2,
        "better": 1,
        "p": 0.5,
        "low": -1.4,
        "high": 0.3,
        "alpha": 0.05,
        "margin": 0.05,
        "verdict": verdict,
        "pairs_needed": 900,
        "detectable_fall": 1.2,
    }
    compared = {"judge": judge("old"), "role": "against", "figures": figures}
    facts = audit() | {"comparisons": [{**compared, "same_instrument": True}]}
    (sentence,) = verdict_sentences(facts)
    assert f"(the model it is compared with): {verdict}." in sentence
    assert says in sentence
    assert "interval −100.0 to +30.0 points" in sentence


@pytest.mark.parametrize(
    ("old", "says"),
    [
        (judge("old", scores="expected"), "one by expected scores, the other by the scores of its"),
        (judge("old", template=None), "how the scores of one were asked for is not known"),
        (judge("old", template="u"), "in different words or with other sampling"),
    ],
)
def test_two_instruments(old, says):
    figures = {"pairs": 0}
    one = {"judge": old, "role": "against", "figures": figures, "same_instrument": False}
    figures |= {"pairs": 1, "difference": 0.0, "worse": 0, "better": 0, "p": 1.0, "low": -0.1}
    figures |= {"high": 0.1, "alpha": 0.05, "margin": 0.05, "verdict": "not worse"}
    _, sentence = verdict_sentences(audit() | {"comparisons": [one]})
    assert says in sentence


@pytest.mark.parametrize(("share", "doubts"), [(0.9, False), (0.02, True)])
def test_how_much_an_expectation_is_of(share, doubts):
    facts = audit()
    facts["pairs"]["score_probability"] = share
    _, sentence = cautions(facts)
    assert f"{share:.1%} of the probability was on scores" in sentence
    assert ("hardly knows the format" in sentence) == doubts


def test_margins_with_one_chance_are_one_line():
    curve = [
        {"margin": 0.0, "chance": 0.5, "pairs": 3},
        {"margin": 0.125, "chance": 0.7, "pairs": 2},
        {"margin": 3.0, "chance": 0.7, "pairs": 4},
    ]
    facts = {"calibration": {"curve": curve}}
    assert score_steps(facts) == [("0", 0.5, 3), ("0.125 to 3", 0.7, 6)]
