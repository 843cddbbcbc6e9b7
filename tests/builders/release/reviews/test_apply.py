"""Releases with what people said: dropped, corrected and kept rows, verdicts, figures, versions."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import load_dataset

from builders.errors import BadInput
from builders.ledger.funnel import Funnel
from builders.release.reviews.agreement import REVIEW_FIGURES
from builders.release.reviews.rules import human_verdict
from builders.review.report import review_figures
from builders.rows.ids import sample_id
from builders.rows.schema import VERDICTS, validate_ledger_row
from tests.builders.release.releases import all_rows, ids, manifest_of, parquet_bytes, read
from tests.builders.release.reviews.reviewed import (
    ROWS,
    SAID,
    WRONG,
    by_number,
    correction,
    corrections_of,
    release,
    verdicts_of,
)
from tests.ledger_rows import ledger_row, make_run
from tests.review_folders import make_review

ROOT = Path(__file__).parents[4]


def test_rows_that_people_found_wrong_are_dropped_with_the_count(dropped):
    assert by_number(dropped.ledger, "rejected_by_people") == WRONG
    assert dropped.ledger.keys() == {row["id"] for row in ROWS}
    assert dropped.feedback.keys() == {
        row["id"] for number, row in enumerate(ROWS) if number not in WRONG
    }
    for row in dropped.ledger.values():
        validate_ledger_row(row)


def test_a_correction_takes_the_place_of_its_row(corrected):
    rejected = {number: said for number, said in WRONG.items() if number != 4}
    assert by_number(corrected.ledger, "rejected_by_people") == rejected
    said = f"{WRONG[4]}; the correction is row human-{ROWS[4]['id']}"
    # Nobody judged row 6 without the model's verdict in view, and somebody corrected it.
    by_hand = f"the correction is row human-{ROWS[6]['id']}"
    assert by_number(corrected.ledger, "corrected_by_people") == {4: said, 6: by_hand}
    human = {key: row for key, row in corrected.ledger.items() if row["source"] == "human"}
    unusable = human.pop(f"human-{ROWS[5]['id']}")
    assert (unusable["status"], unusable["reason"]) == ("dropped", "headings_missing")
    # Row 3 was corrected too, and most people found nothing wrong with it.
    assert human.keys() == {f"human-{ROWS[number]['id']}" for number in (4, 6)}
    for number in (4, 6):
        row = corrected.feedback[f"human-{ROWS[number]['id']}"]
        assert row["refinement"] == f"Corrected by hand: {ROWS[number]['id']}."
        assert row["draft"] == ROWS[number]["draft"]
        assert (row["critic_model"], row["human_verdict"]) == ("a-0000000001", None)
        for split in ("train", "test"):
            places = ids(corrected.release, split=split)
            assert (ROWS[number]["id"] in places) == (row["id"] in places)
    taught = {row["id"] for row in all_rows(corrected.release, "sft")}
    assert taught == corrected.feedback.keys()


def test_a_correction_of_one_of_several_drafts_takes_its_place_alone(tmp_path):
    drafts = [{**ROWS[4], "id": sample_id(ROWS[4]["id"], number)} for number in (1, 2, 3)]
    run = make_run(tmp_path / "run", [*drafts, *ROWS[11:20]], review={"wrong": "correct"})
    review = make_review(
        tmp_path / "review",
        tmp_path / "run",
        verdicts_of({4: drafts[1]}, {4: SAID[4]}),
        [correction(drafts[1])],
    )
    rows = all_rows(release(tmp_path, [run], [review]))
    of_drafts = {row["id"]: row["reason"] for row in rows if ROWS[4]["id"] in row["id"]}
    first, second, third = (row["id"] for row in drafts)
    expected = {first: None, third: None, f"human-{second}": None, second: "corrected_by_people"}
    assert of_drafts == expected


def test_the_funnel_counts_the_corrections_too(corrected):
    expected = Funnel.of(corrected.ledger.values()).as_facts()
    assert corrected.manifest["funnel"].pop("cost") == pytest.approx(expected.pop("cost"))
    assert corrected.manifest["funnel"] == expected
    assert corrected.manifest["review"]["rows"] == {
        "asked": 20,
        "margin": 0,
        "judged": 12,
        "wrong": 6,
        "wrong_by_fewer": 0,
        "rejected": 5,
        "corrected": 2,
        "kept": 0,
    }
    card = (corrected.release / "README.md").read_text()
    assert "| `rejected_by_people` | 5 |" in card
    assert "People have reviewed 12 of the 45 kept rows." in card


def test_to_keep_them_changes_no_row(kept, unasked):
    assert [row["reason"] for row in kept.ledger.values()] == [None] * len(ROWS)
    assert kept.manifest["review"]["rows"]["kept"] == len(WRONG)
    before, after = parquet_bytes(unasked), parquet_bytes(kept.release)
    same = {name for name, content in before.items() if after[name] == content}
    assert {name.split("/")[0] for name in before.keys() - same} == {"feedback"}
    assert {name.split("/")[0] for name in after.keys() - before.keys()} == {"verdicts"}
    for row in all_rows(unasked, "feedback"):
        assert row == {**kept.feedback[row["id"]], "human_verdict": None}


def test_feedback_has_what_people_said_of_each_row(dropped, kept):
    verdicts = verdicts_of(ROWS)
    for number, row in enumerate(ROWS):
        of_row = [verdict for verdict in verdicts if verdict["id"] == row["id"]]
        summary = kept.feedback[row["id"]]["human_verdict"]
        assert summary == human_verdict(of_row)
        assert (summary is None) == (number in (6, 7) or number not in SAID)
        if number not in WRONG:
            assert dropped.feedback[row["id"]]["human_verdict"] == summary
    assert kept.feedback[ROWS[9]["id"]]["human_verdict"] == {
        "verdicts": 3,
        "better": None,
        "draft_score": 4.0,
        "refinement_score": 8.0,
    }


def test_verdicts_load_with_plain_datasets(dropped, tmp_path):
    loaded = load_dataset(str(dropped.release), "verdicts", cache_dir=str(tmp_path))
    assert {split: rows.features for split, rows in loaded.items()} == dict.fromkeys(
        loaded, VERDICTS
    )
    found = [row for split in loaded for row in loaded[split]]
    assert sorted(found, key=lambda row: (row["record"], row["annotator"])) == verdicts_of(ROWS)
    for split, rows in loaded.items():
        assert set(rows["id"]) <= set(ids(dropped.release, split=split))


def test_verdicts_are_in_the_order_of_the_rows(dropped):
    for split in ("train", "test"):
        rows = read(dropped.release, "verdicts", split)
        places = {row_id: at for at, row_id in enumerate(ids(dropped.release, split=split))}
        keys = [(places[row["id"]], row["record"], row["annotator"]) for row in rows]
        assert keys == sorted(keys)


@pytest.mark.parametrize("made", ["dropped", "corrected", "kept"])
def test_the_figures_are_of_all_that_were_asked_about(made, request):
    review = request.getfixturevalue(made).manifest["review"]
    expected = review_figures(verdicts_of(ROWS), ROWS)
    for key in REVIEW_FIGURES:
        if key != "rows":
            assert review[key] == json.loads(json.dumps(expected[key]))


def test_the_manifest_says_how_people_were_asked_and_not_who_or_where(dropped):
    review = dropped.manifest["review"]
    assert review["wrong"] == "drop"
    assert review["left_out"] == 0
    assert review["reviews"] == [
        {
            "source": {"kind": "run", "name": "run", "version": None},
            "name": "people",
            "rows": "scored",
            "strategy": "uniform",
            "seed": 0,
            "sample": 200,
            "overlap": 3,
            "calibration": 0,
            "assisted": False,
        }
    ]
    texts = [(dropped.release / name).read_text() for name in ("manifest.json", "README.md")]
    for word in ("127.0.0.1", str(dropped.out), "workspace"):
        assert not any(word in text for text in texts)
    assert {"numpy", "statsmodels"} <= dropped.manifest["created_by"].keys()


def test_new_verdicts_are_a_minor_change_and_lost_ones_a_major(kept, tmp_path):
    release(tmp_path, [kept.run])
    with pytest.raises(BadInput, match=r"minor change and needs at least 1\.1\.0"):
        release(tmp_path, [kept.run], [kept.review], version="1.0.1")
    second = release(tmp_path, [kept.run], [kept.review], version="1.1.0")
    log = (second / "CHANGELOG.md").read_text()
    assert "| verdicts | train |" in log
    assert "| feedback | train | 0 | 0 |" in log
    again = release(tmp_path, [kept.run], [kept.review], version="1.1.1")
    assert "No row was added, removed or changed." in (again / "CHANGELOG.md").read_text()
    with pytest.raises(BadInput, match=r"the config verdicts is gone; .* at least 2.0.0"):
        release(tmp_path, [kept.run], version="1.2.0")


def test_stage_2_drops_pairs_that_people_found_wrong(tmp_path):
    run = make_run(tmp_path / "run", ROWS, stage=2)
    made = release(tmp_path, [run], [make_review(tmp_path / "p", run[0].folder, verdicts_of(ROWS))])
    assert {row["id"] for row in all_rows(made, "preferences")} == {
        row["id"] for number, row in enumerate(ROWS) if number not in WRONG
    }
    assert len(all_rows(made, "verdicts")) == len(verdicts_of(ROWS))
    assert list(manifest_of(made)["configs"])[-1] == "verdicts"


def test_releases_without_a_review_import_no_statistics(tmp_path):
    make_run(tmp_path / "run", [ledger_row(number, reason=None) for number in range(5)])
    code = """
import sys
from pathlib import Path
from builders.gate.gate import ReleaseGate, recheck
from builders.settings import GateSettings
from builders.release.make import release_runs
from builders.ledger.run import open_complete_run
run, manifest = open_complete_run(Path("run"))
gate = ReleaseGate(GateSettings(benchmarks=False, warn_near_duplicates=1))
release = release_runs([(run, manifest)], name="r", version="1.0.0", out=Path(), check=gate.check)
recheck(release)
assert "statsmodels" not in sys.modules
"""
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)


def test_corrections_are_those_that_a_pull_leaves():
    for row in corrections_of(ROWS):
        validate_ledger_row({key: value for key, value in row.items() if key != "corrects"})
