"""Instructions of frozen sets stay out of what models are trained on."""

import pytest

from builders.audit.freeze import freeze_file
from builders.errors import BadInput, GateRefused
from builders.release.splits import plan_splits
from builders.rows.reasons import REASONS
from builders.training.kto import to_kto
from tests.builders.release.releases import (
    SPLITS,
    all_rows,
    ids,
    manifest_of,
    read,
    release_of,
)
from tests.ledger_rows import kept_rows, ledger_row

ROWS = list(kept_rows(40))
TRAINING = ("feedback", "sft", "sft-balanced", "sft-refinement-only", "kto")


@pytest.fixture
def reserve(tmp_path):
    """A function that freezes these instructions, and returns what a run's manifest says of it."""

    def frozen(*instructions, name="set"):
        lines = [
            f'{{"instruction": "{text}", "answer_a": "one", "answer_b": "two", "better": "a"}}\n'
            for text in instructions
        ]
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(lines))
        made = freeze_file(path, tmp_path / "audits" / name, license="mit")
        return {"reserve": [str(made.folder)]}

    return frozen


def dropped(release):
    return {
        row["id"]: row["detail"]
        for row in all_rows(release)
        if row["reason"] == "reserved_for_audit"
    }


def test_reserved_rows_are_in_no_training_config(tmp_path, reserve):
    facts = reserve(ROWS[0]["instruction"], f"  {ROWS[1]['instruction'].upper()}")
    release = release_of(tmp_path, ROWS, facts=facts)
    found = dropped(release)
    assert set(found) == {ROWS[0]["id"], ROWS[1]["id"]}
    assert all(detail.endswith("of the set set") for detail in found.values())
    for config in TRAINING:
        assert not found.keys() & {row["id"] for row in all_rows(release, config)}
    (kept_out,) = manifest_of(release)["reserved"]["sets"]
    assert (kept_out["name"], kept_out["pairs"]) == ("set", 2)
    assert str(tmp_path) not in (release / "manifest.json").read_text()


def _scored(number, reason):
    """A row that was scored, its refinement below its draft, and dropped for whatever reason."""
    row = ledger_row(number, reason="margin")
    return row | {"reason": reason}


def test_no_reserved_row_is_in_kto_whatever_a_run_dropped_it_for(tmp_path, reserve):
    first = [_scored(number, reason) for number, reason in enumerate(REASONS, 100)]
    second = [_scored(number, reason) for number, reason in enumerate(REASONS, 200)]
    kept_out = [*first, *ROWS[:5]]
    facts = reserve(*(row["instruction"] for row in kept_out))
    release = release_of(tmp_path, [*ROWS, *first, *second], facts=facts)
    labeled = all_rows(release, "kto")
    assert not {row["id"] for row in kept_out} & {one["id"] for one in labeled}
    (worse,) = [row["id"] for row in second if row["reason"] == "margin"]
    assert {one["id"] for one in labeled} == {worse, *(row["id"] for row in ROWS[5:])}
    for split in SPLITS:
        ledger = read(release, "ledger", split)
        assert read(release, "kto", split) == [one for row in ledger for one in to_kto(row)]


def test_a_dropped_row_that_several_runs_have_is_labeled_once(tmp_path):
    worse = ledger_row(5, reason="margin")
    other = {**worse, "id": "other", "refinement": "Something else."}
    release = release_of(tmp_path, ROWS[:5], [worse], [worse], [other, ROWS[6]])
    undesirable = [row["id"] for row in all_rows(release, "kto") if not row["label"]]
    assert undesirable.count(worse["id"]) == 1
    assert "other" not in undesirable
    instruction = worse["instruction"]
    reasons = [row["reason"] for row in all_rows(release) if row["instruction"] == instruction]
    assert sorted(reasons) == ["duplicate", "duplicate", "margin"]


def test_a_dropped_row_that_a_later_run_kept_is_not_labeled(tmp_path):
    worse, kept = (ledger_row(5, reason=reason) for reason in ("margin", None))
    release = release_of(tmp_path, [*ROWS[:5], worse], [kept, ROWS[6]])
    labeled = [row for row in all_rows(release, "kto") if row["id"] == kept["id"]]
    assert [row["completion"][0]["content"] for row in labeled if row["label"]] == [
        kept["refinement"]
    ]
    assert worse["refinement"] == kept["refinement"]
    assert len(labeled) <= 2


def test_near_duplicates_of_reserved_instructions_are_dropped_too(tmp_path, reserve):
    long = "Explain in two paragraphs why the sky is blue at noon and red in the evening, please."
    rows = [{**ROWS[0], "instruction": long.replace("please", "kindly")}, *ROWS[1:]]
    assert set(dropped(release_of(tmp_path, rows, facts=reserve(long)))) == {rows[0]["id"]}


def test_a_row_of_an_earlier_version_moves_to_test_and_never_back(tmp_path, reserve):
    first = release_of(tmp_path, ROWS)
    trained = ids(first, "feedback")[0]
    (row,) = [row for row in ROWS if row["id"] == trained]
    second = release_of(tmp_path, ROWS, version="1.1.0", facts=reserve(row["instruction"]))
    assert trained in ids(second, "feedback", "test")
    assert trained not in ids(second, "sft")
    assert not dropped(second)
    # The set is no longer named, and the row stays where it is.
    third = release_of(tmp_path, ROWS, version="1.2.0")
    assert trained in ids(third, "feedback", "test")
    fourth = release_of(tmp_path, ROWS, version="1.3.0")
    assert trained in ids(fourth, "sft", "test")


def test_the_set_of_one_run_is_out_of_bounds_for_all(tmp_path, reserve):
    from builders.release.make import release_runs
    from tests.ledger_rows import make_run

    facts = reserve(ROWS[3]["instruction"])
    one = make_run(tmp_path / "one", ROWS[:20], name="one")
    other = make_run(tmp_path / "other", ROWS[20:], name="other", **facts)
    release = release_runs([one, other], name="r", version="1.0.0", out=tmp_path)
    assert set(dropped(release)) == {ROWS[3]["id"]}


def test_a_release_of_which_all_is_reserved(tmp_path, reserve):
    facts = reserve(*(row["instruction"] for row in ROWS[:3]))
    with pytest.raises(GateRefused, match="no row was kept"):
        release_of(tmp_path, ROWS[:3], facts=facts)


def test_a_set_that_is_missing_or_changed(tmp_path, reserve):
    with pytest.raises(BadInput, match=r"reserve: .*not a frozen set"):
        release_of(tmp_path, ROWS, facts={"reserve": [str(tmp_path / "nothing")]})
    facts = reserve(ROWS[0]["instruction"])
    pairs = tmp_path / "audits/set/pairs.parquet"
    pairs.write_bytes(pairs.read_bytes() + b" ")
    with pytest.raises(BadInput, match=r"reserve: .*was changed"):
        release_of(tmp_path, ROWS, facts=facts)


def test_a_release_without_sets_says_nothing_of_them(tmp_path):
    assert "reserved" not in manifest_of(release_of(tmp_path, ROWS))


def test_reserved_hashes_are_in_test_wherever_they_belong():
    splits = plan_splits([10, 20, 2**63], 0.5, trained=[20], reserved=[20, 2**63])
    assert {splits.of_hash(value) for value in (20, 2**63)} == {"test"}
