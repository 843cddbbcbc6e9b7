"""Typical code of users of the Hub's clients, run with HF_ENDPOINT set to the embedded Hub.

`python client_script.py FOLDER` prints one JSON object with the results.
"""

import json
import sys
from pathlib import Path

from datasets import Dataset, get_dataset_config_names, load_dataset
from huggingface_hub import (
    CommitOperationAdd,
    DatasetCard,
    HfApi,
    HfFileSystem,
    ModelCard,
    snapshot_download,
)
from transformers import LlamaConfig, LlamaForCausalLM

FOLDER = Path(sys.argv[1])
CARD = """---
license: mit
configs:
- config_name: feedback
  default: true
  data_files:
  - split: train
    path: feedback/train-*
  - split: test
    path: feedback/test-*
- config_name: sft
  data_files: sft/train-*
---
# Made by hand
"""


def parquet(rows):
    path = FOLDER / "rows.parquet"
    Dataset.from_dict({"number": rows}).to_parquet(path)
    return path.read_bytes()


def release(api, version, rows):
    files = {
        "README.md": CARD.encode(),
        "feedback/train-00000-of-00001.parquet": parquet(rows),
        "feedback/test-00000-of-00001.parquet": parquet([0]),
        "sft/train-00000-of-00001.parquet": parquet([1, 2]),
    }
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    named = {"repo_id": "org/made", "repo_type": "dataset"}
    made = api.create_commit(**named, operations=operations, commit_message=version)
    api.create_tag(**named, tag=version)
    return made.oid


def numbers(**kwargs):
    return list(load_dataset("org/made", split="train", **kwargs)["number"])


def main():
    api, out = HfApi(), {}
    api.create_repo("org/made", repo_type="dataset")
    shas = [release(api, "v1.0.0", [1, 2, 3]), release(api, "v1.1.0", [1, 2, 3, 4])]
    out["v1.0.0"] = numbers(name="feedback", revision="v1.0.0")
    out["by sha"] = numbers(name="feedback", revision=shas[0])
    out["main"] = numbers()
    out["sft"] = numbers(name="sft", revision="v1.1.0")
    out["configs"] = get_dataset_config_names("org/made")
    streamed = load_dataset("org/made", revision="v1.0.0", split="train", streaming=True)
    out["streamed"] = [row["number"] for row in streamed]
    folder = Path(snapshot_download("org/made", repo_type="dataset", revision="v1.0.0"))
    out["snapshot"] = [folder.name == shas[0], sorted(path.name for path in folder.iterdir())]
    files = HfFileSystem()
    out["listed"] = files.ls("datasets/org/made/feedback", detail=False)
    out["globbed"] = len(files.glob("datasets/org/made@v1.0.0/**/*.parquet"))

    pushed = Dataset.from_dict({"text": ["a", "b"]})
    pushed.push_to_hub("org/pushed", config_name="one", private=True)
    pushed.push_to_hub("org/pushed", config_name="two", split="test")
    out["pushed"] = load_dataset("org/pushed", "two", split="test")["text"][:]
    out["private"] = api.dataset_info("org/pushed").private
    card = DatasetCard.load("org/pushed")
    out["pushed configs"] = [one["config_name"] for one in card.data.configs]
    card.data.license, card.text = "mit", "# By the card"
    card.push_to_hub("org/pushed")
    again = DatasetCard.load("org/pushed")
    out["card"] = [again.data.license, again.text.strip()]

    tiny = LlamaConfig(
        vocab_size=32,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
    )
    LlamaForCausalLM(tiny).push_to_hub("org/tiny")
    api.create_tag("org/tiny", tag="v1")
    loaded = LlamaForCausalLM.from_pretrained("org/tiny", revision="v1")
    out["model"] = [loaded.config.vocab_size, sum(weight.numel() for weight in loaded.parameters())]
    ModelCard("---\nlibrary_name: transformers\n---\n# Tiny\n").push_to_hub("org/tiny")
    info = api.model_info("org/tiny")
    out["model info"] = [info.library_name, sorted(one.rfilename for one in info.siblings)]
    print(json.dumps(out))


if __name__ == "__main__":
    main()
