"""The row that a card shows in full."""

from tests.builders.release.releases import read, release_of
from tests.ledger_rows import kept_rows, ledger_row

NOTHING_WRONG = {"weaknesses": [], "suggestions": [], "score": 9}


def test_the_shortest_row_whose_critique_names_a_weakness(tmp_path):
    short = {"instruction": "Hi?", "draft": "Hi.", "refinement": "Hi!"}
    plain = ledger_row(900, reason=None, **{**short, "instruction": "?"}, critique=NOTHING_WRONG)
    wrong = {"weaknesses": ["Short."], "suggestions": [], "score": 3}
    told = ledger_row(901, reason=None, **short, critique=wrong)
    release = release_of(tmp_path, [*kept_rows(30), plain, told], facts={"test_share": 0})
    card = (release / "README.md").read_text()
    assert f"the shortest of the first {len(read(release, 'feedback', 'train'))} rows" in card
    assert "| `instruction` | Hi? |" in card
    assert " | Hi! |" in card
