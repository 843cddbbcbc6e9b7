import pytest

from builders.errors import BadInput
from builders.overlap import Earlier
from builders.release.make import make_release
from tests.ledger_rows import kept_rows, make_run

QUESTION = (
    "Explain in two short paragraphs why leap years exist, who introduced them, and which years "
    "that can be divided by one hundred are exceptions to the rule."
)


def row(instruction, id_="new", task=None):
    return {"id": id_, "instruction": instruction, "task": task}


@pytest.fixture
def earlier():
    found = Earlier()
    found.add(row(QUESTION, "old"))
    found.add(row("What is 17 + 25?", "sum", task='{"family":"sum","a":17,"b":25}'))
    return found


@pytest.mark.parametrize(
    "again",
    [
        row("Something else.", "old"),
        row(QUESTION.upper() + "  "),
        row(QUESTION.replace("two short", "three short")),
        row("How much is 17 and 25?", task='{"family":"sum","a":17,"b":25}'),
    ],
)
def test_what_was_there_before_is_found(earlier, again):
    assert earlier.same_as(again) in ("old", "sum")


@pytest.mark.parametrize(
    "other",
    [
        row("Why is the sky blue?"),
        row("What is 17 + 26?", task='{"family":"sum","a":17,"b":26}'),
        row(""),
        row("日本の首都はどこですか" * 200),
    ],
)
def test_what_is_new_is_not(earlier, other):
    assert earlier.same_as(other) is None


def test_runs_and_releases_are_read(tmp_path):
    rows = list(kept_rows(20))
    run, manifest = make_run(tmp_path / "run", rows)
    release = make_release(run, manifest, name="x", version="1.0.0", out=tmp_path)
    for folder in (run.folder, release):
        found = Earlier.in_folders([folder])
        assert all(found.same_as(row) == row["id"] for row in rows)
    with pytest.raises(BadInput, match="neither a run nor a release"):
        Earlier.in_folders([tmp_path])
