"""Releases: real parquet, loaded by plain `datasets`, whole or not there at all."""

import getpass
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import Features

from builders.errors import BadInput, GateRefused
from builders.ledger.models import public_name
from builders.release.configs import Batch, feedback_table
from builders.release.make import release_runs
from builders.release.parquet import MAX_GROUP_ROWS, SplitWriter
from builders.release.splits import Splits
from builders.rows.schema import FEEDBACK, KTO, LEDGER, SFT, SFT_MESSAGES
from builders.training.kto import to_kto
from builders.training.sft import SFT_FORMS, to_sft
from tests.ledger_rows import MODELS, kept_rows, ledger_row, ledger_rows, make_run

ROOT = Path(__file__).parents[3]
ROWS = 400
FEATURES = {
    "feedback": FEEDBACK,
    **dict.fromkeys(SFT_FORMS, SFT),
    "sft-messages": SFT_MESSAGES,
    "kto": KTO,
    "ledger": LEDGER,
}

LOAD = """
import json, sys
from datasets import load_dataset
found = {}
for config in sys.argv[2:]:
    loaded = load_dataset(sys.argv[1], config)
    found[config] = {
        split: {"rows": rows.num_rows, "features": rows.features.to_dict(), "first": rows[0]}
        for split, rows in loaded.items()
    }
default = load_dataset(sys.argv[1], split="train")
assert "builders" not in sys.modules
print(json.dumps({"found": found, "default": list(default.features)}))
"""

