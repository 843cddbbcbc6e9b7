"""A trained checkpoint is audited, without what it was trained on, and its card says so."""

import json
import shutil

from builders.audit.freeze import freeze_file
from pipelines.audit.run import AuditRequest, run_audit
from pipelines.hub.audited import attach_audit, check_checkpoint
from tests.builders.release.releases import read


def test_a_checkpoint_from_set_to_card(stage1, releases, tmp_path):
    (trained, *_) = read(releases.stage1, "feedback", "train")
    instructions = [trained["instruction"], "Name a sea between two continents, please."]
    pairs = [
        {"instruction": text, "answer_a": "Short.", "answer_b": "Another.", "better": "b"}
        for text in instructions
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    frozen = freeze_file(path, tmp_path / "set", license="mit")
    folder, audit = run_audit(AuditRequest(str(stage1), frozen.folder))
    assert (audit.pairs.leaked, audit.pairs.audited) == (1, 1)
    assert "stage1 1.0.0, which has 1" in audit.pairs.contamination
    times = json.loads((stage1 / "training.json").read_text())["trained"]
    assert times["started_at"] <= times["ended_at"]
    assert "the set was frozen after that training had begun" in audit.pairs.contamination
    # Two steps of training teach a tiny model nothing, and its replies are no critiques.
    assert audit.pairs.unreadable_share == 1
    checks = {one.name: one.status for one in check_checkpoint(stage1, folder)}
    assert checks["audit-readable"] == "fail"
    copy = shutil.copytree(stage1, tmp_path / "copy")
    attach_audit(copy, folder)
    assert "## Does its judgment hold?" in (copy / "README.md").read_text()
    assert check_checkpoint(copy)
