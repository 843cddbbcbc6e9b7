"""Versions go up as far as what changed asks for, and the changelog says what that is."""

import hashlib
import json
import shutil
from collections import Counter
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.files.atomic import write_json
from builders.manifest import Manifest, write_manifest
from builders.release.changes import row_changes
from builders.release.digests import row_digests
from builders.release.make import release_runs
from builders.release.previous import find_previous
from builders.rows.schema import LEDGER, SFT, VERDICTS
from builders.versions import next_version, parse_version
from tests.builders.release.releases import all_rows, ids, manifest_of, release_of
from tests.ledger_rows import kept_rows, ledger_row, ledger_rows, make_run
from tests.verdict_rows import verdict_row

VERSIONS = st.tuples(*[st.integers(0, 30)] * 3)


def text_of(version):
    return ".".join(map(str, version))


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return release_of(tmp_path_factory.mktemp("first"), list(ledger_rows(40)))


@pytest.fixture
def out(first, tmp_path):
    """A folder with the release 1.0.0 of 40 rows."""
    shutil.copytree(first, tmp_path / "releases" / first.name)
    return tmp_path


def changed(rows):
    return [{**rows[0], "detail": "another"}, *rows[1:]]


ROWS = list(ledger_rows(40))
NEXT = {
    "the same rows": (ROWS, {}, "1.0.1", "only the card can differ"),
    "another license": (ROWS, {"license": "mit"}, "1.0.1", ""),
    "a row added": ([*ROWS, ledger_row(99)], {}, "1.1.0", r"rows? (was|were) added"),
    "a row removed": (ROWS[1:], {}, "1.1.0", r"rows? (was|were) removed"),
    "a row changed": (changed(ROWS), {}, "1.1.0", r"1 row was changed"),
}


@pytest.mark.parametrize("what", NEXT)
def test_a_version_is_as_much_higher_as_the_changes_ask_for(out, what):
    rows, facts, least, why = NEXT[what]
    if least != "1.0.1":
        with pytest.raises(BadInput, match=f"{why}.*minor change and needs at least 1.1.0") as said:
            release_of(out, rows, version="1.0.1", facts=facts)
        assert "\n" not in str(said.value)
        assert [path.name for path in (out / "releases").iterdir()] == ["tiny@v1.0.0"]
    made = manifest_of(release_of(out, rows, version=least, facts=facts))
    assert made["parent_version"] == "1.0.0"
    assert len(made["parent_manifest_sha256"]) == 64


def test_a_larger_step_than_needed_is_fine(out):
    assert manifest_of(release_of(out, ROWS, version="3.7.2"))["parent_version"] == "1.0.0"


def edit_manifest(release, change):
    manifest = manifest_of(release)
    change(manifest)
    write_json(release / "manifest.json", manifest)


def test_another_schema_is_a_major_change(out):
    edit_manifest(
        out / "releases" / "tiny@v1.0.0", lambda facts: facts.update(schema_version="0.9")
    )
    with pytest.raises(BadInput, match=r"schema was 0.9 and is 2.1; .* major .* at least 2.0.0"):
        release_of(out, ROWS, version="1.1.0")
    log = (release_of(out, ROWS, version="2.0.0") / "CHANGELOG.md").read_text()
    assert log.count("- The schema was 0.9 and is 2.1.") == 1


def test_a_config_that_is_gone_or_has_other_columns_is_a_major_change(out):
    release = out / "releases" / "tiny@v1.0.0"
    file = next((release / "sft").glob("train-*"))
    shutil.copytree(release / "feedback", release / "extra")
    pq.write_table(pq.read_table(file).rename_columns(["id", "step", "prompt", "completion"]), file)

    def change(facts):
        facts["configs"]["extra"] = {
            split: {**made, "files": [name.replace("feedback", "extra") for name in made["files"]]}
            for split, made in facts["configs"]["feedback"].items()
        }
        for path in release.rglob("*.parquet"):
            name = path.relative_to(release).as_posix()
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            facts["files"][name] = {"sha256": digest, "bytes": len(content)}

    edit_manifest(release, change)
    with pytest.raises(BadInput, match=r"config extra is gone; .* at least 2.0.0"):
        release_of(out, ROWS, version="1.1.0")
    log = (release_of(out, ROWS, version="2.0.0") / "CHANGELOG.md").read_text()
    assert "- The config extra is gone." in log
    assert "- The config sft has other columns." in log


