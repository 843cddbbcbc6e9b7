"""One row of a file of answers."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.review.exchange.answers import BadRow, FileResponse, read_response
from builders.review.exchange.columns import READ

NOW = datetime(2026, 3, 4, tzinfo=UTC)
ROW = {
    "record": "r1",
    "annotator": "ada",
    "better": "A",
    "score_a": "7",
    "score_b": "4",
    "weaknesses_real": "all",
    "suggestions_actionable": "yes",
    "refinement_introduces_error": "no",
}


def read(**cells):
    return read_response({**ROW, **cells}, NOW)


def test_a_row_is_a_response_as_a_server_has_it():
    response = read(corrected_refinement="Better.\r\nStill.", submitted_at="2026-03-02T10:00:00Z")
    assert response == FileResponse(
        record="r1",
        annotator="ada",
        status="submitted",
        values={
            "better": "A",
            "score_a": 7,
            "score_b": 4,
            "weaknesses_real": "all",
            "suggestions_actionable": "yes",
            "refinement_introduces_error": "no",
            "corrected_critique": None,
            "corrected_refinement": "Better.\nStill.",
        },
        submitted_at=datetime(2026, 3, 2, 10, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("score_a", "10.0", 10),
        ("score_a", " 7 ", 7),
        ("score_a", "7,0", 7),
        ("score_a", 7, 7),
        ("score_a", 7.0, 7),
        ("score_a", "07", 7),
        ("better", "b", "B"),
        ("better", " TIE ", "tie"),
        ("weaknesses_real", "Some", "some"),
        ("suggestions_actionable", "TRUE", "yes"),
        ("suggestions_actionable", False, "no"),
        ("refinement_introduces_error", "No", "no"),
    ],
)
def test_what_a_spreadsheet_makes_of_an_answer_is_read(column, cell, value):
    assert read(**{column: cell}).values[column] == value


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("score_a", "11", "score_a: '11' is not a whole number from 1 to 10"),
        ("score_a", "0", "score_a: '0' is not"),
        ("score_a", "7.5", "score_a: '7.5' is not"),
        ("score_a", "nan", "score_a: 'nan' is not"),
        ("score_a", True, "score_a: 'true' is not"),
        ("score_a", 1e400, "score_a: 'inf' is not"),
        ("score_a", "", "score_a: missing"),
        ("score_a", None, "score_a: missing"),
        ("better", "C", "better: 'C' is not one of A, B, tie"),
        ("better", ["A"], "better: is list, not text or a number"),
        ("weaknesses_real", "many", "weaknesses_real: 'many' is not one of all, some, none"),
        ("suggestions_actionable", "maybe", "suggestions_actionable: 'maybe' is not one of yes"),
        ("record", " ", "record: missing"),
        ("annotator", "", "annotator: missing"),
        ("annotator", "a\u202eb", "annotator: 'a.*b' cannot be a name"),
        ("annotator", "x" * 201, "cannot be a name"),
        ("status", "open", "status: 'open' is not one of submitted, discarded"),
        ("submitted_at", "3/2/26", "submitted_at: '3/2/26' is not a time like"),
        ("submitted_at", "2027-01-01", "submitted_at: '2027-01-01' is in the future"),
        ("submitted_at", "0001-01-01T00:00:00+14:00", "is not a time"),
        ("corrected_refinement", "a\ud800b", "corrected_refinement: has a lone surrogate"),
    ],
)
def test_what_is_no_answer_is_named(column, cell, problem):
    with pytest.raises(BadRow, match=problem):
        read(**{column: cell})


def test_all_problems_of_a_row_are_named():
    with pytest.raises(BadRow) as raised:
        read(better="C", score_a="11", score_b="")
    assert str(raised.value).count("; ") == 2


def test_a_row_that_nobody_filled_in_is_none():
    empty = dict.fromkeys(ROW, "") | {"record": "r1", "corrected_refinement": " \n"}
    assert read_response(empty, NOW) is None
    assert read_response({**empty, "annotator": "ada"}, NOW) is None
    with pytest.raises(BadRow, match=r"annotator: missing; better: missing; score_a: missing"):
        read_response({**empty, "weaknesses_real": "all"}, NOW)


def test_a_discarded_record_needs_no_answers():
    empty = dict.fromkeys(ROW, "") | {"record": "r1", "annotator": "ada", "status": "Discarded"}
    response = read_response(empty, NOW)
    assert (response.status, {*response.values.values()}) == ("discarded", {None})
    with pytest.raises(BadRow, match="score_a: '11'"):
        read_response({**empty, "score_a": "11"}, NOW)


def test_texts_stay_as_they_are():
    for text in ("\u05e9\u05dc\u05d5\u05dd \u202eabc", "a\x00b", "x" * 100_000, "'tis =1"):
        assert read(corrected_refinement=text).values["corrected_refinement"] == text


VALUES = st.none() | st.text(max_size=8) | st.booleans() | st.integers() | st.floats()
SCORES = ("score_a", "score_b")
CELLS = st.dictionaries(
    st.sampled_from(READ), VALUES | st.lists(VALUES, max_size=2), max_size=len(READ)
)


@given(CELLS)
def test_any_row_is_a_response_or_a_sentence(cells):
    sentence = response = None
    try:
        response = read_response({**ROW, **cells}, NOW)
    except BadRow as error:
        sentence = str(error)
    if sentence is None:
        assert all(response.values[name] in (None, *range(1, 11)) for name in SCORES)
    else:
        assert sentence.isprintable()
