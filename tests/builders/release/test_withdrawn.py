"""How a card, a changelog and a file say that versions are withdrawn."""

import json

import pytest
import yaml
from huggingface_hub import DatasetCard
from hypothesis import given
from hypothesis import strategies as st

from builders.release.withdrawn import (
    Withdrawal,
    read_withdrawals,
    withdrawals_text,
    withdrawn_card,
    withdrawn_changelog,
)

CARD = "---\nlicense: mit\n---\n\n# tiny 1.0.0\n\nText.\n"
LOG = "# Changelog\n\n## 1.10.0\n\nCompared with 1.0.0:\n\n- x\n\n## 1.0.0\n\nThe first.\n"
FIRST = {"1.0.0": Withdrawal("a *key* <b>was</b> in it", "2026-11-29")}
BOTH = {**FIRST, "1.10.0": Withdrawal("so was another", "2026-12-01")}


def test_the_notice_is_below_the_front_matter_and_goes_again():
    card = withdrawn_card(CARD, BOTH)
    assert DatasetCard(card).data.license == "mit"
    assert card.index("1.10.0 is withdrawn") < card.index("1.0.0 is withdrawn")
    assert "<b>" not in card
    assert withdrawn_card(card, BOTH) == card
    assert withdrawn_card(card, {}) == CARD
    plain = withdrawn_card("No front matter.\n", FIRST)
    assert plain.endswith("<!-- /withdrawn -->\n\nNo front matter.\n")


def test_the_changelog_says_so_in_the_versions_section():
    log = withdrawn_changelog(LOG, FIRST)
    section = log.split("## 1.0.0\n\n")[1]
    assert section.startswith("**Withdrawn** on 2026-11-29: a ")
    assert section.endswith("The first.\n")
    assert "**Withdrawn**" not in log.split("## 1.0.0")[0]
    assert withdrawn_changelog(log, FIRST) == log
    assert withdrawn_changelog(withdrawn_changelog(LOG, BOTH), {}) == LOG


def test_the_file_is_read_as_it_was_written():
    assert read_withdrawals(withdrawals_text(BOTH).encode()) == BOTH


@pytest.mark.parametrize(
    "content",
    [None, b"", b"[", b"[]", b'{"1.0": {}}', b'{"1.0.0": 3}', b"\xff", b"[" * 100_000],
    ids=["none", "empty", "cut", "a list", "no version", "no facts", "no text", "deep"],
)
def test_what_says_nothing(content):
    assert read_withdrawals(content) == {}


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


FACTS = json_values | st.fixed_dictionaries({"reason": json_values, "date": json_values})


@given(st.dictionaries(st.sampled_from(["1.0.0", "2.0.0", "x"]), FACTS))
def test_a_strangers_file_makes_a_card_that_is_one(found):
    withdrawals = read_withdrawals(json.dumps(found).encode())
    card = withdrawn_card(CARD, withdrawals)
    assert yaml.safe_load(card.split("\n---\n")[0][4:]) == {"license": "mit"}
    assert card.endswith("# tiny 1.0.0\n\nText.\n")
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings == ["# tiny 1.0.0"]