@given(VERSIONS, VERSIONS, st.sampled_from(["patch", "minor", "major"]))
def test_the_next_version_is_the_least_that_is_higher_in_its_place(version, other, level):
    following = next_version(version, level)
    place = ["major", "minor", "patch"].index(level)
    assert following > version
    assert parse_version(text_of(following)) == following
    if version < other < following:
        assert other[: place + 1] == version[: place + 1]


@given(st.lists(VERSIONS, max_size=5, unique=True), VERSIONS)
@settings(max_examples=40)
def test_only_a_version_above_all_others_can_be_made(tmp_path_factory, existing, wanted):
    out = tmp_path_factory.mktemp("out")
    for version in existing:
        folder = out / f"tiny@v{text_of(version)}"
        folder.mkdir()
        manifest = Manifest(
            name="tiny",
            version=text_of(version),
            schema_version="1.0",
            stage=1,
            license="mit",
            language=["en"],
            configs={"ledger": {}},
            files={},
        )
        write_manifest(folder, manifest)
    if not existing:
        assert find_previous(out, "tiny", text_of(wanted)) is None
    elif wanted > max(existing):
        assert find_previous(out, "tiny", text_of(wanted)).version == text_of(max(existing))
        assert find_previous(out, "tin", text_of(wanted)) is None
    else:
        with pytest.raises(BadInput, match=r"version|this release exists"):
            find_previous(out, "tiny", text_of(wanted), "none")


def test_a_parent_may_be_elsewhere_or_none(out):
    release = out / "releases" / "tiny@v1.0.0"
    alone = release_of(out / "x", ROWS, version="2.0.0", parent="none")
    assert manifest_of(alone)["parent_version"] is None
    made = release_of(out / "y", ROWS, version="1.0.1", parent=release)
    assert manifest_of(made)["parent_version"] == "1.0.0"
    with pytest.raises(BadInput, match=r"its parent is 1\.0\.0"):
        release_of(out / "z", ROWS, version="0.9.0", parent=release)
    edit_manifest(release, lambda facts: facts.update(name="huge"))
    with pytest.raises(BadInput, match="a release of huge, not of tiny"):
        release_of(out / "z", ROWS, version="2.0.0", parent=release)


def damage_bytes(release):
    path = next((release / "feedback").glob("train-*"))
    path.write_bytes(path.read_bytes()[:-10])


def damage_truly(release):
    """A file that is no parquet, and a manifest that says so it was."""
    path = next((release / "ledger").glob("train-*"))
    path.write_bytes(b"PAR1 nothing PAR1")
    name = path.relative_to(release).as_posix()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edit_manifest(release, lambda facts: facts["files"][name].update(sha256=digest))


