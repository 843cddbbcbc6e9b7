"""What `srt check` prints, and how it ends."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from builders.errors import BadInput, GateRefused
from builders.gate.check import CHECKS
from builders.release.make import release_runs
from pipelines.cli.check import check
from pipelines.cli.release import release as release_command
from tests.ledger_rows import kept_rows, make_run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("releases")
    run, manifest = make_run(folder / "run", kept_rows(40))
    return release_runs([(run, manifest)], name="r", version="1.0.0", out=folder)


@pytest.fixture
def release(whole, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    return shutil.copytree(whole, tmp_path / whole.name)


@pytest.fixture
def prompts(release, tmp_path):
    """An evaluation set that holds one of the release's prompts, and that row's id."""
    (ledger,) = (release / "ledger").glob("train-*.parquet")
    row = pq.read_table(ledger).to_pylist()[0]
    path = tmp_path / "prompts.jsonl"
    path.write_text(json.dumps({"asked": row["instruction"]}) + "\n")
    return f"{path}:asked", row["id"]


def test_a_line_for_each_check(release, capsys):
    check(release)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line[:1] != " "] == [*CHECKS]


def test_as_json(release, capsys):
    check(release, as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["release"] == str(release)
    assert [one["name"] for one in facts["checks"]] == [*CHECKS]
    assert facts["settings"]["personal_data"] == "refuse"


def test_a_failed_check_is_shown_and_refuses(release, prompts, capsys):
    named, row_id = prompts
    with pytest.raises(GateRefused, match=rf"evaluation-overlap: 1 of .*{row_id}"):
        check(release, evaluation=[named])
    assert f"rows {row_id}" in capsys.readouterr().out


def test_an_allowed_check_shows_its_reason(release, prompts, capsys):
    reason = "a test of [bold]tests[/bold]"
    allow = {"allow": ["evaluation-overlap"], "reason": [reason]}
    check(release, evaluation=[prompts[0]], **allow)
    assert f"allowed: {reason}" in capsys.readouterr().out
    check(release, evaluation=[prompts[0]], **allow, as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["checks"][CHECKS.index("evaluation-overlap")]["allowed"] == reason

    # What the release was allowed when it was made stays allowed, and its settings hold.
    path = release / "manifest.json"
    manifest = json.loads(path.read_text())
    gate = {"settings": facts["settings"], "checks": facts["checks"]}
    path.write_text(json.dumps({**manifest, "gate": gate}))
    check(release, evaluation=[prompts[0]])
    gate["settings"]["overlap"] = "warn"
    path.write_text(json.dumps({**manifest, "gate": {"settings": gate["settings"]}}))
    check(release, evaluation=[prompts[0]])


def test_a_damaged_file_refuses(release):
    (ledger,) = (release / "ledger").glob("train-*.parquet")
    ledger.write_bytes(ledger.read_bytes()[:-100])
    with pytest.raises(GateRefused, match=f"schema: ledger/{ledger.name}: cannot be read"):
        check(release)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"evaluation": ["none.txt"]}, "none.txt: no such file"),
        ({"allow": ["secrets"]}, "1 --allow and 0 --reason"),
        ({"reason": ["because"]}, "0 --allow and 1 --reason"),
        ({"allow": ["secret"], "reason": ["x"]}, "'secret' is not one of schema, "),
        ({"allow": ["secrets"], "reason": [" "]}, "needs a --reason"),
    ],
)
def test_wrong_options_are_told_in_one_line(release, options, says):
    with pytest.raises(BadInput) as error:
        check(release, **options)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_release_is_told(release, tmp_path):
    (release / "manifest.json").write_text("{")
    with pytest.raises(BadInput, match="not a release's manifest"):
        check(release)
    with pytest.raises(BadInput, match="not a release"):
        check(tmp_path / "nowhere")


def test_what_is_no_place_to_check_in_is_told(release):
    with pytest.raises(BadInput, match=r"execution\.kind: batch asks models, and this asks none"):
        check(release, ["execution.kind=batch"])


def test_a_release_of_no_run_is_told():
    with pytest.raises(BadInput, match="a release needs a run"):
        release_command(["execution.kind=local"], name="r", version="1.0.0")
