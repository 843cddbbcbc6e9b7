"""Real judgments of people and models in ../shared/data, which we may not publish."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "data"


def needs(*names: str) -> pytest.MarkDecorator:
    """Skips a test where one of the files is absent."""
    absent = [name for name in names if not (FOLDER / name).exists()]
    return pytest.mark.skipif(bool(absent), reason=f"needs ../shared/data/{' '.join(absent)}")


def json_rows(name: str) -> list[dict[str, Any]]:
    with gzip.open(FOLDER / name, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def csv_rows(name: str) -> list[dict[str, str]]:
    with gzip.open(FOLDER / name, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))
