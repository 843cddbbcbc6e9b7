"""Releases that carry audits: the config, the checks, and what the card says."""

import json
import random

import pyarrow.parquet as pq
import pytest

from builders.audit.freeze import freeze_file
from builders.errors import BadInput, GateRefused
from builders.gate.check import AUDIT_CHECKS
from builders.gate.gate import ReleaseGate, recheck
from builders.release.make import release_runs
from builders.settings import GateSettings
from pipelines.audit.run import AuditRequest, run_audit
from tests.builders.release.releases import all_rows, ids, manifest_of
from tests.builders.release.reviews.reviewed import rewritten
from tests.ledger_rows import kept_rows, make_run

ROWS = list(kept_rows(60))
SETTINGS = {"benchmarks": False, "warn_near_duplicates": 1}


class Audited:
    """A set of 300 pairs, some on instructions of ROWS, and audits of judges by their errors."""

    def __init__(self, folder):
        chance = random.Random(0)
        self.folder, pairs = folder, []
        for number in range(300):
            text = ROWS[number]["instruction"] if number < 3 else f"Say {chance.random()} aloud."
            pairs.append(
                {
                    "id": f"p{number}",
                    "instruction": text,
                    "answer_a": f"An answer {number}",
                    "answer_b": f"Another, {number}",
                    "choices": {"ada": "b", "ben": "b"},
                    "writer_b": "model",
                    "writer_a": "other",
                }
            )
        self.pairs = pairs
        self.set = freeze_file(self._write("pairs", pairs), folder / "set", license="mit").folder

    def _write(self, name, rows):
        path = self.folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def scores(self, name, wrong, unreadable=0):
        """A table of a judge who is wrong in the last pairs, and unreadable in the first."""
        rows = []
        for number, pair in enumerate(self.pairs):
            score_b = 3 if number >= 300 - wrong else 7
            rows.append(
                {
                    "id": pair["id"],
                    "score_a": 5,
                    "score_b": None if number < unreadable else score_b,
                }
            )
        return str(self._write(name, rows))

    def audit(self, name, wrong, against=30, **options):
        against = self.scores(f"{name}-old", against) if against is not None else None
        request = AuditRequest(self.scores(name, wrong, **options), self.set, against=against)
        return run_audit(request, self.set / "audits" / name)[0]


@pytest.fixture
def audited(tmp_path):
    return Audited(tmp_path)


def release(folder, audits, version="1.0.0", allowed=None, **settings):
    gate = ReleaseGate(GateSettings(**SETTINGS, **settings), allowed=allowed)
    number = len(list(folder.glob("run-*")))
    run = make_run(folder / f"run-{number}", ROWS)
    return release_runs(
        [run],
        name="tiny",
        version=version,
        out=folder / "releases",
        audits=audits,
        check=gate.check,
    )


def statuses(folder):
    return {one.name: one.status for one in recheck(folder).checks if one.name in AUDIT_CHECKS}


def test_a_release_with_an_audit(tmp_path, audited):
    made = release(tmp_path, [audited.audit("model", 30)])
    assert statuses(made) == {
        "audit-fall": "pass",
        "audit-level": "pass",
        # What the model of a table was trained on is not known.
        "audit-set": "warn",
        "audit-readable": "pass",
        "self-preference": "pass",
    }
    rows = all_rows(made, "audits")
    assert {row["role"] for row in rows} == {"model", "against"}
    assert len(rows) == 600
    assert not {"instruction", "answer_a"} & rows[0].keys()
    card = (made / "README.md").read_text()
    assert "## Does its judgment hold?" in card
    assert (
        "not worse. model agrees with people as often as model-old (300 pairs: 0 better, 0 worse"
        in card
    )
    assert "![Agreement with people" in card
    assert (made / "assets/audit-1.png").is_file()
    # Its set is kept out of training without being named in the recipe.
    dropped = [row["id"] for row in all_rows(made) if row["reason"] == "reserved_for_audit"]
    assert set(dropped) == {row["id"] for row in ROWS[:3]}
    assert not set(dropped) & set(ids(made, "sft"))
    assert str(tmp_path) not in (made / "manifest.json").read_text()


