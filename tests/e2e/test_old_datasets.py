"""Readers with an older `datasets` get the same rows, by the card and from each file alone."""

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from builders.release.make import release_runs
from tests.builders.release.reviews.reviewed import Made
from tests.ledger_rows import ledger_rows, make_run
from tests.old_datasets import VERSIONS, old_datasets  # noqa: F401

pytestmark = pytest.mark.xdist_group("old-datasets")


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """A release of each stage, the first with verdicts."""
    out = tmp_path_factory.mktemp("releases")
    runs = [make_run(out / "run", ledger_rows(200), stage=2)]
    pairs = release_runs(runs, name="pairs", version="1.0.0", out=out)
    return [Made(tmp_path_factory.mktemp("reviewed"), "drop").release, pairs]


def rows_of(release, config, split):
    files = sorted((release / config).glob(f"{split}-*.parquet"))
    text = json.dumps(
        [row for path in files for row in pq.read_table(path).to_pylist()],
        sort_keys=True,
        default=str,
    )
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_config_is_read_by_card_and_by_file(old_datasets, releases, version):  # noqa: F811
    script = Path(__file__).with_name("read_release.py")
    found = json.loads(old_datasets(version, script, *map(str, releases)))
    assert found.pop("version") == version
    expected = {
        f"{release.name}/{folder.name}/{split}": [rows_of(release, folder.name, split)] * 2
        for release in releases
        for folder in sorted(release.iterdir())
        for split in sorted({path.name.split("-")[0] for path in folder.glob("*.parquet")})
    }
    assert found == expected
    assert {name.split("/")[1] for name in found} >= {"feedback", "verdicts", "preferences"}
