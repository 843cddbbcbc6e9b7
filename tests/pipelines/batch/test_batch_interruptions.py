"""Batches that are left, lost and killed, and none of them paid for twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from builders.errors import BadInput, RunFailed
from builders.ledger.run import Run
from pipelines.batch.api import BatchApi
from pipelines.batch.driver import build_in_batches
from pipelines.batch.records import BatchRecords
from pipelines.build import build_rounds
from pipelines.recipe.execution import LocalExecution
from tests.batch_runs import (
    KEY,
    SCRIPTED,
    WAIT,
    assert_no_key_in,
    comparable,
    live,
    make_recipe,
    reply,
    submitted,
)
from tests.batch_server import BatchServer


def test_it_can_be_left_and_is_picked_up_by_the_same_command(tmp_path, store):
    with BatchServer(reply, polls=1, key=KEY) as endpoint:
        recipe, errors = make_recipe(endpoint.url), []

        def command():
            with pytest.raises(RunFailed) as error:
                build_in_batches(recipe, tmp_path / "run", store=store)
            assert "the same command picks up the results" in str(error.value)
            errors.append(str(error.value))

        command()
        assert "batch batch_0000 (24 requests) submitted" in errors[-1]
        assert not Run(tmp_path / "run").parts()
        command()
        assert "batch_0000 is in_progress (0 of 24 requests done)" in errors[-1]
        command()
        assert "batch batch_0001 (24 requests) submitted" in errors[-1]
        command()
        command()
        assert "batch batch_0002" in errors[-1]
        command()
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        assert len(endpoint.batches) == 3
    assert comparable(run) == comparable(live(tmp_path, reply), cost=0.5)
    assert_no_key_in(run.folder)
    assert not list((run.folder / "batches").glob("*.jsonl"))


class Killed(BaseException):
    """Ends a command as kill -9 does: nothing that handles errors sees it."""


KILLS = {
    "before the upload": (BatchApi, "upload", "before"),
    "after the upload": (BatchApi, "upload", "after"),
    "before the batch": (BatchApi, "create", "before"),
    "after the batch": (BatchApi, "create", "after"),
    "before the record": (BatchRecords, "write", "before"),
    "after the record": (BatchRecords, "write", "after"),
    "before the results": (BatchApi, "download", "before"),
    "after the results": (BatchApi, "download", "after"),
}


@pytest.mark.parametrize("kill", KILLS)
def test_no_batch_is_paid_for_twice_whenever_it_is_killed(tmp_path, store, monkeypatch, kill):
    owner, name, when = KILLS[kill]
    real = getattr(owner, name)
    calls = 0

    def killed(*arguments):
        nonlocal calls
        calls += 1
        # The first time it is called, and again later: in another step of the protocol.
        if calls in (1, 4):
            if when == "after":
                real(*arguments)
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(owner, name, killed)
    kills = 0
    with BatchServer(reply, page=1) as endpoint:
        recipe = make_recipe(endpoint.url, rows=10, execution=WAIT)
        while True:
            try:
                run = build_in_batches(recipe, tmp_path / "run", store=store)
                break
            except Killed:
                kills += 1
        assert kills == (1 if calls < 4 else 2)
        assert set(submitted(endpoint).values()) == {1}
        assert len(endpoint.batches) == 3
    rows = comparable(live(tmp_path, reply, rows=10), cost=0.5)
    assert comparable(run) == rows


def test_kill_9_between_making_a_batch_and_writing_it_down(tmp_path, store):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from pipelines.batch.api import BatchApi\n"
        "from pipelines.batch.driver import build_in_batches\n"
        "from pipelines.llms.store import CompletionStore\n"
        "from tests.batch_runs import make_recipe\n"
        "real = BatchApi.create\n"
        "def create(*arguments):\n"
        "    real(*arguments)\n"
        "    os.kill(os.getpid(), 9)\n"
        "BatchApi.create = create\n"
        "folder = Path(sys.argv[2])\n"
        "store = CompletionStore(folder / 'answers.sqlite')\n"
        "build_in_batches(make_recipe(sys.argv[1], rows=10), folder / 'run', store=store)\n"
    )
    root = Path(__file__).parents[3]
    with BatchServer(reply) as endpoint:
        killed = subprocess.run(
            [sys.executable, "-c", code, endpoint.url, str(tmp_path)], cwd=root, check=False
        )
        assert killed.returncode == -9
        assert len(endpoint.batches) == 1
        recipe = make_recipe(endpoint.url, rows=10, execution=WAIT)
        build_in_batches(recipe, tmp_path / "run", store=store)
        assert set(submitted(endpoint).values()) == {1}


def test_a_batch_whose_making_was_not_answered_is_found(tmp_path, store):
    with BatchServer(reply, drop_created=1) as endpoint:
        recipe = make_recipe(endpoint.url, rows=6, execution=WAIT)
        assert build_in_batches(recipe, tmp_path / "run", store=store).read_manifest()
        assert len(endpoint.batches) == 3


def test_a_batch_at_another_endpoint_is_not_sent_again(tmp_path, store):
    with BatchServer(reply, polls=5) as one, BatchServer(reply) as other:
        with pytest.raises(RunFailed, match="submitted"):
            build_in_batches(make_recipe(one.url, rows=4), tmp_path / "run", store=store)
        with pytest.raises(BadInput, match="set base_url and model back"):
            build_in_batches(make_recipe(other.url, rows=4), tmp_path / "run", store=store)
        assert not other.batches


def test_requests_of_a_batch_are_not_sent_in_another_way(tmp_path, store):
    with BatchServer(reply, polls=5) as endpoint:
        recipe = make_recipe(endpoint.url, rows=4)
        with pytest.raises(RunFailed, match="submitted"):
            build_in_batches(recipe, tmp_path / "run", store=store)
        here = recipe.model_copy(update={"execution": LocalExecution()})
        with pytest.raises(BadInput, match=r"batch_0000 has not been read; execution\.kind="):
            list(build_rounds(here, tmp_path / "run", store=store.path))
        assert endpoint.live == 0


def test_the_command_ends_with_status_1_until_the_results_are_there(tmp_path):
    with BatchServer(reply, key=KEY) as endpoint:
        path = tmp_path / "recipe.yaml"
        path.write_text(make_recipe(endpoint.url, rows=6, **SCRIPTED).to_yaml())
        command = [Path(sys.executable).with_name("srt"), "build", "stage1", path, "--out", "run"]
        env = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "SRT_STORE": str(tmp_path / "answers.sqlite"),
        }
        ends = []
        for _ in range(3):
            done = subprocess.run(
                command, cwd=tmp_path, env=env, check=False, capture_output=True, text=True
            )
            assert "Traceback" not in done.stderr
            ends.append(done.returncode)
            assert ("the same command picks up the results" in done.stderr) == bool(ends[-1])
        assert ends == [1, 1, 0]
        assert KEY not in done.stdout + done.stderr
