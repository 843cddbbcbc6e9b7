from datasets import load_dataset
from huggingface_hub import DatasetCard

from builders.release.make import release_runs
from tests.ledger_rows import kept_rows, ledger_rows, make_run


def release_of(rows, folder):
    run, manifest = make_run(folder / "run", rows, stage=2)
    return release_runs([(run, manifest)], name="pairs", version="1.0.0", out=folder / "releases")


def load(release, config, split="train"):
    return load_dataset(str(release), config, split=split, cache_dir=str(release.parent / "cache"))


def test_a_stage_2_run_becomes_preference_pairs(tmp_path):
    rows = list(ledger_rows(300))
    release = release_of(rows, tmp_path)
    kept = {row["id"]: row for row in rows if row["status"] == "kept"}
    pairs = [pair for split in ("train", "test") for pair in load(release, "preferences", split)]
    assert {pair["id"] for pair in pairs} == kept.keys()
    for pair in pairs:
        row = kept[pair["id"]]
        assert pair["prompt"][-1] == {"role": "user", "content": row["instruction"]}
        assert pair["chosen"] == [{"role": "assistant", "content": row["refinement"]}]
        assert pair["rejected"] == [{"role": "assistant", "content": row["draft"]}]
    assert len(load(release, "ledger")) + len(load(release, "ledger", "test")) == 300
    card = DatasetCard.load(release / "README.md")
    assert "dpo" in card.data.tags
    assert card.data.configs[0] == {
        "config_name": "preferences",
        "default": True,
        "data_files": [
            {"split": split, "path": f"preferences/{split}-*"} for split in ("train", "test")
        ],
    }


def test_matched_pairs_are_those_in_which_length_does_not_tell(tmp_path):
    release = release_of(ledger_rows(300), tmp_path)
    pairs = [
        pair
        for split in ("train", "test")
        for pair in load(release, "preferences-length-matched", split)
    ]
    added = [
        len(pair["chosen"][0]["content"]) - len(pair["rejected"][0]["content"]) for pair in pairs
    ]
    assert sum(length > 0 for length in added) == sum(length < 0 for length in added) > 0


def test_a_config_without_rows_is_left_out_and_named(tmp_path):
    rows = [{**row, "draft": "short", "refinement": "much longer"} for row in kept_rows(20)]
    release = release_of(rows, tmp_path)
    assert not (release / "preferences-length-matched").exists()
    card = (release / "README.md").read_text()
    assert "Omitted because they would be empty: `preferences-length-matched`" in card
    assert "config_name: preferences-length-matched" not in card
