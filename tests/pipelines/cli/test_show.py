"""`srt show` prints all of a row, and no text of a row reaches the terminal as a command."""

import pytest

from builders.errors import BadInput
from pipelines.cli.show import show
from tests.ledger_rows import ledger_row, make_run


def test_what_came_before_the_instruction_is_shown(tmp_path, capsys):
    row = ledger_row(
        0,
        reason=None,
        system="Answer in French.",
        history=[{"role": "user", "content": "Hi!"}, {"role": "assistant", "content": "Salut !"}],
        criteria="Names the capital.",
    )
    make_run(tmp_path / "run", [row])
    show(tmp_path / "run")
    printed = capsys.readouterr().out
    before = ["system: Answer in French.", "user: Hi!", "assistant: Salut !"]
    places = [
        printed.index(text)
        for text in [*before, row["instruction"], "criteria: Names the capital."]
    ]
    assert places == sorted(places)


def test_codes_for_the_terminal_are_not_obeyed(tmp_path, capsys):
    code = "\x1b]0;title\x07\x1b[2J\x9b31m\u202eabc"
    columns = dict.fromkeys(("system", "instruction", "draft", "refinement", "criteria"), code)
    make_run(tmp_path / "run", [ledger_row(0, reason=None, **{**columns, "draft": f"{code}!"})])
    show(tmp_path / "run")
    printed = capsys.readouterr().out
    assert "\ufffd[2J" in printed
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(printed)


def test_rows_are_shown_by_their_ids(tmp_path, capsys):
    rows = [ledger_row(0, reason=None), ledger_row(1, reason="margin"), ledger_row(2, reason=None)]
    make_run(tmp_path / "run", rows)
    show(tmp_path / "run", [rows[1]["id"], rows[0]["id"]])
    printed = capsys.readouterr().out
    assert [row["id"] in printed for row in rows] == [True, True, False]
    with pytest.raises(BadInput, match="no row has the id 'nobody'"):
        show(tmp_path / "run", [rows[0]["id"], "nobody"])
    with pytest.raises(BadInput, match="give one of the two"):
        show(tmp_path / "run", [rows[0]["id"]], reason="margin")
