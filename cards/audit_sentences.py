"""The sentences about an audit that its report, cards, checks and the terminal share.

The facts are the contents of `audit.json`. Every difference is in words, so that its sign needs no
knowledge of what is subtracted from what.
"""

from collections.abc import Iterator, Mapping
from typing import Any

MANY_LOOKS = 11
_AGAINST = {"against": "the model it is compared with", "first audit": "the set's first audit"}
# Each attribute as a phrase for the answer that has it.
_ANSWERS = {
    "own text": "the judge's own answer",
    "longer": "the longer answer",
    "has a list": "the answer with a list",
    "shown first": "the answer that they saw first",
    "refinement": "the refinement",
}


def stand_in(audit: Mapping[str, Any]) -> str:
    """Who the judge is compared with, in two words."""
    return "the checker" if audit["set"]["judged_by"] == "checker" else "people"


def how_much_more(share: float) -> str:
    """A difference of shares in words.

    >>> how_much_more(-0.0734), how_much_more(0.0734), how_much_more(0.0002)
    ('7.3 points less often', '7.3 points more often', 'as often')
    """
    points = round(100 * share, 1)
    if not points:
        return "as often"
    return f"{abs(points):.1f} points {'more' if points > 0 else 'less'} often"


def signed(share: float | None) -> str:
    """A difference of shares in points with its sign; no sign for what rounds to 0."""
    if share is None:
        return "–"
    points = round(100 * share, 1)
    return f"{points:+.1f}".replace("-", "−") if points else "0.0"


def _interval(estimate: Mapping[str, Any]) -> str:
    return f"90% interval {_ends(estimate)}"


def verdict_sentences(audit: Mapping[str, Any]) -> Iterator[str]:
    """What each comparison comes to."""
    name, others = audit["model"]["name"], stand_in(audit)
    for one in audit["comparisons"]:
        figures, other = one["figures"], one["judge"]["name"]
        what = f"{name} against {other} ({_AGAINST.get(one['role'], one['role'])})"
        if not figures["pairs"]:
            yield f"{what}: inconclusive, because nobody decided any pair."
            continue
        more = how_much_more(figures["difference"])
        yield (
            f"{what}: {figures['verdict']}. {name} agrees with {others} {more} {_than(more)} "
            f"{other} ({_counts(figures)}). {_meaning(figures)}"
        )
        if not one["same_instrument"]:
            yield _instruments(audit["model"], one["judge"])


def _counts(figures: Mapping[str, Any]) -> str:
    return (
        f"{figures['pairs']:,} {_pairs(figures['pairs'])}: {figures['better']:,} better, "
        f"{figures['worse']:,} worse; {1 - 2 * figures['alpha']:.0%} interval {_ends(figures)} "
        f"points, p of a fall {_p(figures['p'])}"
    )


def _than(more: str) -> str:
    return "as" if more == "as often" else "than"


def _ends(figures: Mapping[str, Any]) -> str:
    """The ends of an interval in points; with very few pairs it is wider than can be."""
    low, high = max(figures["low"], -1.0), min(figures["high"], 1.0)
    return f"{signed(low)} to {signed(high)}"


def _pairs(count: int) -> str:
    return "pair" if count == 1 else "pairs"


def _meaning(figures: Mapping[str, Any]) -> str:
    margin = f"{100 * figures['margin']:g} points"
    if figures["verdict"] == "fell":
        return "Chance alone would hardly bring about such a fall."
    if figures["verdict"] == "not worse":
        return f"A fall of {margin} or more is excluded."
    detectable = 100 * figures["detectable_fall"]
    found = (
        f"With these, a fall of {detectable:.1f} points would have been found four times in five."
        if detectable < 100
        else "These are too few to find any fall."
    )
    return (
        f"A fall of {margin} can be neither shown nor excluded; about "
        f"{figures['pairs_needed']:,} pairs would decide. {found}"
    )