REBUILD = """
import json, sys
from pathlib import Path
from builders.release.make import release_runs
from builders.ledger.run import open_complete_run
run, manifest = open_complete_run(Path(sys.argv[1]))
release_runs([(run, manifest)], name="tiny", version="1.2.0", out=Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "tiny", ledger_rows(ROWS))


@pytest.fixture(scope="module")
def release(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("releases")
    return release_runs([run], name="tiny", version="1.2.0", out=out)


def release_of(folder, rows, **facts):
    made, manifest = make_run(folder / "run", rows, **facts)
    return release_runs([(made, manifest)], name="tiny", version="1.2.0", out=folder / "releases")


def read(release, config, split):
    files = sorted((release / config).glob(f"{split}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def ids(release, config, split):
    return {row["id"] for row in read(release, config, split)}


def manifest_of(release):
    return json.loads((release / "manifest.json").read_text(encoding="utf-8"))


def by_id(rows):
    return sorted(rows, key=lambda row: row["id"])


def feedback_of(row):
    """The feedback row of one kept ledger row, put together by hand."""
    calls = {call["step"]: call for call in row["calls"]}
    same = ("id", "instruction", "critique", "refinement", "refinement_score", "system", "task")
    same += ("history", "criteria", "control_scores")
    return {
        **{key: row[key] for key in (*same, "source", "license")},
        "draft": row["draft"],
        "draft_score": row["draft_score"],
        "draft_model": calls["draft"]["model"] if "draft" in calls else None,
        "critic_model": calls["critique"]["model"],
        "critique_template": calls["critique"]["template"],
        "human_verdict": None,
    }


def made_feedback(rows):
    batch = Batch(pa.Table.from_pylist(list(rows), LEDGER.arrow_schema))
    return feedback_table({}, batch)


def kept(rows):
    return [row for row in rows if row["status"] == "kept"]


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_every_config_loads_with_plain_datasets(release, tmp_path):
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    # By the relative path that the card shows, from the folder that holds the release.
    command = [sys.executable, "-I", "-c", LOAD, release.name, *FEATURES]
    made = subprocess.run(
        command, cwd=release.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    loaded = json.loads(made.stdout)
    assert loaded["default"] == list(FEEDBACK)
    for config, features in FEATURES.items():
        assert list(loaded["found"][config]) == ["train", "test"]
        for split, facts in loaded["found"][config].items():
            written = read(release, config, split)
            assert Features.from_dict(facts["features"]) == features
            assert facts["rows"] == len(written)
            assert facts["first"] == written[0]


def test_the_rows_are_those_of_the_run(release, run):
    splits = Splits()
    for split in ("train", "test"):
        rows = by_id(row for row in run[0].iter_rows() if splits.of(row["instruction"]) == split)
        assert read(release, "ledger", split) == rows
        assert read(release, "feedback", split) == [feedback_of(row) for row in kept(rows)]
        for name, form in SFT_FORMS.items():
            expected = [turn for row in kept(rows) for turn in to_sft(row, form)]
            assert read(release, name, split) == expected
        conversations = [
            {"id": row["id"], "messages": [*turn["prompt"], *turn["completion"]]}
            for row in kept(rows)
            for turn in to_sft(row, SFT_FORMS["sft"])
            if turn["turn"] == "feedback"
        ]
        assert read(release, "sft-messages", split) == conversations
        assert read(release, "kto", split) == [one for row in rows for one in to_kto(row)]


def test_a_feedback_row_names_who_made_it():
    row = ledger_row(1, reason=None)
    again = {**row["calls"][1], "model": "example/second-try"}
    drafted = {**row, "calls": [*row["calls"], again]}
    given = {**row, "calls": [call for call in row["calls"] if call["step"] != "draft"]}
    dropped = ledger_row(2, reason="margin")
    rows = [drafted, dropped, given]
    found = made_feedback(rows).to_pylist()
    assert found == [feedback_of(drafted), feedback_of(given)]
    assert [one["critic_model"] for one in found] == ["example/second-try", MODELS["critique"]]
    assert [one["draft_model"] for one in found] == [MODELS["draft"], None]


def test_the_splits_are_disjoint_by_instruction_in_every_config(release):
    sides = {
        split: {row["instruction"] for row in read(release, "ledger", split)}
        for split in ("train", "test")
    }
    assert all(sides.values())
    assert not sides["train"] & sides["test"]
    by_id = {
        row["id"]: split for split in ("train", "test") for row in read(release, "ledger", split)
    }
    for config in FEATURES:
        for split in ("train", "test"):
            assert {by_id[row_id] for row_id in ids(release, config, split)} == {split}


def test_rows_keep_their_split_when_others_are_added(release, tmp_path):
    rows = [*ledger_rows(100, first=5000), *ledger_rows(ROWS), *ledger_rows(100, first=9000)]
    larger = release_of(tmp_path, rows)
    for config in ("feedback", "ledger"):
        for split in ("train", "test"):
            assert ids(release, config, split) < ids(larger, config, split)


def test_the_manifest_lists_every_file_and_what_is_in_it(release, run):
    manifest = manifest_of(release)
    found = contents(release)
    del found["manifest.json"]
    assert manifest["files"] == {
        path: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        for path, data in found.items()
    }
    assert list(manifest["configs"]) == sorted(FEATURES)
    for config, splits in manifest["configs"].items():
        for split, facts in splits.items():
            assert facts["rows"] == len(read(release, config, split))
            assert facts["files"] == [f"{config}/{split}-00000-of-00001.parquet"]
    assert (manifest["name"], manifest["version"]) == ("tiny", "1.2.0")
    assert manifest["parent_version"] is None
    assert manifest["recipe_sha256"] == run[1].recipe_sha256
    assert manifest["funnel"] == run[1].funnel.model_dump()
    assert {"pyarrow", "datasets"} <= manifest["created_by"].keys()


def test_the_folder_holds_these_files_and_no_others(release):
    assert release.name == "tiny@v1.2.0"
    assert {path for path in contents(release) if not path.endswith(".parquet")} == {
        "README.md",
        "CHANGELOG.md",
        "assets/scores.png",
        "manifest.json",
    }
    assert (release / "assets/scores.png").read_bytes().startswith(b"\x89PNG")
    assert list(release.parent.iterdir()) == [release]


def test_the_changelog_counts_the_rows_added(release):
    changelog = (release / "CHANGELOG.md").read_text(encoding="utf-8")
    rows = len(read(release, "feedback", "train"))
    assert changelog.startswith("# Changelog\n\n## 1.2.0\n")
    assert f"| feedback | train | {rows:,} |" in changelog
    assert changelog.count("\n| ") == 1 + 2 * len(FEATURES)


def test_the_card_states_the_counts_of_the_files(release, run):
    card = (release / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert [config["config_name"] for config in front["configs"]] == list(FEATURES)
    assert [config["config_name"] for config in front["configs"] if config.get("default")] == [
        "feedback"
    ]
    for info in front["dataset_info"]:
        config = info["config_name"]
        assert Features._from_yaml_list(info["features"]) == FEATURES[config]
        for split in info["splits"]:
            assert split["num_examples"] == len(read(release, config, split["name"]))
        files = list((release / config).iterdir())
        assert info["download_size"] == sum(file.stat().st_size for file in files)
    assert f"; {run[1].funnel.kept} of {ROWS} candidates kept |" in card


def test_the_same_run_gives_the_same_bytes_in_another_process(release, run, tmp_path):
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-c", REBUILD, str(run[0].folder), str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        check=True,
    )
    assert contents(tmp_path / "tiny@v1.2.0") == contents(release)


def test_parquet_is_laid_out_for_the_viewer(release):
    file = release / "ledger" / "train-00000-of-00001.parquet"
    metadata = pq.read_metadata(file)
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    assert max(group.num_rows for group in groups) <= MAX_GROUP_ROWS
    columns = {column["path_in_schema"]: column for column in groups[0].to_dict()["columns"]}
    assert {column["compression"] for column in columns.values()} == {"ZSTD"}
    assert columns["draft_score"]["statistics"]["max"] <= 10
    assert columns["critic_reply"]["statistics"] is None
    assert groups[0].column(0).has_offset_index


def test_a_crash_in_the_middle_leaves_nothing(run, tmp_path):
    def crash(stage, rows):
        if stage == "writing" and rows:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        release_runs([run], name="tiny", version="1.2.0", out=tmp_path, progress=crash)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_the_rows_of_each_stage(run, tmp_path):
    said = []
    release_runs(
        [run], name="tiny", version="1.2.0", out=tmp_path, progress=lambda *at: said.append(at)
    )
    stages = [stage for stage, _ in said]
    assert stages == sorted(stages)
    assert set(stages) == {"splitting", "writing"}
    assert dict(said) == {"splitting": ROWS, "writing": ROWS}
    assert said == sorted(said)


def test_a_release_that_exists_is_never_changed(release, run):
    before = contents(release)
    with pytest.raises(BadInput, match="this release exists"):
        release_runs([run], name="tiny", version="1.2.0", out=release.parent)
    assert contents(release) == before


@pytest.mark.parametrize(
    "name", ["", ".hidden", "-x", "a/b", "../up", "a b", "ä", "name\n", "name@v1", "a\\b"]
)
def test_a_name_that_cannot_be_a_folder_or_repository_is_refused(run, tmp_path, name):
    with pytest.raises(BadInput, match="name") as error:
        release_runs([run], name=name, version="1.0.0", out=tmp_path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "version", ["", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-rc1", "1.0.0\n", "1.0.0.0", "1.٠.0"]
)
def test_a_version_that_is_not_semantic_is_refused(run, tmp_path, version):
    with pytest.raises(BadInput, match="write it as") as error:
        release_runs([run], name="tiny", version=version, out=tmp_path)
    assert "\n" not in str(error.value)


def test_a_run_that_kept_nothing_is_refused_with_the_reasons(tmp_path):
    reasons = ["margin"] * 3 + ["draft_empty"] * 2 + ["no_change", "score_missing"]
    rows = [ledger_row(number, reason=reason) for number, reason in enumerate(reasons)]
    with pytest.raises(GateRefused) as error:
        release_of(tmp_path, rows)
    said = str(error.value)
    assert "none of 7 rows was kept: 3 × margin (the refinement's independent score" in said
    assert "2 × draft_empty" in said
    assert "score_missing" not in said
    assert "\n" not in said
    assert not (tmp_path / "releases").exists()


def test_a_run_without_rows_is_refused(tmp_path):
    with pytest.raises(GateRefused, match="the run has no rows"):
        release_of(tmp_path, [])


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"stage": 3}, "stage 3 is neither 1 nor 2"),
        ({"schema_version": "0.1"}, "schema 0.1"),
        ({"test_share": 1.0}, "test_share is 1.0"),
    ],
)
def test_a_run_of_another_kind_is_refused(tmp_path, facts, said):
    with pytest.raises(BadInput, match=said):
        release_of(tmp_path, kept_rows(3), **facts)


def test_a_ledger_that_changed_after_the_run_is_refused(tmp_path):
    made, manifest = make_run(tmp_path / "run", kept_rows(5))
    made.append(list(kept_rows(5, first=50)))
    with pytest.raises(BadInput, match="not those that the run's manifest lists"):
        release_runs([(made, manifest)], name="tiny", version="1.0.0", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_manifest_that_counts_other_rows_than_the_ledger_has_is_refused(run, tmp_path):
    made, manifest = run
    funnel = manifest.funnel.model_copy(update={"kept": manifest.funnel.kept + 1})
    wrong = manifest.model_copy(update={"funnel": funnel})
    with pytest.raises(BadInput, match="count of kept rows"):
        release_runs([(made, wrong)], name="a", version="1.0.0", out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_nobody_can_use_is_refused(tmp_path):
    row = ledger_row(3, reason=None)
    row["calls"] = [call for call in row["calls"] if call["step"] != "critique"]
    with pytest.raises(GateRefused, match=f"row {row['id']} cannot be released: critic_model"):
        release_of(tmp_path, [*kept_rows(2), row])
    assert list((tmp_path / "releases").iterdir()) == []


def test_an_id_on_two_kept_rows_is_refused(tmp_path):
    first = ledger_row(1, reason=None)
    with pytest.raises(GateRefused, match=f"the id {first['id']} is on two kept rows"):
        release_of(tmp_path, [first, ledger_row(2, reason=None, id=first["id"])])


def test_one_kept_row_makes_a_release_without_a_test_split(tmp_path):
    row = ledger_row(0, reason=None, instruction="Explain item 0.")
    assert Splits().of(row["instruction"]) == "test"
    release = release_of(tmp_path, [row])
    assert manifest_of(release)["configs"]["feedback"].keys() == {"train"}
    card = (release / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert all([f["split"] for f in c["data_files"]] == ["train"] for c in front["configs"])
    assert "This release has no `test` split" in card
    assert "; 1 of 1 candidate kept |" in card
    assert not list(release.rglob("test-*"))


def test_two_kept_rows_fill_both_splits(tmp_path):
    release = release_of(tmp_path, kept_rows(2))
    assert [len(ids(release, "feedback", split)) for split in ("train", "test")] == [1, 1]
    assert [len(ids(release, "ledger", split)) for split in ("train", "test")] == [1, 1]


def test_the_card_warns_of_scripted_endpoints_and_self_preference(tmp_path):
    rows = list(kept_rows(4))
    for row in rows:
        for call in row["calls"]:
            call.update(model="answers.jsonl", endpoint="scripted")
    release = release_of(tmp_path, rows)
    card = (release / "README.md").read_text(encoding="utf-8")
    assert card.count("**Made by a test script, not by a model. Do not train on it.**") == 2
    assert "The same model writes the drafts and the critiques" in card
    assert manifest_of(release)["limits"]["scripted"] is True


def test_the_card_says_when_the_critic_is_the_checker(tmp_path):
    rows = list(kept_rows(4))
    for row in rows:
        for call in row["calls"][1:]:
            call.update(model="verifiable", endpoint="verifiable", temperature=None, top_p=None)
    release = release_of(tmp_path, rows)
    limits = manifest_of(release)["limits"]
    assert limits == {
        "scripted": False,
        "checker": True,
        "same_model": False,
        "scores_own_text": False,
        "longer": False,
    }
    assert "The critic is the `verifiable` checker" in (release / "README.md").read_text()


def test_nothing_of_the_machine_is_in_a_release(tmp_path):
    rows = list(kept_rows(6))
    for row in rows:
        row["source"] = f"{tmp_path}/data/questions.jsonl"
        row["calls"][0]["model"] = f"{tmp_path}/checkpoints/stage1/"
    models = {
        step: {
            "model": f"{tmp_path}/checkpoints/stage1/",
            "endpoint": "openai",
            "template": None,
            "temperature": 0.0,
            "top_p": 1.0,
            "max_new_tokens": 9,
            "base_url": "http://internal-host:8000",
        }
        for step in ("draft", "critique")
    }
    release = release_of(tmp_path, rows, models=models)
    assert {row["source"] for row in read(release, "feedback", "train")} == {"questions.jsonl"}
    assert {row["draft_model"] for row in read(release, "feedback", "train")} == {"stage1"}
    texts = [data for path, data in contents(release).items() if not path.endswith(".parquet")]
    texts += [
        json.dumps([pq.read_table(file).to_pylist(), str(pq.read_metadata(file))]).encode()
        for file in release.rglob("*.parquet")
    ]
    secret = [str(tmp_path), str(ROOT), "internal-host", f"/{getpass.getuser()}/"]
    for word in secret:
        assert not any(word.encode() in text for text in texts), word


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("org/model-7b", "org/model-7b"),
        ("HuggingFaceTB/SmolLM2@abc", "HuggingFaceTB/SmolLM2@abc"),
        ("/home/me/checkpoints/stage1/", "stage1"),
        ("~/stage1", "stage1"),
        ("../data/x.jsonl", "x.jsonl"),
        ("C:\\Users\\me\\x.jsonl", "x.jsonl"),
        ("file:///home/me/x.jsonl", "x.jsonl"),
        (".hidden", ".hidden"),
    ],
)
def test_a_path_is_published_by_its_last_part(name, public):
    assert public_name(name) == public


def write(folder, rows, **settings):
    writer = SplitWriter(folder, "train", FEEDBACK, **settings)
    for start in range(0, len(rows), 1000):
        writer.write(made_feedback(rows[start : start + 1000]))
    return writer.close()


def test_shards_are_named_after_counting_and_hold_every_row_in_order(tmp_path):
    rows = list(kept_rows(3000))
    written = write(tmp_path, rows, max_shard_bytes=600_000)
    count = len(written.files)
    assert count > 2
    assert [path.name for path in written.files] == [
        f"train-{index:05d}-of-{count:05d}.parquet" for index in range(count)
    ]
    assert sorted(tmp_path.iterdir()) == list(written.files)
    assert all(path.stat().st_size < 650_000 for path in written.files)
    tables = [pq.read_table(path) for path in written.files]
    assert [i for table in tables for i in table["id"].to_pylist()] == [row["id"] for row in rows]
    assert written.rows == 3000
    assert written.file_bytes == sum(path.stat().st_size for path in written.files)


def group_ids(file):
    parquet = pq.ParquetFile(file)
    groups = (parquet.read_row_group(index) for index in range(parquet.num_row_groups))
    return {tuple(group["id"].to_pylist()) for group in groups}


def test_rows_inserted_at_the_top_leave_most_row_groups_as_they_were(tmp_path):
    rows = list(kept_rows(6000))
    before = write(tmp_path / "before", rows)
    after = write(tmp_path / "after", [*kept_rows(50, first=10**6), *rows])
    old, new = group_ids(before.files[0]), group_ids(after.files[0])
    assert len(old & new) >= len(old) - 3
    assert max(map(len, new)) <= MAX_GROUP_ROWS


def test_rows_of_great_length_do_not_pile_up_in_memory(tmp_path):
    long = ledger_row(1, reason=None, draft="word " * 40_000)
    rows = [{**long, "id": f"row-{number}"} for number in range(400)]
    parquet = pq.ParquetFile(write(tmp_path, rows).files[0])
    sizes = [parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)]
    assert max(sizes) <= 128
