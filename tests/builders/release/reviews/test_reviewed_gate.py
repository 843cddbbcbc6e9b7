"""The gate over releases with people's verdicts, whole and tampered with, and over older ones."""

import hashlib
import shutil

import pyarrow.parquet as pq
import pytest

from builders.gate.gate import recheck
from builders.settings import GateSettings
from tests.builders.release.releases import all_rows, manifest_of
from tests.builders.release.reviews.reviewed import ROWS, correction, failed, release, rewritten
from tests.ledger_rows import make_run
from tests.review_folders import make_review
from tests.verdict_rows import verdict_row


def test_the_gate_repeats_all_of_it(dropped, corrected, kept, unasked):
    for made in (dropped, corrected, kept):
        checks = {check.name: check for check in recheck(made.release).checks}
        assert [name for name, check in checks.items() if check.status == "fail"] == []
        assert checks["human-agreement"].status == "pass"
        assert checks["human-agreement"].sentence.startswith("49 verdicts: the model's agreement")
    (nobody,) = (one for one in recheck(unasked).checks if one.name == "human-agreement")
    assert (nobody.status, nobody.sentence) == ("warn", "No person has judged these rows.")


@pytest.fixture
def copy(corrected, tmp_path):
    return shutil.copytree(corrected.release, tmp_path / corrected.release.name)


def edit(folder, config, change):
    """Change the rows of a config's train split, and have the manifest agree with the file."""
    (path,) = (folder / config).glob("train-*.parquet")
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(table.from_pylist(rows, schema=table.schema), path)
    name, content = path.relative_to(folder).as_posix(), path.read_bytes()
    digest = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    rewritten(folder, lambda manifest: manifest["files"].update({name: digest}))


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("gate", "agreement", "value"), 0.99),
        (("counts", "verdicts"), 900),
        (("agreement", "better", "alpha", "nominal", "low"), 0.9),
        (("trust", "pairwise", "longer", "value"), 0.1),
        (("trust", "calibration", "scores", 3, "human", "value"), 9.5),
        (("rows", "rejected"), 0),
    ],
)
def test_a_figure_that_was_tampered_with_is_found(copy, keys, value):
    def change(manifest):
        block = manifest["review"]
        for key in keys[:-1]:
            block = block[key]
        block[keys[-1]] = value

    rewritten(copy, change)
    said = failed(copy)
    assert said.keys() == {"card-figures"}
    assert said["card-figures"].startswith(f"review.{'.'.join(map(str, keys))} is stated as ")


def test_an_older_release_is_compared_by_what_every_version_computes_alike(copy):
    def age(manifest):
        review = manifest["review"]
        del review["figures"], review["rows"]["margin"], review["trust"]["calibration"]
        review["gate"]["agreement"]["low"] = 0.01

    rewritten(copy, age)
    assert not failed(copy)
    rewritten(copy, lambda manifest: manifest["review"]["counts"].update(counted=900))
    assert failed(copy)["card-figures"].startswith("review.counts.counted is stated as 900")
    rewritten(copy, lambda manifest: manifest["review"].update(counts={}))
    assert "figures of an older release" in failed(copy)["card-figures"]


def test_verdicts_that_were_tampered_with_are_found(copy, tmp_path):
    def flatter(rows):
        rows[0]["better"] = "refinement"

    shutil.copytree(copy, tmp_path / "flattered")
    edit(tmp_path / "flattered", "feedback", lambda rows: rows[0].update(human_verdict=None))
    edit(tmp_path / "flattered", "verdicts", flatter)
    assert failed(tmp_path / "flattered").keys() == {"card-figures"}
    edit(copy, "verdicts", lambda rows: rows[0].update(id="nobody's"))
    said = failed(copy)
    assert "record-0" in said["human-agreement"] or "nobody's" in said["human-agreement"]


def test_a_summary_that_nobody_gave_is_found(copy):
    def invent(rows):
        row = next(row for row in rows if row["human_verdict"] is None)
        row["human_verdict"] = {
            "verdicts": 3,
            "better": "refinement",
            "draft_score": 2.0,
            "refinement_score": 9.0,
        }

    edit(copy, "feedback", invent)
    assert "is not what its verdicts say" in failed(copy)["card-figures"]


def test_a_verdict_that_cannot_be_fails_twice(copy):
    edit(copy, "verdicts", lambda rows: rows[0].update(draft_score=11))
    said = failed(copy)
    assert "draft_score is 11, outside 1 to 10" in said["schema"]
    assert "draft_score is 11" in said["human-agreement"]
    (path,) = (copy / "verdicts").glob("train-*.parquet")
    path.write_bytes(b"no parquet")
    assert {"schema", "human-agreement", "card-figures"} <= failed(copy).keys()


def test_what_people_wrote_is_looked_through_and_redacted(tmp_path):
    told = "Ask ada@analytical.org for it."
    verdicts = [
        verdict_row(number, id=ROWS[number]["id"], corrected_refinement=told) for number in (1, 2)
    ]
    run = make_run(tmp_path / "run", ROWS, review={"wrong": "correct"})
    review = make_review(
        tmp_path / "people",
        tmp_path / "run",
        [{**verdicts[0], "assisted": True}, verdicts[1]],
        [correction(ROWS[1], refinement=told)],
    )
    lenient = GateSettings(benchmarks=False, warn_near_duplicates=1, personal_data="warn")
    plain = release(tmp_path / "plain", [run], [review], settings=lenient)
    (check,) = (one for one in recheck(plain).checks if one.name == "personal-data")
    assert check.status == "warn"
    # In two verdicts, and in the correction that one of them made.
    assert check.figures["by_kind"] == {"EMAIL": 3}
    redacting = GateSettings(benchmarks=False, warn_near_duplicates=1, personal_data="redact")
    made = release(tmp_path, [run], [review], settings=redacting)
    assert {row["corrected_refinement"] for row in all_rows(made, "verdicts")} == {
        "Ask [EMAIL] for it."
    }
    assert manifest_of(made)["gate"]["redacted"] == {"rows": 3, "by_kind": {"EMAIL": 3}}
