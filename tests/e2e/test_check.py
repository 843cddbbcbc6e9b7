"""`srt check` as a user types it, on a release of scripted models."""

import json

import pyarrow.parquet as pq
import pytest

from builders.gate.check import CHECKS
from tests.e2e.test_commands import one_line

RELEASE = "releases/demo@v1.0.0"


@pytest.fixture
def released(srt, recipe, tmp_path):
    srt("build", "stage1", recipe())
    srt("release", "runs/scripted", "--name", "demo", "--version", "1.0.0")
    return tmp_path / RELEASE


def test_a_release_is_checked(srt, released, tmp_path):
    good = srt("check", RELEASE)
    assert [line.split()[1] for line in good.stdout.splitlines() if line[:1] != " "] == [*CHECKS]

    facts = json.loads(srt("check", RELEASE, "--json").stdout)
    assert facts["release"] == RELEASE
    assert [check["name"] for check in facts["checks"]] == [*CHECKS]
    assert facts["settings"]["personal_data"] == "refuse"

    # An evaluation set that holds one of its prompts.
    (ledger,) = (released / "ledger").glob("train-*.parquet")
    row = next(row for row in pq.read_table(ledger).to_pylist() if row["status"] == "kept")
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text(json.dumps({"asked": row["instruction"]}) + "\n")
    named = ["--evaluation", "prompts.jsonl:asked"]
    refused = srt("check", RELEASE, *named, expect=3)
    assert "1 of" in refused.stdout
    assert "evaluation-overlap: 1 of" in one_line(refused.stderr)
    assert row["id"] in one_line(refused.stderr)

    allow = ["--allow", "evaluation-overlap", "--reason", "a test of [bold]tests[/bold]"]
    allowed = srt("check", RELEASE, *named, *allow)
    assert "allowed: a test of [bold]tests[/bold]" in allowed.stdout
    facts = json.loads(srt("check", RELEASE, *named, *allow, "--json").stdout)
    assert facts["checks"][2]["allowed"] == "a test of [bold]tests[/bold]"

    for wrong, says in {
        ("--evaluation", "none.txt"): "none.txt: no such file",
        ("--evaluation", "prompts.jsonl:x"): "no column 'x'",
        ("--allow", "secrets"): "1 --allow and 0 --reason",
        ("--allow", "secret", "--reason", "x"): "'secret' is not one of schema, ",
        ("--allow", "secrets", "--reason", " "): "needs a --reason",
    }.items():
        assert says in one_line(srt("check", RELEASE, *wrong, expect=2).stderr)

    ledger.write_bytes(ledger.read_bytes()[:-100])
    broken = srt("check", RELEASE, expect=3)
    assert f"schema: ledger/{ledger.name}: cannot be read" in one_line(broken.stderr)

    (released / "manifest.json").write_text("{")
    assert "manifest.json: not JSON" in one_line(srt("check", RELEASE, expect=2).stderr)
    (released / "manifest.json").unlink()
    assert "not a release" in one_line(srt("check", RELEASE, expect=2).stderr)
    assert "not a release" in one_line(srt("check", "nowhere", expect=2).stderr)


def test_help_has_an_example(srt):
    assert "Example: srt check" in srt("check", "--help").stdout
