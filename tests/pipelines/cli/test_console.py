"""What strangers wrote stays text on a terminal, whichever way it gets there."""

import io
import json

import pytest
from rich.progress import Progress, TextColumn

from builders.errors import BadInput
from builders.rows.schema import new_ledger_row
from pipelines import cli
from pipelines.cli import console

HOSTILE = "[bold]x[/bold] [/] \x1b]0;title\x07\x1b[2J\x9b31m\u202eabc\u2066"
OBEYED = {"\x1b", "\x07", "\x9b", "\u202e", "\u2066"}
TEXT = "[bold]x[/bold] [/]"


@pytest.fixture
def terminal(monkeypatch):
    """A console as on a terminal, and what is written to it."""
    monkeypatch.setenv("TERM", "xterm")
    written = io.StringIO()
    shown = console._PlainConsole()
    shown.file, shown._force_terminal, shown.is_interactive = written, True, True
    return shown, written


def test_a_line_is_printed_as_it_is(capsys):
    console.out.print(HOSTILE)
    console.notify(HOSTILE)
    printed = capsys.readouterr()
    for text in printed:
        assert text.startswith(TEXT)
        assert not OBEYED & set(text)


def test_bars_and_notes_show_text_and_keep_their_own_codes(terminal):
    shown, written = terminal
    with Progress(TextColumn("{task.description}", markup=False), console=shown) as bars:
        bars.add_task(HOSTILE, total=1)
        bars.refresh()
    # The bar's own codes are there: it was drawn, and removed.
    assert "\x1b[?25l" in written.getvalue()
    assert TEXT in written.getvalue()
    assert not {"\x07", "\x9b", "\u202e", "\u2066"} & set(written.getvalue())
    assert "\x1b]0" not in written.getvalue()
    assert "\x1b[2J" not in written.getvalue()


def test_a_note_is_no_markup(terminal, monkeypatch):
    shown, written = terminal
    monkeypatch.setattr(console, "err", shown)
    with console.working(HOSTILE):
        shown.print("a line redraws it")
    assert TEXT in written.getvalue()
    assert "\x1b]0" not in written.getvalue()


def test_json_is_the_same_data(capsys):
    facts = {"name": HOSTILE + "日本\ud800"}
    console.print_json(facts)
    printed = capsys.readouterr().out
    assert json.loads(printed) == facts
    assert not OBEYED & set(printed)
    assert "日本" in printed


@pytest.mark.parametrize(
    ("error", "status"), [(BadInput(HOSTILE), 2), (FileNotFoundError(2, "No", HOSTILE), 1)]
)
def test_an_error_is_no_command(error, status, monkeypatch, capsys):
    def fail():
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == status
    told = capsys.readouterr().err
    assert TEXT in told
    assert not OBEYED & set(told)


def test_the_first_rows_that_are_kept_and_changed_are_shown_when_they_are_made(capsys):
    rows = [
        new_ledger_row(id=f"{number}", instruction=f"{HOSTILE} {number}", draft=f"draft {number}")
        for number in range(5)
    ]
    for row in rows:
        row["status"] = "dropped" if row["id"] == "0" else "kept"
        row["refinement"] = row["draft"] if row["id"] == "1" else "better"
    progress = console.BuildProgress(show=2)
    progress.passed("draft", rows)
    progress.passed("keep_or_drop", rows[:3])
    progress.passed("keep_or_drop", rows[3:])
    shown = capsys.readouterr()
    assert [f"draft {number}" in shown.err for number in range(5)] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert not OBEYED & set(shown.err)
    assert not shown.out