DAMAGES = {
    "a file cut short": (damage_bytes, "damaged: feedback/train"),
    "a file gone": (lambda r: next((r / "sft").glob("test-*")).unlink(), "test-.* is missing"),
    "no parquet": (damage_truly, "train-.*: not parquet"),
    "no manifest": (lambda r: (r / "manifest.json").unlink(), "it has no manifest.json"),
    "no JSON": (lambda r: (r / "manifest.json").write_text("{"), "not a release's manifest"),
    "a list": (
        lambda r: (r / "manifest.json").write_text("[]"),
        "manifest.json: not a release's manifest .the file: ",
    ),
    "no ledger": (
        lambda r: edit_manifest(r, lambda f: f["configs"].pop("ledger")),
        "configs.ledger: ",
    ),
    "odd files": (
        lambda r: edit_manifest(r, lambda f: f.update(files=[1])),
        "manifest.json: not a release's manifest .files: ",
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_parent_is_refused(out, what):
    damage, said = DAMAGES[what]
    damage(out / "releases" / "tiny@v1.0.0")
    with pytest.raises(BadInput, match=said) as error:
        release_of(out, ROWS, version="2.0.0")
    assert "\n" not in str(error.value)
    assert [path.name for path in (out / "releases").iterdir()] == ["tiny@v1.0.0"]


def test_the_changelog_has_what_changed_in_every_version(out):
    rows = [*changed(ROWS)[:-1], *ledger_rows(10, first=100)]
    second = release_of(out, rows, version="1.1.0", facts={"license": "mit"})
    log = (second / "CHANGELOG.md").read_text(encoding="utf-8")
    assert log.index("## 1.1.0") < log.index("## 1.0.0\n\nThe first release.")
    assert log.count("# Changelog\n") == 1
    assert "- The license was cc-by-4.0 and is mit." in log
    before, after = (
        {row["id"]: row for row in all_rows(release)}
        for release in (out / "releases" / "tiny@v1.0.0", second)
    )
    counts = {"added": 0, "removed": 0, "changed": 0, "moved": 0}
    for line in log.split("## 1.0.0")[0].splitlines():
        if line.startswith("| ledger |"):
            for kind, cell in zip(counts, line.split("|")[3:7], strict=True):
                counts[kind] += int(cell)
    assert counts["added"] == len(after.keys() - before.keys()) == 10
    assert counts["removed"] == len(before.keys() - after.keys()) == 1
    assert counts["changed"] == sum(
        before[row_id] != after[row_id] for row_id in before.keys() & after.keys()
    )
    assert f"- changed in `train`, such as `{ROWS[0]['id']}`" in log
    third = release_of(out, rows, version="1.1.1", facts={"license": "mit"})
    assert (third / "CHANGELOG.md").read_text(encoding="utf-8") == log.replace(
        "# Changelog\n",
        "# Changelog\n\n## 1.1.1\n\nCompared with 1.1.0:\n\n"
        "- No row was added, removed or changed.\n",
    )


CONTENT = st.dictionaries(st.integers(0, 12), st.sampled_from("abc"), max_size=10)


def write_rows(folder, splits):
    """Files of a config with as many rows for an id as its number says; {split: files}."""
    files = {}
    for split, rows in splits.items():
        path = folder / f"{split}.parquet"
        made = [
            {"id": f"row-{number}", "turn": turn, "prompt": [], "completion": []}
            for number, turn in rows.items()
            for _ in range(number % 3 + 1)
        ]
        pq.write_table(pa.Table.from_pylist(made, SFT.arrow_schema), path)
        files[split] = [path]
    return files


@given(CONTENT, CONTENT, st.sets(st.integers(0, 12)), st.sets(st.integers(0, 12)))
@settings(max_examples=50)
def test_every_row_is_counted_by_what_became_of_it(
    tmp_path_factory, before, after, tested, tested_later
):
    def sides(rows, tests):
        return {
            split: {n: turn for n, turn in rows.items() if (n in tests) == (split == "test")}
            for split in ("train", "test")
        }

    folder = tmp_path_factory.mktemp("rows")
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    old, new = sides(before, tested), sides(after, tested_later)
    found = row_changes(write_rows(folder / "a", old), write_rows(folder / "b", new))
    for split, other in (("train", "test"), ("test", "train")):
        expected = {
            "added": new[split].keys() - before.keys(),
            "removed": old[split].keys() - after.keys(),
            "moved": new[split].keys() & old[other].keys(),
            "changed": {n for n in new[split].keys() & old[split].keys() if before[n] != after[n]},
        }
        assert found[split].counts == {
            kind: sum(n % 3 + 1 for n in expected[kind]) for kind in found[split].counts
        }
        for kind, examples in found[split].examples.items():
            assert set(examples) <= {f"row-{n}" for n in expected[kind]}
            assert len(examples) == min(3, len(expected[kind]))


TURNS = st.dictionaries(
    st.integers(0, 4), st.lists(st.sampled_from("abc"), min_size=1, max_size=4), max_size=5
)


def write_turns(folder, turns, tested):
    """Files of a config with a row for each turn of an id; {split: files}."""
    folder.mkdir()
    files = {}
    for split in ("train", "test"):
        made = [
            {"id": f"row-{number}", "turn": turn, "prompt": [], "completion": []}
            for number, of_id in turns.items()
            if (number in tested) == (split == "test")
            for turn in of_id
        ]
        path = folder / f"{split}.parquet"
        pq.write_table(pa.Table.from_pylist(made, SFT.arrow_schema), path)
        files[split] = [path]
    return files


@given(TURNS, TURNS, st.sets(st.integers(0, 4)), st.sets(st.integers(0, 4)))
@settings(max_examples=50)
def test_rows_of_an_id_count_one_by_one(tmp_path_factory, before, after, tested, tested_later):
    """Two runs may have the same instruction: what one of them adds changes no row of the other."""
    folder = tmp_path_factory.mktemp("turns")
    found = row_changes(
        write_turns(folder / "a", before, tested), write_turns(folder / "b", after, tested_later)
    )
    kinds = ("added", "removed", "changed", "moved")
    expected = {split: dict.fromkeys(kinds, 0) for split in ("train", "test")}
    for number in before.keys() | after.keys():
        old, new = Counter(before.get(number, ())), Counter(after.get(number, ()))
        was, now = ("test" if number in one else "train" for one in (tested, tested_later))
        if was == now or not old or not new:
            gone, come, both = (old - new).total(), (new - old).total(), "changed"
        else:
            gone, come, both = old.total(), new.total(), "moved"
        expected[now][both] += min(gone, come)
        expected[now]["added"] += max(0, come - gone)
        expected[was]["removed"] += max(0, gone - come)
    assert {split: changes.counts for split, changes in found.items()} == expected


def test_a_run_that_is_merged_adds_rows_and_changes_none(tmp_path):
    rows = list(kept_rows(6))
    run = make_run(tmp_path / "one", rows, name="one")
    release_runs([run], name="tiny", version="1.0.0", out=tmp_path)
    same = [{**row, "refinement": f"{row['refinement']} Again."} for row in rows[:4]]
    other = make_run(tmp_path / "two", same, name="two")
    folder = release_runs([run, other], name="tiny", version="1.1.0", out=tmp_path)
    log = (folder / "CHANGELOG.md").read_text().split("## 1.0.0")[0]
    ledger = [line for line in log.splitlines() if "| ledger |" in line]
    cells = [list(map(int, line.split("|")[3:7])) for line in ledger]
    assert [sum(column) for column in zip(*cells, strict=True)] == [4, 0, 0, 0]


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(0, 5), st.integers(1, 5))
@settings(max_examples=50)
def test_digests_are_of_the_values_and_not_of_how_they_lie(numbers, start, cut):
    rows = [ledger_row(number) for number in numbers]
    table = pa.Table.from_pylist(rows, LEDGER.arrow_schema)
    digests = row_digests(table)
    assert row_digests(table.slice(start)) == digests[start:]
    pieces = [table.slice(at, cut) for at in range(0, len(table), cut)]
    assert row_digests(pa.concat_tables(pieces) if pieces else table) == digests
    for one, first in zip(rows, digests, strict=True):
        for other, second in zip(rows, digests, strict=True):
            assert (one == other) == (first == second)


@pytest.mark.parametrize(
    "change",
    [
        {"assisted": True},
        {"suggestions_actionable": None},
        {"suggestions_actionable": False},
        {"started_at": None},
        {"submitted_at": datetime(2026, 3, 2, 9, 1, 0, 1, tzinfo=UTC)},
        {"seconds": None},
        {"inclusion_probability": 0.25},
    ],
)
def test_a_digest_is_of_answers_and_times_too(change):
    rows = [verdict_row(0), {**verdict_row(0), **change}, verdict_row(0)]
    digests = row_digests(pa.Table.from_pylist(rows, VERDICTS.arrow_schema))
    assert digests[0] == digests[2] != digests[1]


@pytest.mark.parametrize(
    "change",
    [
        {"system": ""},
        {"draft": "ab", "critic_reply": "c"},
        {"draft": "a", "critic_reply": "bc"},
        {"critique": {"weaknesses": ["ab"], "suggestions": [], "score": None}},
        {"critique": {"weaknesses": ["a", "b"], "suggestions": [], "score": None}},
        {"critique": {"weaknesses": ["a"], "suggestions": ["b"], "score": None}},
        {"critique": {"weaknesses": [], "suggestions": [], "score": None}},
        {"critique": None},
        {"draft_score": 0},
        {"calls": []},
    ],
)
def test_a_digest_tells_values_apart_that_have_the_same_bytes(change):
    row = ledger_row(1, reason="duplicate")
    others = [row, {**row, "draft": "abc"}, {**row, "draft": "", "critic_reply": "abc"}]
    changes = {**row, **change}
    table = pa.Table.from_pylist([changes, *others], LEDGER.arrow_schema)
    digests = row_digests(table)
    assert (digests[0] == digests[1]) == (changes == row)
    assert digests[0] not in digests[2:]


def test_the_ids_of_a_version_are_unique_in_feedback(out):
    second = release_of(out, [*ROWS, *kept_rows(5, first=300)], version="1.1.0")
    found = ids(second, "feedback") + ids(second, "feedback", "test")
    assert len(found) == len(set(found))
    assert json.loads((second / "manifest.json").read_text())["version"] == "1.1.0"
