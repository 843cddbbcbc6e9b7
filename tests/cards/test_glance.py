"""What a card says first of people, audits and evaluations."""

from cards.glance import audit_lines, people_line, win_rate_lines

SHARE = {"value": 0.713, "low": 0.65, "high": 0.771, "of": 230}
NONE = {"value": None, "low": None, "high": None, "of": 3}
COUNTS = {"verdicts": 600, "annotators": 1, "records": 200}


def reviewed(weighted, **counts):
    pairwise = {"weighted": weighted, "always_refinement": {**SHARE, "value": 0.66}}
    return {"counts": {**COUNTS, **counts}, "trust": {"pairwise": pairwise}}


def test_people():
    assert people_line(None) == "nobody was asked about these rows"
    assert people_line(reviewed(NONE, verdicts=0)) == "nobody was asked about these rows"
    assert people_line(reviewed(NONE, verdicts=1)).startswith("1 verdict by 1 person on 200 rows, ")
    assert people_line(reviewed(SHARE)) == (
        "the model agrees with people on 71.3% (65.0 to 77.1) of pairs of answers, the rule "
        '"the refinement is always better" on 66.0% (65.0 to 77.1); '
        "600 verdicts by 1 person on 200 rows"
    )


def test_audits():
    assert next(audit_lines([])).startswith("none: ")
    comparison = {"judge": {"name": "stage1"}, "figures": {"verdict": "not worse"}}
    audit = {
        "model": {"name": "stage2"},
        "set": {"judged_by": "people"},
        "agreement": {"raw": SHARE},
        "pairs": {"answers": 460, "unreadable": {}},
        "comparisons": [comparison],
    }
    pairs = {"answers": 460, "unreadable": {"score_missing": 400, "reply_truncated": 60}}
    checked = {**audit, "set": {"judged_by": "checker"}, "comparisons": [], "pairs": pairs}
    assert list(audit_lines([audit, checked])) == [
        "stage2 agrees with people on 71.3% (65.0 to 77.1) of 230 pairs; not worse against stage1",
        "stage2 agrees with the checker on 71.3% (65.0 to 77.1) of 230 pairs; "
        "460 of 460 answers got no readable score",
    ]


def test_win_rates():
    part = {"raw": SHARE, "length_controlled": {"value": NONE}}
    better = {"raw": SHARE, "length_controlled": {"value": {**SHARE, "value": 0.6}}}
    evaluation = {
        "model": {"name": "stage2"},
        "reference": {"name": "GPT"},
        "judge": {"name": "a judge"},
        "parts": {"draft": part, "refinement": better},
    }
    raw_only = {**evaluation, "parts": {"answer": part}}
    assert list(win_rate_lines([evaluation, raw_only])) == [
        "stage2: its refinement is preferred to GPT's answer in 71.3% (65.0 to 77.1) of cases, "
        "at equal length in 60.0% (65.0 to 77.1); judge: a judge",
        "stage2: its answer is preferred to GPT's answer in 71.3% (65.0 to 77.1) of cases; "
        "judge: a judge",
    ]
