import copy

import pytest
from huggingface_hub import ModelCard

from cards.metadata import metadata_problems
from cards.model_card import published_model_card, render_model_card

FACTS = {
    "stage": 1,
    "name": "my-critic",
    "base_model": {"name": "allenai/tulu-2-7b", "on_hub": True},
    "adapter": True,
    "release": {
        "name": "feedback",
        "version": "1.2.0",
        "license": "cc-by-4.0",
        "language": ["en", "no"],
        "config": "sft",
        "repo": "org/feedback",
        "commit": "ab" * 20,
    },
    "rows": {
        "train": {"rows": 2000, "too_long": 12},
        "test": {"rows": 100, "too_long": 0},
    },
    "steps": 120,
    "metrics": {"train_loss": 0.75, "eval_loss": 0.5, "epoch": 2.0},
}


def card(**changes):
    return ModelCard(render_model_card({**copy.deepcopy(FACTS), **changes}))


def test_the_hub_reads_base_model_dataset_and_revision():
    data = card().data
    assert (data.base_model, data.base_model_relation) == ("allenai/tulu-2-7b", "adapter")
    assert (data.library_name, data.pipeline_tag) == ("peft", "text-generation")
    assert data.datasets == ["org/feedback"]
    assert data.language == ["en", "no"]
    assert {"sft", "trl", "self-refinement-tuning"} <= set(data.tags)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ({"license": "apache-2.0"}, {"license": "apache-2.0"}),
        (
            {"license": "other", "license_name": "mine", "license_link": "TERMS.md"},
            {"license": "other", "license_name": "mine", "license_link": "TERMS.md"},
        ),
        (
            {},
            {
                "license": "other",
                "license_name": "license-of-the-base-model",
                "license_link": "https://huggingface.co/allenai/tulu-2-7b",
            },
        ),
        ({"name": "folder", "on_hub": False}, {"license": "unknown"}),
    ],
    ids=["the Hub's", "its own", "not known", "of a folder"],
)
def test_the_license_is_that_of_the_base_model(base, said):
    data = card(base_model={**FACTS["base_model"], **base}).data.to_dict()
    assert {key: value for key, value in data.items() if key.startswith("license")} == said
    assert list(metadata_problems(data)) == []


def test_a_loss_is_no_result_of_a_benchmark():
    assert "model-index" not in card().data.to_dict()


def test_a_local_folder_is_not_linked_on_the_hub():
    release = {**FACTS["release"], "repo": None, "commit": None}
    made = card(base_model={"name": "my-base", "on_hub": False}, release=release)
    data = made.data.to_dict()
    assert not {"base_model", "base_model_relation", "datasets", "model-index"} & data.keys()
    assert "none (a local folder, not published" in made.text
    assert "`my-base`" in made.text


def test_the_text_states_data_and_results():
    text = card().text
    assert "`allenai/tulu-2-7b` after stage 1" in text
    assert "| release | feedback 1.2.0, config `sft` |" in text
    assert f"`org/feedback` at commit `{'ab' * 20}`" in text
    assert "| rows in train | 2,000 (12 skipped because too long) |" in text
    assert "| rows in test | 100 |" in text
    assert "| `eval_loss` | 0.5 |" in text
    assert "![Loss by training step](assets/loss.png)" in text


@pytest.mark.parametrize(
    ("stage", "tag", "limit"),
    [
        (1, "sft", "learned to score from a single critic"),
        (2, "dpo", "preferences are the model's own"),
    ],
)
def test_each_stage_has_its_own_limits(stage, tag, limit):
    made = card(stage=stage, adapter=False)
    assert tag in made.data.tags
    assert made.data.base_model_relation == "finetune"
    assert made.data.library_name == "transformers"
    assert limit in made.text
    assert "| weights | full model |" in made.text


def test_the_first_lines_say_what_it_is_what_was_found_and_how_to_load_it():
    text = card().text
    first = text.split("## Training data")[0]
    assert "| trained on | 2,000 rows of feedback 1.2.0, config `sft` |" in first
    assert "| people | nobody was asked |" in first
    assert "| audit | none: " in first
    assert "win rate" not in first
    compile(first.split("```python\n")[1].split("```")[0], "card", "exec")
    assert 'from_pretrained("my-critic")' in first


@pytest.mark.parametrize("adapter", [True, False])
def test_a_published_card_says_how_to_load_it_from_the_hub(adapter):
    made = render_model_card({**FACTS, "adapter": adapter})
    published = published_model_card(made, "my-org/critic", "1.0.0")
    assert published.count('from_pretrained("my-org/critic", revision="v1.0.0")') == 2
    assert 'from_pretrained("my-critic")' not in published
    assert ("peft has to be installed" in published) is adapter
    assert published.split("## Training data")[1] == made.split("## Training data")[1]
    assert published_model_card(published, "my-org/critic", "1.0.0") == published


def test_a_version_that_was_withdrawn_is_named_first():
    text = card(release={**FACTS["release"], "withdrawn": "a key was in it (2026-01-02)"}).text
    assert "> **Trained on a version that was withdrawn:** a key was in it" in text.split("| |")[0]
