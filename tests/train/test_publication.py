from huggingface_hub import HfApi

from tests.running_hub import running_hub


def test_a_trained_model_is_published_once_with_its_tag(command, tmp_path, monkeypatch):
    from train.stage1 import main

    folder = tmp_path / "trained"
    keys = {"push_to_hub": "true", "hub_model_id": "org/model", "hub_tag": "v1.0.0"}
    with running_hub(tmp_path / "hub", token="hf_write") as hub:
        for name, value in hub.env.items():
            monkeypatch.setenv(name, value)
        main(command("stage1-embedded.yaml", folder, save_steps=1, **keys))
        api = HfApi(hub.url, hub.token)
        commits = api.list_repo_commits("org/model")
        assert [commit.title for commit in commits][:-1] == ["Release v1.0.0"]
        files = set(api.list_repo_files("org/model", revision="v1.0.0"))
    assert {"training.json", "README.md", "adapter_model.safetensors"} <= files
    assert not [name for name in files if name.startswith(("checkpoint-", "rows/", "recipe"))]
    assert (folder / "checkpoint-1").is_dir()
