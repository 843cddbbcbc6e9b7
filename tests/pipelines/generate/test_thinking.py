"""What is not an answer: in drafts that come with the instructions, and in a model's replies."""

import pytest

from builders.gate.checks.foreign_text import ForeignText
from builders.rows.schema import new_ledger_row
from builders.settings import GateSettings
from pipelines.generate.steps import GivenDraft
from pipelines.generate.tasks import CritiqueTask, DraftTask, ScoreTask
from pipelines.llms.messages import Completion
from pipelines.llms.scripted import ScriptedLLM
from tests.ledger_rows import ledger_table


@pytest.mark.parametrize(
    ("draft", "answer", "reason", "reasoning"),
    [
        ("<think>Hm.</think>\n\nTen.", "Ten.", None, "Hm."),
        ("<think>Hm.</think>", None, "draft_empty", "Hm."),
        ("<think>Hm.", None, "draft_truncated", "Hm."),
        (" Ten. ", " Ten. ", None, None),
        ("Ten.<|im_end|>", "Ten.", None, None),
        ("Ten.\n\nHuman: Why?", "Ten.\n\nHuman: Why?", "foreign_text", None),
    ],
)
def test_a_given_draft_is_the_answer_in_it(draft, answer, reason, reasoning):
    row = new_ledger_row(id="1", instruction="How many?", draft=draft)
    GivenDraft(name="draft", model="someone").fill_in(row)
    assert (row["draft"], row["reason"]) == (answer, reason)
    assert row["calls"][0]["reasoning"] == reasoning


@pytest.mark.parametrize("reason", ["reply_empty", "reply_truncated"])
def test_a_reply_without_an_answer_has_the_reason_of_its_step(reason):
    llm = ScriptedLLM(script="tests.scripts:draft")
    lost = Completion(None, reason=reason, detail="all in reasoning_content")
    draft = DraftTask(name="draft", llm=llm, seed=0).format_output(lost, {})
    assert draft == {
        "reason": reason.replace("reply", "draft"),
        "detail": "all in reasoning_content",
    }
    score = ScoreTask(name="score", llm=llm, seed=0).format_output(lost, "draft", {})
    assert score["reason"] == "draft_score_missing"
    assert score["detail"] == f"{reason}: all in reasoning_content"


def test_a_reply_with_a_token_of_a_template_drops_its_row():
    llm = ScriptedLLM(script="tests.scripts:draft")
    row = new_ledger_row(id="1", instruction="How many?", draft="Ten.")
    draft = DraftTask(name="draft", llm=llm, seed=0)
    found = draft.format_output(Completion("Ten.<|im_end|>\n<|im_start|>user\nWhy?"), row)
    assert (found["reason"], found["detail"]) == ("foreign_text", "template token: <|im_end|>")
    reply = (
        "### Weaknesses\n1. It is brief.\n\n### Suggestions\n1. Say why.\n\n"
        "Overall Score: [[5]]\n\n### Improved Response\nTen, I counted.{}"
    )
    critique = CritiqueTask(name="critique", llm=llm, seed=0)
    kept = critique.format_output(Completion(reply.format(""), finish_reason="stop"), row)
    assert (kept["refinement"], kept["reason"]) == ("Ten, I counted.", None)
    for end in ("\n\nHuman: Why?", " [/INST] So", "</s> Next"):
        lost = critique.format_output(Completion(reply.format(end), finish_reason="stop"), row)
        assert lost["reason"] == "foreign_text"


def test_the_gate_finds_it_in_rows_of_earlier_versions():
    check = ForeignText(GateSettings())
    kept = {
        "id": "1",
        "status": "kept",
        "system": None,
        "instruction": "How many?",
        "draft": "Ten.",
        "refinement": "Ten, I counted.",
        "critique": {"weaknesses": ["It is brief."], "suggestions": ["Say why."], "score": 5},
    }
    check.see(ledger_table([kept]))
    assert check.result().status == "pass"
    check.see(ledger_table([{**kept, "id": "2", "draft": "<think>Hm.</think>Ten."}]))
    check.see(
        ledger_table([{**kept, "id": "3", "refinement": "Ten.\n### Improved Response\nTen!"}])
    )
    check.see(ledger_table([{**kept, "id": "4", "refinement": "Ten.<|im_end|>"}]))
    check.see(ledger_table([{**kept, "id": "5", "draft": "<|im_end|>", "status": "dropped"}]))
    result = check.result()
    assert (result.status, result.rows) == ("fail", ("2", "3", "4"))
    kinds = {"review heading": 1, "template token": 1, "thinking": 1}
    assert result.figures == {"rows": 3, "by_kind": kinds}
