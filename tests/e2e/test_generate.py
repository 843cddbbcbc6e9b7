"""`srt generate` on a model made on the spot."""

import json

import pytest

from tests.tiny_model import save_tiny_model


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


def test_a_models_draft_and_what_it_says_of_it(srt, checkpoint):
    words = ("generate", checkpoint, "Why is the sky blue? 日本 [bold]", "--max-new-tokens", 12)
    shown = srt(*words).stdout
    assert "Why is the sky blue? 日本 [bold]" in shown
    assert "draft" in shown
    assert "refinement" in shown
    facts = json.loads(srt(*words, "--json").stdout)
    # Random weights write no review that can be read, and that is said.
    assert facts["draft"]
    assert facts["critic_reply"]
    assert facts["refinement"] is None
    assert facts["reason"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere/at/all", "Why?"), "nowhere/at/all"),
        (("embedded", "  "), "INSTRUCTION"),
    ],
)
def test_what_is_wrong_is_one_line(srt, words, said):
    done = srt("generate", *words, expect=2)
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_long_instruction_is_told_not_to_fit(srt, checkpoint):
    done = srt("generate", checkpoint, "x" * 100_000, "--json")
    assert json.loads(done.stdout)["reason"] == "context_exceeded"