def test_the_next_version_may_carry_another_audit_or_none(tmp_path, audited):
    release(tmp_path, [audited.audit("model", 30)])
    release(tmp_path, [audited.audit("model-2", 28)], version="1.1.0")
    with pytest.raises(BadInput, match="the config audits is gone"):
        release(tmp_path, [], version="1.2.0")
    third = release(tmp_path, [], version="2.0.0")
    assert manifest_of(third).get("audits") is None
    assert "## 2.0.0" in (third / "CHANGELOG.md").read_text()


def test_a_fall_is_refused_unless_it_is_allowed(tmp_path, audited):
    fallen = audited.audit("model", 70)
    with pytest.raises(
        GateRefused, match=r"audit-fall: model against model-old .*: agreement fell"
    ):
        release(tmp_path, [fallen])
    made = release(tmp_path, [fallen], allowed={"audit-fall": "it is a toy"})
    assert statuses(made)["audit-fall"] == "fail"
    assert "it is a toy" in (made / "README.md").read_text()
    recheck(made).refuse()


def test_too_little_data_warns_and_says_how_much_is_missing(tmp_path, audited):
    request = AuditRequest(
        audited.scores("few", 0), audited.set, audited.scores("old", 0), limit=20
    )
    folder, _ = run_audit(request)
    made = release(tmp_path, [folder])
    (fall,) = [one for one in recheck(made).checks if one.name == "audit-fall"]
    assert fall.status == "warn"
    assert "inconclusive" in fall.sentence
    assert "more would decide" in fall.sentence


def test_the_margin_is_the_gates(tmp_path, audited):
    slight = audited.audit("model", 32)
    assert statuses(release(tmp_path, [slight]))["audit-fall"] == "pass"
    strict = release(tmp_path / "strict", [slight], audit_margin=0.005)
    assert statuses(strict)["audit-fall"] == "warn"


def test_a_level_that_the_recipe_asks_for(tmp_path, audited):
    folder = audited.audit("model", 30)
    with pytest.raises(GateRefused, match=r"audit-level: .* min_audit_agreement 95\.0%"):
        release(tmp_path, [folder], min_audit_agreement=0.95)


def test_unreadable_scores_are_refused(tmp_path, audited):
    with pytest.raises(GateRefused, match=r"audit-readable: 16\.7% of model's scores"):
        release(tmp_path, [audited.audit("model", 30, unreadable=100)])


def test_a_set_that_is_not_kept_out_is_refused(tmp_path, audited):
    folder = audited.audit("model", 30)
    elsewhere = tmp_path / "elsewhere/audit"
    elsewhere.parent.mkdir()
    folder.rename(elsewhere)
    with pytest.raises(GateRefused, match="audit-set: The set set is not kept out of training"):
        release(tmp_path, [elsewhere])


def test_judgments_or_figures_that_were_changed_are_found(tmp_path, audited):
    made = release(tmp_path, [audited.audit("model", 30)])

    def better(manifest):
        manifest["audits"][0]["comparisons"][0]["figures"]["difference"] = 0.2

    rewritten(made, better)
    (fall,) = [one for one in recheck(made).checks if one.name == "audit-fall"]
    assert (fall.status, "not those of the judgments" in fall.sentence) == ("fail", True)


def test_judgments_that_were_changed_are_found(tmp_path, audited):
    made = release(tmp_path, [audited.audit("model", 30)])
    (path,) = (made / "audits").glob("*.parquet")
    table = pq.read_table(path)
    rows = table.to_pylist()
    for row in rows[:40]:
        row["score_b"] = 1.0
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), path)
    assert statuses(made)["audit-fall"] == "fail"


def test_an_audit_without_a_comparison_warns(tmp_path, audited):
    made = release(tmp_path, [audited.audit("model", 30, against=None)])
    assert statuses(made)["audit-fall"] == "warn"


def test_what_is_no_audit(tmp_path, audited):
    with pytest.raises(BadInput, match="not an audit"):
        release(tmp_path, [tmp_path])
    folder = audited.audit("model", 30)
    with pytest.raises(BadInput, match="given twice"):
        release(tmp_path / "twice", [folder, folder])


def test_a_release_without_audits_has_no_such_checks(tmp_path):
    made = release(tmp_path, [])
    assert statuses(made) == {}
    assert "Does its judgment hold" not in (made / "README.md").read_text()
