"""Whether `srt demo --json` tells of a demo that did what README says; run by `.ci/run`."""

import json
import sys
from pathlib import Path

facts = json.load(sys.stdin)
audits, pages, seconds = (facts.pop(name) for name in ("audits", "pages", "seconds"))
stage1 = facts["stage1"]
assert stage1["rows"] == 60
assert stage1["drafted"] >= 50
assert stage1["kept"] >= 30
assert stage1["mean_refinement_score"] > stage1["mean_draft_score"]
drafters = {"stage1": "SmolLM2-135M-Instruct", "stage2": "stage1"}
for name, stage in facts.items():
    release, checkpoint = Path(stage["release"]), Path(stage["checkpoint"])
    assert (release / "assets" / "scores.png").stat().st_size > 5_000
    assert drafters[name] in (release / "README.md").read_text()
    assert (checkpoint / "training.json").is_file()
assert [Path(one["audit"]).name for one in audits] == ["base", *facts]
for look, audit in enumerate(audits, 1):
    folder = Path(audit["audit"])
    assert audit["look"] == look
    assert audit["set"]["judged_by"] == "checker"
    assert audit["pairs"]["audited"] >= 4
    assert audit["pairs"]["leaked"] == 0
    assert "which has none of these" in audit["pairs"]["contamination"] or look == 1
    assert "the checker" in (folder / "audit.md").read_text()
    assert (folder / "assets" / "audit.png").stat().st_size > 5_000
    verdicts = [one["figures"]["verdict"] for one in audit["comparisons"]]
    assert len(verdicts) == look - 1
    assert set(verdicts) <= {"fell", "not worse", "inconclusive"}
for page in pages:
    assert "<script" in Path(page).read_text()
assert len(pages) == len(facts) + 1
pairs = facts["stage2"]["kept"] if "stage2" in facts else 0
print(f"pairs of stage 2: {pairs}")
print("seconds: " + ", ".join(f"{name} {spent:.0f}" for name, spent in seconds.items()))
print(f"together: {sum(seconds.values()):.0f}")
print(f"the demo is whole: {', '.join(facts)}")
