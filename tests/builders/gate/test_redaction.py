"""What is found in texts, and rows without it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.files.tables import read_table
from builders.gate.redact import EQUAL_AFTERWARDS, redactor
from builders.gate.sensitive import screen
from builders.gate.sensitive.personal_data import personal_data_finder
from builders.gate.sensitive.secrets import find_secrets
from builders.gate.sensitive.spans import find_all, redact_text
from builders.gate.sensitive.texts import change_texts, texts_of
from builders.instructions.sources import BUILTIN_PATH
from builders.manifest import Redacted
from builders.rows.schema import validate_ledger_row
from builders.settings import GateSettings
from builders.verifiable.registry import generate
from tests.builders.gate.texts import EXAMPLES, NOBODYS, PERSONAL, SECRETS
from tests.ledger_rows import ledger_row, ledger_table

find_personal = personal_data_finder(("US", "GB"))
FINDERS = [find_secrets, find_personal]
REDACT = GateSettings(secrets="redact", personal_data="redact")


def kinds(text):
    return [span.kind for span in find_all(text, FINDERS)]


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("around", ["{}", "key={}", '漢字 "{}", then', "a\n{}\nb", "({})"])
def test_a_secret_is_found_whole(secret, around):
    text, replaced = redact_text(around.format(secret), FINDERS)
    assert text == around.format("[SECRET]")
    assert [span.kind for span in replaced] == ["SECRET"]


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in PERSONAL.items() for value in values]
)
@pytest.mark.parametrize("around", ["{}", "It is {}.", "漢字 {}, naïve", "<{}>", "a\n{}\nb"])
def test_personal_data_is_found_whole(kind, value, around):
    text, _ = redact_text(around.format(value), FINDERS)
    assert text == around.format(f"[{kind}]")


@pytest.mark.parametrize("text", [*NOBODYS, *EXAMPLES, "", " ", "\0", "🙂", "a" * 100_000])
def test_what_is_nobodys_is_no_finding(text):
    assert kinds(text) == []


def test_the_instructions_of_this_package_have_no_finding():
    texts = [row["instruction"] for _, row in read_table(BUILTIN_PATH)]
    for problem in [*generate(3, 1500), *generate(4, 500, split="test")]:
        texts += [problem.instruction, *texts_of({"task": problem.task})]
    assert {text: found for text in texts if (found := kinds(text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "sk-" * 30_000,
        "eyJ" * 30_000,
        "eyJaaaaaaaaaa." * 7_000,
        "//" * 40_000 + ":_authToken=",
        "-----BEGIN " + "PRIVATE KEY-----" * 6_000,
        ("-----BEGIN " + "PRIVATE KEY-----") * 4_000,
        "1 2" * 30_000,
        "a." * 50_000 + "@",
        "a@" * 50_000,
        "2001:" * 20_000,
        "DE12 3456 " * 10_000,
        "aws key " * 12_000 + "'",
        "(512) " * 15_000,
        "ghp_" * 25_000,
    ],
    ids=lambda text: text[:12],
)
def test_100_kilobytes_made_to_take_long_do_not(text):
    redact_text(text, FINDERS)


def test_a_row_is_redacted_in_every_field():
    secret, email = SECRETS["hugging face"], "ada@analytical.org"
    note = f"{secret} {email}"
    critique = {"weaknesses": [note, "none"], "suggestions": [note], "score": 4}
    row = ledger_row(
        1,
        reason=None,
        instruction=note,
        system=note,
        draft=note,
        refinement=f"Better: {note}",
        critic_reply=note,
        detail=note,
        critique=critique,
        draft_assessment={**critique, "score": 3},
        refinement_assessment={**critique, "score": 6},
        draft_score=3,
        refinement_score=6,
        source=f"of {email}",
        task=json.dumps({"args": {"text": note, email: [note, 4111111111111111, True, None]}}),
    )
    row["calls"][0]["failures"] = [f"401: bad key {secret}"]
    redact = redactor(REDACT)
    made = redact(row)
    validate_ledger_row(made)
    assert made["id"] == row["id"]
    assert made["status"] == "kept"
    assert made["critique"]["weaknesses"] == ["[SECRET] [EMAIL]", "none"]
    assert made["calls"][0]["failures"] == ["401: bad key [SECRET]"]
    task = {"text": "[SECRET] [EMAIL]", "[EMAIL]": ["[SECRET] [EMAIL]", "[CARD]", True, None]}
    assert json.loads(made["task"]) == {"args": task}
    assert not any(secret in text or email in text for text in texts_of(made))
    assert redact.record() == Redacted(rows=1, by_kind={"CARD": 1, "EMAIL": 16, "SECRET": 15})
    assert redact(made) == made
    assert redact.rows == 1


def test_a_row_without_findings_stays_as_it_is():
    row = ledger_row(1, reason=None, task='{"b": 1, "a": [1.50, "é"]}')
    redact = redactor(REDACT)
    assert redact(row) == row
    assert redact.record() == Redacted()


def test_only_what_is_to_be_redacted_is():
    row = ledger_row(1, reason=None, draft=f"{SECRETS['aws']} ada@analytical.org")
    assert redactor(GateSettings())(row) == row
    assert redactor(GateSettings(secrets="redact"))(row)["draft"] == "[SECRET] ada@analytical.org"
    made = redactor(GateSettings(personal_data="redact", secrets="warn"))(row)
    assert made["draft"] == f"{SECRETS['aws']} [EMAIL]"


def test_a_row_whose_answers_differ_in_redacted_text_alone_is_dropped():
    row = ledger_row(1, reason=None, draft="Ask ada@a.org", refinement="Ask bob@b.org")
    made = redactor(REDACT)(row)
    validate_ledger_row(made)
    assert (made["status"], made["reason"]) == ("dropped", "no_change")
    assert made["detail"] == EQUAL_AFTERWARDS
    same = ledger_row(1, reason=None, draft="Ask ada@a.org", refinement="Ask ada@a.org")
    assert redactor(REDACT)(same)["status"] == "kept"


SAID = [*SECRETS.values(), *(value for values in PERSONAL.values() for value in values), *NOBODYS]
PIECES = st.lists(st.one_of(st.sampled_from(SAID), st.text(max_size=12)), max_size=8)
TEXTS = st.builds(lambda pieces, by: by.join(pieces), PIECES, st.sampled_from(["", " ", "-", "."]))


@given(TEXTS)
@settings(max_examples=300)
def test_nothing_is_left_to_find_in_a_redacted_text(text):
    redacted, replaced = redact_text(text, FINDERS)
    assert kinds(redacted) == []
    assert redact_text(redacted, FINDERS) == (redacted, [])
    assert (redacted == text) == (not replaced)


JSON = st.recursive(
    st.one_of(TEXTS, st.integers(), st.floats(), st.booleans(), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(task=st.one_of(TEXTS, st.builds(json.dumps, JSON)), text=TEXTS, answer=TEXTS)
@settings(max_examples=150)
def test_any_row_is_redacted_to_a_valid_one(task, text, answer):
    row = ledger_row(1, reason=None, draft=f"1 {text}", refinement=f"2 {answer}", task=task)
    redact = redactor(REDACT)
    made = redact(row)
    validate_ledger_row(made)
    assert redact(made) == made
    assert [found for text in texts_of(made) if (found := kinds(text))] == []
    try:
        json.loads(task)
    except ValueError:
        return
    json.loads(made["task"])


def test_deeply_nested_tasks_are_texts():
    task = "[" * 5000 + '"ada@analytical.org"' + "]" * 5000
    assert "[EMAIL]" in redactor(REDACT)(ledger_row(1, task=task))["task"]
    assert change_texts({"task": task}, str.upper)["task"] == task.upper()


def test_a_table_is_redacted_as_its_rows_are(monkeypatch):
    monkeypatch.setattr(screen, "FEW_ROWS", 0)
    rows = [ledger_row(number) for number in range(60)]
    for number, text in enumerate(SAID):
        rows.insert(2 * number, ledger_row(100 + number, reason=None, draft=f"Ask {text}."))
    one_by_one, at_once = redactor(REDACT), redactor(REDACT)
    table = ledger_table(rows)
    assert at_once.table(table).to_pylist() == [one_by_one(row) for row in table.to_pylist()]
    assert at_once.record() == one_by_one.record()
    assert at_once.rows > 20
    assert redactor(GateSettings()).table(table) is table
