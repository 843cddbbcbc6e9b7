import copy

import pytest
from huggingface_hub import ModelCard

from cards.model_card import render_model_card

FACTS = {
    "stage": 1,
    "name": "my-critic",
    "base_model": {"name": "allenai/tulu-2-7b", "on_hub": True},
    "adapter": True,
    "release": {
        "name": "feedback",
        "version": "1.2.0",
        "licence": "cc-by-4.0",
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
    (result,) = data.eval_results
    assert (result.dataset_revision, result.dataset_config) == ("ab" * 20, "sft")
    assert (result.dataset_split, result.metric_value) == ("test", 0.5)


def test_without_held_out_rows_the_revision_is_that_of_the_training_rows():
    (result,) = card(metrics={"train_loss": 0.75}).data.eval_results
    assert (result.dataset_split, result.metric_value) == ("train", 0.75)
    assert result.dataset_revision == "ab" * 20


def test_what_lies_in_a_folder_is_not_taken_for_somebody_elses():
    release = {**FACTS["release"], "repo": None, "commit": None}
    made = card(base_model={"name": "my-base", "on_hub": False}, release=release)
    data = made.data.to_dict()
    assert not {"base_model", "base_model_relation", "datasets", "model-index"} & data.keys()
    assert "none: a folder that was not published" in made.text
    assert "`my-base`" in made.text


def test_the_text_states_what_was_read_and_how_it_went():
    text = card().text
    assert "`allenai/tulu-2-7b` after stage 1" in text
    assert "| release | feedback 1.2.0, config `sft` |" in text
    assert f"`org/feedback` at commit `{'ab' * 20}`" in text
    assert "| rows in train | 2,000, of which 12 were too long and left out |" in text
    assert "| rows in test | 100 |" in text
    assert "| `eval_loss` | 0.5 |" in text
    assert "![Loss by training step](assets/loss.png)" in text


@pytest.mark.parametrize(
    ("stage", "tag", "limit"),
    [(1, "sft", "learnt to judge from one critic"), (2, "dpo", "preferences are the model's own")],
)
def test_each_stage_has_its_own_limits(stage, tag, limit):
    made = card(stage=stage, adapter=False)
    assert tag in made.data.tags
    assert made.data.base_model_relation == "finetune"
    assert made.data.library_name == "transformers"
    assert limit in made.text
    assert "| weights | all of the model's |" in made.text
