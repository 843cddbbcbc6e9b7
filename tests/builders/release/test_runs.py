"""Releases of several runs: each candidate is there, what two runs kept is kept once."""

import os

import pyarrow as pa
import pytest
from huggingface_hub import DatasetCard

from builders.errors import BadInput, GateRefused
from builders.ledger.funnel import Funnel
from builders.manifest import Check, GateRecord, read_manifest
from builders.release.make import release_runs
from tests.builders.release.releases import all_rows, manifest_of, release_of
from tests.ledger_rows import kept_rows, ledger_row, ledger_rows, make_run


def test_all_candidates_of_all_runs_are_in_the_ledger(tmp_path):
    first, second = list(ledger_rows(50)), list(ledger_rows(30, first=200))
    release = release_of(tmp_path, first, second)
    assert {row["id"] for row in all_rows(release)} == {row["id"] for row in first + second}
    found = manifest_of(release)
    expected = Funnel.of([*first, *second]).as_facts()
    assert found["funnel"].pop("cost") == pytest.approx(expected.pop("cost"))
    assert found["funnel"] == expected
    assert [(run["name"], run["rows"]) for run in found["runs"]] == [("run 0", 50), ("run 1", 30)]


def test_an_instruction_that_two_runs_kept_is_the_first_runs(tmp_path):
    rows = list(kept_rows(5))
    same_id = {**rows[0], "refinement": "Another refinement of it."}
    other_source = {**rows[1], "id": "other", "instruction": rows[1]["instruction"].upper() + "?"}
    release = release_of(tmp_path, rows, [same_id, other_source, *kept_rows(2, first=50)])
    feedback = {row["id"]: row for row in all_rows(release, "feedback")}
    assert len(feedback) == 7
    assert feedback[rows[0]["id"]]["refinement"] == rows[0]["refinement"]
    again = [row for row in all_rows(release) if row["status"] == "dropped"]
    assert {(row["id"], row["reason"], row["detail"]) for row in again} == {
        (rows[0]["id"], "duplicate", "kept in the run run 0"),
        ("other", "duplicate", "kept in the run run 0"),
    }
    funnel = manifest_of(release)["funnel"]
    assert (funnel["rows"], funnel["kept"], funnel["dropped"]) == (9, 7, {"duplicate": 2})
    assert sum(funnel["draft_scores"].values()) == 7
    card = (release / "README.md").read_text(encoding="utf-8")
    assert "; 7 of 9 candidates kept |" in card
    assert "| run 1 | 4 | 4 |" in card


