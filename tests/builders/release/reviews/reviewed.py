"""Releases with a review in which people said all there is to say of some rows, for tests."""

from typing import Any

from builders.files.atomic import write_json
from builders.gate.gate import ReleaseGate, recheck
from builders.release.make import release_runs
from builders.settings import GateSettings
from tests.builders.release.releases import all_rows, manifest_of
from tests.ledger_rows import kept_rows, ledger_row, make_run
from tests.review_folders import make_review
from tests.verdict_rows import verdict_row

# Rows of a few templates are alike, and no evaluation set is of interest here.
SETTINGS = GateSettings(benchmarks=False, warn_near_duplicates=1)
PEOPLE = ("a-0000000001", "a-0000000002", "a-0000000003")
FINE: dict[str, Any] = {"better": "refinement", "weaknesses_real": "all"}
DRAFT = {"better": "draft", "draft_score": 8, "refinement_score": 5}
UNREAL = {"weaknesses_real": "none"}
ERROR = {"refinement_introduces_error": True}
ASSISTED = {"assisted": True}
# What the three people said of the first rows, by row.
SAID = {
    0: (DRAFT, DRAFT, FINE),
    1: (UNREAL, UNREAL, UNREAL),
    2: (ERROR, FINE, {**DRAFT, **ERROR}),
    3: (DRAFT, UNREAL, ERROR),
    4: (DRAFT, {**DRAFT, "corrected_critique": "Weaknesses: none."}, DRAFT),
    5: ({**DRAFT, "corrected_refinement": ""}, DRAFT, DRAFT),
    6: ({**ASSISTED, "corrected_refinement": "By hand."},),
    7: ({"status": "discarded", "better": None},),
    8: ({**DRAFT, **ASSISTED}, {**DRAFT, **ASSISTED}, FINE),
    9: (FINE, {**FINE, "better": None}, {**FINE, "better": "tie"}),
    10: ({**DRAFT, "calibration": True}, {**DRAFT, "calibration": True}),
    **dict.fromkeys(range(11, 20), (FINE, FINE, {**FINE, "refinement_score": 7})),
}
WRONG = {
    0: "2 of 3 say that the draft is better",
    1: "3 of 3 say that no weakness is real",
    2: "2 of 3 say that the refinement introduces an error",
    4: "3 of 3 say that the draft is better",
    5: "3 of 3 say that the draft is better",
    10: "2 of 2 say that the draft is better",
}
ROWS = list(kept_rows(50))


def release(out, runs, reviews=(), version="1.0.0", settings=SETTINGS):
    """A release in `out/releases`, which has passed the gate."""
    gate = ReleaseGate(settings)
    return release_runs(
        runs,
        name="tiny",
        version=version,
        out=out / "releases",
        reviews=reviews,
        redact=gate.redact,
        check=gate.check,
    )


class Made:
    """A release of a run whose recipe has the rule `wrong`, and the review that it took up."""

    def __init__(self, out, wrong):
        self.out = out
        self.run = make_run(out / "run", ROWS, review={"wrong": wrong})
        self.review = reviewed(out, out / "run")
        self.release = release(out, [self.run], [self.review])
        self.manifest = manifest_of(self.release)
        self.ledger = {row["id"]: row for row in all_rows(self.release)}
        self.feedback = {row["id"]: row for row in all_rows(self.release, "feedback")}


def failed(folder):
    """The checks that fail when the gate looks at a release again, and what they say."""
    return {one.name: one.sentence for one in recheck(folder).checks if one.status == "fail"}


def rewritten(folder, change):
    """Change the manifest of a release."""
    manifest = manifest_of(folder)
    change(manifest)
    write_json(folder / "manifest.json", manifest)


def by_number(rows, reason):
    """Which of ROWS were dropped for the reason, with the detail; `rows` are by id."""
    return {
        number: rows[row["id"]]["detail"]
        for number, row in enumerate(ROWS)
        if rows[row["id"]]["reason"] == reason
    }


def few(count):
    """What was said of the first rows."""
    return {number: said for number, said in SAID.items() if number < count}


def verdicts_of(rows, said=SAID, prefix="record"):
    """A verdict for each thing said of each of `rows`, in the order of the rows."""
    return [
        verdict_row(
            10 * number + place,
            **{
                "id": rows[number]["id"],
                "record": f"{prefix}-{number:02d}",
                "annotator": PEOPLE[place],
                **columns,
            },
        )
        for number, columns_of in said.items()
        for place, columns in enumerate(columns_of)
    ]


def correction(row, **columns):
    """What people made of a ledger row, as a pull leaves it."""
    corrected = ledger_row(
        0,
        reason=None,
        id=f"human-{row['id']}",
        source="human",
        detail=f"corrects {row['id']}",
        refinement=f"Corrected by hand: {row['id']}.",
        **{key: row[key] for key in ("license", "task", "system", "instruction", "draft")},
    )
    call = {**dict.fromkeys(corrected["calls"][0]), "step": "critique", "model": PEOPLE[0]}
    call |= {"endpoint": "human", "tokens_in": 0, "tokens_out": 0, "attempts": 0, "failures": []}
    return {"corrects": row["id"], **corrected, "calls": [call], **columns}


def corrections_of(rows):
    """Of the rows 4, 6 and 3, and one of row 5 that nobody can use."""
    unusable = {"status": "dropped", "reason": "headings_missing", "critique": None}
    return [
        correction(rows[4]),
        correction(rows[5], **unusable),
        correction(rows[6]),
        correction(rows[3]),
    ]


def reviewed(out, run, rows=ROWS, name="people", **facts):
    """A review of the run in the folder `run`, in `out/reviews`."""
    return make_review(
        out / "reviews" / name, run, verdicts_of(rows), corrections_of(rows), **facts
    )
