"""What `load_dataset` gives of each folder, by its card and file by file; run by old versions."""

import hashlib
import json
import sys
from pathlib import Path

import datasets


def digest(rows):
    text = json.dumps(list(rows), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


found = {"version": datasets.__version__}
for folder in map(Path, sys.argv[1:]):
    for config in datasets.get_dataset_config_names(str(folder)):
        for split, rows in datasets.load_dataset(str(folder), config).items():
            files = [str(path) for path in sorted((folder / config).glob(f"{split}-*.parquet"))]
            by_file = datasets.load_dataset("parquet", data_files=files, split="train")
            found[f"{folder.name}/{config}/{split}"] = [digest(rows), digest(by_file)]
print(json.dumps(found))