def test_what_runs_differ_in_is_said_of_each(tmp_path):
    rows = list(kept_rows(3, first=20))
    for row in rows:
        row["calls"] = [{**call, "model": "example/other"} for call in row["calls"]]
    first = make_run(tmp_path / "one", kept_rows(3))
    second = make_run(
        tmp_path / "two", rows, seed=7, recipe_sha256="cd" * 32, language=["en", "no"], about="B."
    )
    release = release_runs([first, second], name="tiny", version="1.0.0", out=tmp_path)
    found = manifest_of(release)
    assert found["recipe_sha256"] is None
    assert found["seed"] is None
    assert [run["name"] for run in found["runs"]] == ["one", "two"]
    assert [run["seed"] for run in found["runs"]] == [0, 7]
    assert found["language"] == ["en", "no"]
    drafters = [block["model"] for block in found["models"] if block["step"] == "draft"]
    assert drafters == ["example/small-draft-135m", "example/other"]
    assert "example/other" in (release / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"stage": 2}, "stage is 2, and in .*one it is 1; "),
        ({"license": "mit"}, "license is 'mit'"),
        ({"test_share": 0.5}, "test_share is 0.5"),
    ],
)
def test_runs_of_different_kinds_are_refused(tmp_path, facts, said):
    runs = [
        make_run(tmp_path / "one", kept_rows(2)),
        make_run(tmp_path / "two", kept_rows(2), **facts),
    ]
    with pytest.raises(BadInput, match=said) as error:
        release_runs(runs, name="tiny", version="1.0.0", out=tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_run_given_twice_is_refused(tmp_path):
    run = make_run(tmp_path / "one", kept_rows(2))
    with pytest.raises(BadInput, match="given twice"):
        release_runs([run, run], name="tiny", version="1.0.0", out=tmp_path)


class ByRow:
    """Redacts tables row by row."""

    def __init__(self, change):
        self._change = change

    def __call__(self, row):
        return self._change(row)

    def table(self, rows):
        return pa.Table.from_pylist([self(row) for row in rows.to_pylist()], rows.schema)


def test_rows_are_redacted_before_anything_is_made_of_them(tmp_path):
    secret = "sesame"

    def hide(row):
        return {**row, "instruction": row["instruction"].replace(secret, "[hidden]")}

    rows = [
        ledger_row(1, reason=None, instruction=f"Why is {secret} a word?"),
        *kept_rows(3, first=20),
    ]
    release = release_of(tmp_path, rows, redact=ByRow(hide))
    for config in ("ledger", "feedback", "sft"):
        texts = str(all_rows(release, config))
        assert secret not in texts
        assert "[hidden]" in texts


def test_redaction_may_drop_rows_but_not_all(tmp_path):
    def drop(row):
        return {**row, "status": "dropped", "reason": "margin"}

    first = list(kept_rows(4))
    but_first = ByRow(lambda row: row if row["id"] == first[0]["id"] else drop(row))
    release = release_of(tmp_path, first, redact=but_first)
    assert manifest_of(release)["funnel"]["dropped"] == {"margin": 3}
    with pytest.raises(GateRefused, match="no row was kept"):
        release_of(tmp_path, first, redact=ByRow(drop), version="1.1.0")


def test_the_check_sees_the_folder_and_its_result_is_kept(tmp_path):
    seen = {}
    passed = Check(name="mine", status="pass", sentence="All 4 are mine.", figures={"rows": 4})
    gate = GateRecord(checks=[passed])

    def check(folder, manifest):
        seen.update(files={path.name for path in folder.iterdir()}, kept=manifest.funnel["kept"])
        return gate

    release = release_of(tmp_path, kept_rows(4), check=check)
    assert {"ledger", "feedback"} <= seen["files"]
    assert not {"README.md", "manifest.json"} & seen["files"]
    assert seen["kept"] == 4
    assert read_manifest(release).gate == gate
    assert "| `mine` | pass | All 4 are mine. |" in (release / "README.md").read_text()


def test_a_check_that_refuses_leaves_nothing(tmp_path):
    def refuse(folder, manifest):
        raise GateRefused("no")

    with pytest.raises(GateRefused, match=r"^no$"):
        release_of(tmp_path, kept_rows(4), check=refuse)
    assert list((tmp_path / "releases").iterdir()) == []


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"license": "proprietary"}, "license: 'proprietary' is no license of the Hub's list"),
        ({"license": "other"}, "license: `other` needs `license_name` and `license_link`"),
        ({"language": ["en", "english"]}, "language: 'english' is no ISO 639 code"),
    ],
)
def test_a_card_that_the_hub_would_refuse(tmp_path, facts, says):
    run = make_run(tmp_path / "run", kept_rows(5), **facts)
    with pytest.raises(BadInput, match=says) as error:
        release_runs([run], name="x", version="1.0.0", out=tmp_path)
    assert "change the recipe, and `srt build` writes it into the run" in str(error.value)


def test_terms_of_their_own_are_on_card_and_manifest(tmp_path):
    terms = {"license": "other", "license_name": "mine", "license_link": "https://example.org"}
    run = make_run(tmp_path / "run", kept_rows(5), **terms)
    folder = release_runs([run], name="x", version="1.0.0", out=tmp_path)
    manifest = read_manifest(folder)
    assert (manifest.license, manifest.terms) == ("other", "mine")
    data = DatasetCard.load(folder / "README.md").data.to_dict()
    assert {key: data[key] for key in terms} == terms


@pytest.mark.parametrize("damage", ["flipped", "gone", "a pipe", "another"])
def test_a_damaged_part_of_a_ledger_is_named(tmp_path, damage):
    run, manifest = make_run(tmp_path / "run", kept_rows(5))
    (part,) = run.parts()
    content = part.read_bytes()
    if damage == "flipped":
        part.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif damage == "another":
        (part.parent / "part-000009.parquet").write_bytes(content)
    else:
        part.unlink()
    if damage == "a pipe":
        os.mkfifo(part)
    with pytest.raises(BadInput, match=r"run/ledger/part-00000\d\.parquet") as error:
        release_runs([(run, manifest)], name="x", version="1.0.0", out=tmp_path)
    assert "\n" not in str(error.value)
