"""The one entrance to building: a recipe file in, the runs of its rounds out."""

import threading

import pytest

from builders.errors import BadInput, RunFailed
from pipelines.build import build, build_rounds
from pipelines.generate.build import Unobserved
from pipelines.recipe.file import load_recipe

RECIPE = """
name: small
licence: mit
instructions: {builtin: stage1, limit: 12}
batch_size: 4
drafts: {kind: scripted, script: 'tests.scripts:draft'}
critic: {kind: scripted, script: 'tests.scripts:critic'}
"""


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(RECIPE)
    return tmp_path / "small.yaml"


@pytest.fixture
def store(tmp_path):
    return tmp_path / "answers.sqlite"


def test_a_run_is_built_where_its_name_says_and_messages_are_lines(recipe, store):
    lines = []
    run = build(str(recipe), overrides={"license": "cc0-1.0"}, store=store, notify=lines.append)
    assert str(run.folder) == "runs/small"
    manifest = run.read_manifest()
    assert (manifest.license, manifest.funnel.rows) == ("cc0-1.0", 12)
    assert lines == [
        f"{recipe}: 'licence' is now 'license'; the old name still works",
        "stage 1 into runs/small; loading the pipeline",
    ]


def test_every_round_is_a_run_and_the_last_one_is_returned(recipe, store):
    overrides = ["rounds=2", "instructions.limit=60"]
    runs = list(build_rounds(load_recipe(recipe, overrides), "out", store=store))
    assert [str(run.folder) for run in runs] == ["out", "out-round2"]
    assert build(recipe, "out", overrides=overrides, store=store).folder == runs[-1].folder


def test_an_observer_follows_each_run(recipe, store):
    class Counting(Unobserved):
        totals, rows = (), ()

        def begin(self, done, total):
            self.totals += (total,)

        def written(self, done):
            self.rows += (done.rows,)

    observer = Counting()
    build(recipe, limit=6, store=store, observer=observer)
    assert (observer.totals, observer.rows) == ((6,), (4, 6))
    build(recipe, store=store, observer=observer)
    assert observer.totals == (6, 12)
    assert observer.rows[-1] == 12


def test_a_stop_ends_the_run_and_the_same_call_continues_it(recipe, store):
    stop = threading.Event()
    stop.set()
    with pytest.raises(RunFailed, match=r"stopped after \d+ of 12 rows; the same command"):
        build(recipe, store=store, stop=stop)
    assert build(recipe, store=store).read_manifest().funnel.rows == 12


def test_the_stage_is_checked(recipe):
    with pytest.raises(BadInput, match="a recipe of stage 1, not 2: use `srt build stage1`"):
        build(recipe, stage=2)
