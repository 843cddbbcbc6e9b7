"""The search by columns names every row that a detector finds something in."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.gate.sensitive import screen
from builders.gate.sensitive.personal_data import personal_data_finder
from builders.gate.sensitive.screen import suspicious_rows
from builders.gate.sensitive.secrets import find_secrets
from builders.gate.sensitive.spans import find_all
from builders.gate.sensitive.texts import texts_of
from tests.builders.gate.texts import EXAMPLES, NOBODYS, PERSONAL, SECRETS
from tests.ledger_rows import ledger_row, ledger_table

FINDERS = [find_secrets, personal_data_finder(("US", "GB", "DE"))]
FOUND = [*SECRETS.values(), *(value for values in PERSONAL.values() for value in values)]
TURNS = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def has_finding(row):
    return any(find_all(text, FINDERS) for text in texts_of(row))


def placed(text):
    """Rows with the text in each place that a row has for texts."""
    note = f"It is {text}."
    point = {"weaknesses": ["One.", note], "suggestions": ["Two."], "score": 3}
    call = ledger_row(1, reason=None)["calls"][0]
    control = {"model": "m", "draft_score": None, "refinement_score": 4, "detail": note}
    columns = [
        *({name: note} for name in ("source", "system", "instruction", "criteria", "draft")),
        *({name: note} for name in ("critic_reply", "refinement", "detail", "task")),
        *({name: point} for name in ("critique", "draft_assessment", "refinement_assessment")),
        {"critique": {**point, "weaknesses": ["One."], "suggestions": [note]}},
        {"history": [TURNS[0], {"role": "assistant", "content": note}]},
        {"control_scores": [control, {**control, "detail": None}]},
        *({"calls": [call, {**call, name: note}]} for name in ("model", "reasoning")),
        {"calls": [{**call, "failures": ["timeout", note]}]},
        {"task": json.dumps({"args": {"a": [note]}})},
        {"task": json.dumps({note: 1})},
        {"task": json.dumps({"args": note.replace("@", "\\u0040")}).replace("\\\\u", "\\u")},
    ]
    for number, one in enumerate(columns):
        row = ledger_row(number, reason=None)
        scores = {
            f"{part}_score": one[f"{part}_assessment"]["score"]
            for part in ("draft", "refinement")
            if f"{part}_assessment" in one
        }
        yield {**row, **one, **scores}


@pytest.fixture(autouse=True)
def _search_small_tables_too(monkeypatch):
    monkeypatch.setattr(screen, "FEW_ROWS", 0)


@pytest.mark.parametrize("text", FOUND, ids=range(len(FOUND)))
def test_every_kind_is_seen_in_every_place(text):
    rows = list(placed(text))
    clean = [ledger_row(100 + number) for number in range(len(rows))]
    table = ledger_table(row for pair in zip(clean, rows, strict=True) for row in pair)
    assert suspicious_rows(table).tolist() == list(range(1, 2 * len(rows), 2))
    assert all(map(has_finding, rows))


@pytest.mark.parametrize(
    "task", ['{"n": 4111111111111111}', '{"n": 4.111111111111111e15}', '{"n": "\\ud800 a@b.org"}']
)
def test_numbers_and_escapes_of_a_task_are_seen(task):
    rows = [ledger_row(1), ledger_row(2, task=task), ledger_row(3, task='{"n": 411}')]
    assert 1 in suspicious_rows(ledger_table(rows)).tolist()


def test_rows_without_findings_are_not_named():
    assert suspicious_rows(ledger_table(ledger_row(number) for number in range(300))).tolist() == []


def test_few_rows_are_all_read(monkeypatch):
    monkeypatch.setattr(screen, "FEW_ROWS", 4)
    assert suspicious_rows(ledger_table([ledger_row(1)])).tolist() == [0]


PIECES = st.one_of(st.sampled_from([*FOUND, *NOBODYS, *EXAMPLES]), st.text(max_size=12))
TEXTS = st.builds(
    lambda pieces, by: by.join(pieces).encode(errors="replace").decode(),
    st.lists(PIECES, max_size=4),
    st.sampled_from(["", " ", "-", ".", "\n", "٣", "ſ", "漢"]),
)
JSON = st.recursive(
    TEXTS | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


@given(texts=st.lists(TEXTS, min_size=3, max_size=6), task=st.builds(json.dumps, JSON) | TEXTS)
@settings(max_examples=150, deadline=None)
def test_no_row_with_a_finding_is_missed(texts, task):
    rows = [
        ledger_row(number, reason=None, draft=text, instruction=texts[0], critic_reply=texts[1])
        for number, text in enumerate(texts)
    ]
    rows[0]["task"] = task
    suspects = np.isin(np.arange(len(rows)), suspicious_rows(ledger_table(rows)))
    for row, is_suspect in zip(rows, suspects, strict=True):
        assert is_suspect or not has_finding(row)
