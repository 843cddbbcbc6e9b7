"""What docs/consuming.md tells a downstream team works as it stands there."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from builders.release.make import release_runs
from pipelines.hub.client import connect
from pipelines.hub.package import read_package
from pipelines.hub.publish import RepositorySettings, plan_publishing, publish
from tests.ledger_rows import kept_rows, make_run
from tests.running_hub import running_hub

# One worker makes what they share.
pytestmark = pytest.mark.xdist_group("consuming")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/consuming.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- (\w+) -->\n```\w+\n(.*?)```", PAGE, flags=re.S))


class Silent:
    def stage(self, sentence):
        pass

    def sent(self, name, total):
        pass


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A running Hub with two versions, of which the page reads the older one; their folders."""
    folder = tmp_path_factory.mktemp("released")
    with running_hub(folder / "hub", token="hf_write") as hub:
        api, made, wishes = connect(hub.url, hub.token), {}, RepositorySettings()
        for version, rows in (("1.0.0", 50), ("1.1.0", 60)):
            run = make_run(folder / f"run-{version}", kept_rows(rows))
            made[version] = release_runs([run], name="my-feedback", version=version, out=folder)
            package = read_package(made[version])
            plan = plan_publishing(api, package, "my-org/my-feedback", wishes)
            made[package.tag] = publish(api, plan, wishes, Silent())
        yield hub, made


@pytest.fixture
def run(released, tmp_path):
    hub, _ = released

    def run(command, **environment):
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, **hub.env, "HF_HOME": str(tmp_path / "hf"), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def python(run):
    def python(name, **environment):
        # A stranger has none of our packages.
        code = "import sys; assert 'builders' not in sys.modules\n" + BLOCKS[name]
        return run([sys.executable, "-I", "-c", code], **environment)

    return python


@pytest.fixture(scope="module")
def rows(released):
    _, made = released
    return pq.read_table(made["1.0.0"] / "feedback/train-00000-of-00001.parquet").to_pylist()


def mean(rows, column):
    return sum(row[column] for row in rows) / len(rows)


def test_the_page_has_no_block_that_is_not_run():
    assert BLOCKS.keys() == {"datasets", "pinned", "pandas", "polars", "duckdb", "verify", "hashes"}
    assert PAGE.count("```") == 2 * len(BLOCKS)


def test_datasets(python, rows):
    count, weaknesses = python("datasets").splitlines()
    assert int(count) == len(rows)
    assert weaknesses == str(rows[0]["critique"]["weaknesses"])


def test_the_trap_and_the_way_round_it(released, run, python, rows):
    """Should `datasets` mend this one day, the page has a warning too many."""
    _, made = released
    newer = run([sys.executable, "-c", BLOCKS["datasets"].replace("v1.0.0", "v1.1.0")])
    offline = python("datasets", HF_HUB_OFFLINE="1")
    assert offline == newer
    assert offline.split()[0] != str(len(rows))
    assert python("pinned") == f"{made['v1.0.0']} {len(rows)}\n"
    with pytest.raises(AssertionError, match="OfflineModeIsEnabled"):
        python("pinned", HF_HUB_OFFLINE="1")


def test_pandas(python, rows):
    count, score = python("pandas").split()
    assert (int(count), float(score)) == (len(rows), pytest.approx(mean(rows, "refinement_score")))


def test_polars(python, rows):
    shown = python("polars", POLARS_FMT_TABLE_FORMATTING="ASCII_MARKDOWN")
    count, score = (cell.strip() for cell in shown.splitlines()[-1].strip("|").split("|"))
    assert int(count) == len(rows)
    assert float(score) == pytest.approx(mean(rows, "refinement_score"), abs=1e-5)


def test_duckdb(python, rows):
    shown = re.findall(r"│ +(\d+) │ +(\d+) │ +([\d.]+) │", python("duckdb"))
    found = {int(score): (int(count), float(refined)) for score, count, refined in shown}
    for score, (count, refined) in found.items():
        alike = [row for row in rows if row["critique"]["score"] == score]
        assert (count, refined) == (len(alike), pytest.approx(mean(alike, "refinement_score")))
    assert sum(count for count, _ in found.values()) == len(rows)


def test_verify(run, released):
    _, made = released
    words = shlex.split(BLOCKS["verify"])
    assert words[0] == "srt"
    command = [sys.executable, "-m", "pipelines", *words[1:], "--json"]
    found = json.loads(run(command, PYTHONPATH=str(ROOT)))
    assert (found["holds"], found["commit"]) == (True, made["v1.0.0"])


def test_the_hashes_without_us(python):
    assert python("hashes") == "every file is the one that was released\n"