def _instruments(model: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    names = f"{model['name']} and {other['name']}"
    if _is_expected(model) != _is_expected(other):
        how = "one by expected scores, the other by the scores of its replies"
    elif None in (model["template"], other["template"]):
        how = "and how the scores of one were asked for is not known"
    else:
        how = "in different words or with other sampling"
    return (
        f"{names} were measured by two instruments ({how}), so the difference is not of training "
        "alone."
    )


def _is_expected(judge: Mapping[str, Any]) -> bool:
    return judge["sampling"].get("scores") == "expected"


def taste_sentences(audit: Mapping[str, Any]) -> Iterator[str]:
    """Self-bias and the like, each beside control judges, or saying that there are none."""
    for name in audit["bias"]:
        yield taste_sentence(audit, name)
    premium = audit["premium"]
    if premium is not None and premium["judge"] is not None:
        yield _premium(premium, stand_in(audit))


def taste_sentence(audit: Mapping[str, Any], name: str) -> str:
    """How the judge takes to answers with the attribute `name`."""
    one, others, count = audit["bias"][name], stand_in(audit), audit["attributes"][name]
    answer = _ANSWERS.get(name, f"the answer with the attribute “{name}”")
    lead = f"“{name}” ({count:,} {_pairs(count)})"
    if one["opportunity"]["value"] is None:
        return (
            f"{lead}: undefined, because it takes both pairs in which {others} chose {answer} and "
            "pairs in which the other one was chosen."
        )
    more = how_much_more(one["opportunity"]["value"])
    sentence = (
        f"{lead}: the judge agrees with {others} {more} where {answer} was chosen {_than(more)} "
        f"where the other one was ({_interval(one['opportunity'])}), so it "
        f"{_leaning(one['opportunity'])}"
    )
    beside = one["beside_controls"]
    if beside is None:
        return f"{sentence}; other judges were not asked; this may be quality."
    if beside["value"] is None:
        return f"{sentence}; the control judges have no figure."
    return f"{sentence}. {_beside(beside, found=one['found'])}"


def _beside(beside: Mapping[str, Any], *, found: bool) -> str:
    """The judge's figure and that of the control judges."""
    points = round(100 * beside["value"], 1)
    place = "the same as" if not points else "above" if points > 0 else "below"
    distance = f"{abs(points):.1f} points {place}" if points else place
    meaning = "chance or quality may explain that"
    if found:
        meaning = "a taste of its own"
    elif beside["high"] < 0:
        meaning = "it takes less to such answers than they do"
    return (
        f"This difference is {distance} that of the control judges ({_interval(beside)}): "
        f"{meaning}."
    )


def _leaning(estimate: Mapping[str, Any]) -> str:
    """Which way the judge leans, as far as the interval tells."""
    if estimate["low"] > 0:
        return "leans toward such answers"
    if estimate["high"] < 0:
        return "leans away from such answers"
    return "is not seen to lean either way"


def _premium(premium: Mapping[str, Any], others: str) -> str:
    value = premium["premium"]["value"]
    more = how_much_more(value)
    they = "the checker does" if others == "the checker" else "people do"
    controls = ", ".join(
        f"{name} {how_much_more(own)}" for name, own in premium["controls"].items()
    )
    return (
        f"The judge prefers the refinement in {premium['judge']:.1%} of pairs and {others} in "
        f"{premium['people']:.1%}: {more} {_than(more)} {they} "
        f"({_interval(premium['premium'])}{f'; control judges: {controls}' if controls else ''})."
    )


def cautions(audit: Mapping[str, Any]) -> Iterator[str]:
    """What limits the audit: leaks, unreadable replies, looks, one person, public sets."""
    pairs = audit["pairs"]
    yield pairs["contamination"]
    if pairs["leaked"]:
        yield f"{pairs['leaked']:,} of {pairs['asked']:,} pairs were left out as trained on."
    unreadable = sum(pairs["unreadable"].values())
    if unreadable:
        reasons = ", ".join(f"{count:,} × {name}" for name, count in pairs["unreadable"].items())
        yield (
            f"{unreadable:,} of {pairs['answers']:,} answers got no readable score ({reasons}); "
            "their pairs count half."
        )
    if (probability := pairs.get("score_probability")) is not None:
        yield (
            "The scores are expectations: what the model could have given next, once its reply had "
            f"begun with the words before the score. {probability:.1%} of the probability was on "
            f"scores from 1 to 10{'' if probability >= 0.5 else ', so it hardly knows the format'}."
        )
    if audit["set"]["source"].startswith("pairs "):
        yield "A public set is probably in the pretraining data of every model."
    if audit["set"]["people"] < 2 and audit["set"]["judged_by"] == "people":
        yield "One person judged: how far people agree with each other is not known."
    if audit["look"] >= MANY_LOOKS:
        yield (
            f"This is look {audit['look']:,} at the set: whoever chooses a model by it now trains "
            "on it. Freeze a new one."
        )


def _p(p: float) -> str:
    return "< .0001" if p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"
