"""A recipe on a real Ray of two workers: the ledger of a run in one process, whatever happens."""

import threading

import pytest

from builders.errors import BadInput, RunFailed
from builders.ledger.run import Run
from pipelines.generate.build import Unobserved, build_run
from pipelines.llms.store import CompletionStore
from pipelines.on_ray.driver import build_on_ray
from pipelines.recipe.execution import LocalExecution
from pipelines.recipe.file import parse_recipe
from tests import batch_runs
from tests import openai_server as server
from tests.batch_runs import comparable

pytestmark = pytest.mark.xdist_group("ray")


def recipe(address, url=None, replicas=2, rows=24, model=None, **changes):
    """One model, of the endpoint at `url` or scripted, drafts and reviews: two replicas are two
    processes to start."""
    scripted = {"kind": "scripted", "script": "tests.scripts:critic"}
    at_endpoint = {"kind": "openai", "model": "m", "base_url": url, "api_key_env": None}
    block = (at_endpoint if url else scripted) | (model or {})
    values = {
        "name": "on-ray",
        "instructions": [{"builtin": "stage1", "limit": rows}],
        "drafts": block,
        "critic": block,
        "execution": {"kind": "ray", "address": address, "replicas": replicas},
        "batch_size": 7,
    }
    return parse_recipe(values | changes, "test")


def local(given):
    return given.model_copy(update={"execution": LocalExecution()})


class At(Unobserved):
    """Does something once, when so many rows are on disk."""

    def __init__(self, rows, act):
        self.rows, self.act = rows, act

    def written(self, done):
        if done.rows >= self.rows and self.act:
            act, self.act = self.act, None
            act()


@pytest.fixture
def endpoint():
    with server.OpenAIServer(batch_runs.paid, latency=server.lognormal(0.01)) as running:
        yield running


@pytest.fixture
def store(tmp_path):
    return CompletionStore(tmp_path / "answers.sqlite")


def test_several_drafts_and_scorers_make_the_ledger_of_a_local_run(
    cluster, tmp_path, endpoint, store
):
    model = {"temperature": 0.7}
    block = {"kind": "openai", "base_url": endpoint.url, "api_key_env": None, **model}
    scorers = [{**block, "model": "m"}, {**block, "model": "other"}]
    settings = {"rows": 8, "replicas": 1, "samples": 2, "scorer": scorers}
    given = recipe(cluster, endpoint.url, model=model, **settings)
    run = build_on_ray(given, tmp_path / "one", store=store)
    sent = len(endpoint.requests)
    other = build_run(local(given), tmp_path / "other", store=store)
    assert len(endpoint.requests) == sent
    assert comparable(run) == comparable(other)
    assert any(row["control_scores"] for row in run.iter_rows())


def test_the_ledger_is_that_of_a_local_run_which_asks_nothing_more(
    cluster, tmp_path, endpoint, store
):
    given = recipe(cluster, endpoint.url, model={"in_flight": 5})
    run = build_on_ray(given, tmp_path / "one", store=store)
    sent = len(endpoint.requests)
    assert store.stats().completions == sent > 60
    assert 2 < endpoint.peak <= 5
    alone = build_run(local(given), tmp_path / "alone", store=store)
    assert comparable(run) == comparable(alone)
    assert len(endpoint.requests) == sent


def test_a_stopped_run_goes_on_here_and_there(cluster, tmp_path):
    given = recipe(cluster, rows=180, batch_size=4)
    folder = tmp_path / "run"
    for build, one, rows in ((build_on_ray, given, 20), (build_run, local(given), 40)):
        stop = threading.Event()
        with pytest.raises(RunFailed, match="of 180 rows; the same command continues"):
            build(one, folder, At(rows, stop.set), stop=stop)
        assert rows <= Run(folder).count_rows() < 180
    whole = build_on_ray(given, folder)
    alone = build_run(local(given), tmp_path / "alone")
    assert comparable(whole) == comparable(alone)
    assert whole.read_manifest().recipe_sha256 == alone.read_manifest().recipe_sha256


def kill_a_worker():
    """Kill -9 the replica that was started last."""
    import psutil

    ours = psutil.Process().children(recursive=True)
    replicas = [one for one in ours if "Replica" in one.name()]
    max(replicas, key=psutil.Process.create_time).kill()


def test_a_dead_worker_stops_the_run_and_the_same_command_finishes_it(cluster, tmp_path, store):
    def reply(body, n):
        if n == 100:
            kill_a_worker()
        return batch_runs.paid(body, n)

    with server.OpenAIServer(reply, latency=0.02) as endpoint:
        given = recipe(cluster, endpoint.url, rows=60, batch_size=4, model={"in_flight": 8})
        with pytest.raises(RunFailed, match=r"a Ray worker was lost .*the same command continues"):
            build_on_ray(given, tmp_path / "run", store=store)
        assert len(endpoint.requests) < 200
        whole = build_on_ray(given, tmp_path / "run", store=store)
        # What was under way is asked for again, and nothing else: the requests in flight, and
        # answers that were on their way to the store, at most those of the lost worker's batch
        # (of 4 rows with two scores each).
        assert len(endpoint.requests) <= store.stats().completions + 8 + 4 * 2
        alone = build_run(local(given), tmp_path / "alone", store=store)
    assert comparable(whole) == comparable(alone)


def test_a_budget_is_of_all_replicas(cluster, tmp_path, endpoint, store):
    given = recipe(cluster, endpoint.url, budget={"tokens": 12_000}, model={"max_new_tokens": 300})
    with pytest.raises(RunFailed, match="budget of 12,000 tokens is used up"):
        build_on_ray(given, tmp_path / "run", store=store)
    # Each answer takes 300 tokens.
    assert store.stats().completions == len(endpoint.requests) <= 40
    assert len(endpoint.requests) > 20


def test_an_error_at_a_worker_is_its_one_line(cluster, tmp_path):
    refused = {"kind": "scripted", "script": "tests.scripts:refused"}
    with pytest.raises(BadInput, match=r"^http://127.0.0.1:1/v1 refused the key in \$KEY"):
        build_on_ray(recipe(cluster, replicas=1, critic=refused), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_ray_that_is_too_small_is_refused(cluster, tmp_path):
    drafts = {"kind": "vllm", "model": "m"}
    with pytest.raises(BadInput, match="3 need 3 CPUs, and this Ray has 2"):
        build_on_ray(recipe(cluster, replicas=3, drafts=drafts), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_wrong_token_and_a_wrong_address_are_one_line(cluster, tmp_path, monkeypatch):
    with pytest.raises(BadInput, match=r"no Ray at 127\.0\.0\.1:1: .*refused"):
        build_on_ray(recipe("127.0.0.1:1"), tmp_path / "run")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of-somebody-else-000000000000")
    with pytest.raises(BadInput, match="refuses our token"):
        build_on_ray(recipe(cluster), tmp_path / "run")
