"""The columns that are recognized, and their place in the documentation."""

import re
from pathlib import Path

import pytest

from builders.instructions.columns import COMPANIONS, CONVERSATIONS, INSTRUCTIONS, recognized
from builders.instructions.record import Unusable

PAGE = Path(__file__).parents[3] / "docs/building.md"


def test_the_documentation_names_every_column():
    table = PAGE.read_text(encoding="utf-8").split("| part of the task |")[1].split("\n\n")[0]
    named = set(re.findall(r"`([\w.]+)`", table))
    expected = {
        *CONVERSATIONS,
        *INSTRUCTIONS,
        *(name for names in COMPANIONS.values() for name in names),
    }
    assert expected <= named
    assert named - expected == {"drafts", "chosen"}


def test_the_first_of_several_names_counts():
    row = {"answer": "5", "Output": "4", "context": "b", "input": "a", "prompt": "x"}
    assert recognized(row) == {
        "instruction": ["prompt"],
        "input": ["input", "context"],
        "system": [],
        "history": [],
        "criteria": [],
        "draft": ["Output"],
    }


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"prompt": "", "text": "x"}, "'prompt' is empty"),
        ({"text": "x", "title": "y"}, "columns: text, title"),
        ({"chosen": "x", "rejected": "y"}, "columns: chosen, rejected"),
    ],
)
def test_a_row_without_an_instruction_names_its_columns(row, says):
    with pytest.raises(Unusable, match=says):
        recognized(row)
