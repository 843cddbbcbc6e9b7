"""Audits by batch API, in a budget, killed and two at once: the same answers, each paid once."""

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from builders.audit.result import audits_of, read_judgments
from builders.errors import BadInput, RunFailed
from pipelines.asking.asking import BATCH
from pipelines.audit.estimate import estimate_audit
from pipelines.audit.run import AuditRequest, run_audit
from pipelines.batch.api import BatchApi
from pipelines.llms.store import CompletionStore
from pipelines.recipe.file import execution_settings
from tests.batch_runs import submitted
from tests.batch_server import BatchServer
from tests.openai_server import OpenAIServer, answer, status
from tests.scripts import judge

PRICE = {"input": 3.0, "output": 5.0}
IN_BATCHES = ("execution.kind=batch", "execution.poll=0.01")


def reply(body, n):
    usage = {"prompt_tokens": 100, "completion_tokens": 50}
    return {**answer(judge(body["messages"], 0), body), "usage": usage}


@pytest.fixture
def store(tmp_path):
    return CompletionStore(tmp_path / "store.sqlite")


def request(model, folder, *settings, **options):
    return AuditRequest(model, folder, settings=execution_settings(settings), **options)


def judgments(folder):
    """The model's judgments, without its name: every test's model has its own."""
    return [{**row, "judge": None} for row in read_judgments(folder) if row["role"] == "model"]


def plain(model, folder):
    """The judgments of the same audit of a scripted judge, in this process."""
    return judgments(run_audit(AuditRequest(model("judge"), folder), folder / "audits/plain")[0])


class TestInBatches:
    def test_it_can_be_left_and_is_picked_up(self, make_set, model, endpoint_model, store):
        folder, lines = make_set(), []
        with BatchServer(reply, polls=1) as server:
            judge_file = endpoint_model(server.url, price=PRICE)
            asked = request(judge_file, folder, *IN_BATCHES, against=model("coin_judge"))
            ends = ("batch_0000 (80 requests) submitted", "batch_0000 is in_progress")
            for end in ends:
                with pytest.raises(RunFailed, match="the same command picks up") as error:
                    run_audit(asked, store=store, notify=lines.append)
                assert end in str(error.value)
            # Whoever asked in another way now would pay twice.
            here = request(judge_file, folder, against=asked.against)
            with pytest.raises(BadInput, match=r"batch_0000 has not been read; execution\.kind="):
                run_audit(here, store=store)
            # What has no batch to wait for is asked meanwhile.
            assert list((folder / "audits/judge/answers/against").glob("part-*"))
            done, audit = run_audit(asked, store=store, notify=lines.append)
            assert set(submitted(server).values()) == {1}
            assert server.live == 0
        assert "batch batch_0000 completed: 80 answers, 0 failures" in lines
        assert audit.cost["cost"] == pytest.approx(0.5 * 80 * (100 * 3 + 50 * 5) / 1e6)
        assert judgments(done) == plain(model, folder)

    def test_a_kill_between_making_a_batch_and_writing_it_down(
        self, make_set, endpoint_model, store, monkeypatch
    ):
        class Killed(BaseException):
            """Ends a command as kill -9 does: nothing that handles errors sees it."""

        create = BatchApi.create

        def killed(*arguments):
            create(*arguments)
            raise Killed

        with BatchServer(reply) as server:
            asked = request(
                endpoint_model(server.url), make_set(5), *IN_BATCHES, "execution.wait=true"
            )
            with monkeypatch.context() as patched, pytest.raises(Killed):
                patched.setattr(BatchApi, "create", killed)
                run_audit(asked, store=store)
            _, audit = run_audit(asked, store=store)
            assert len(server.batches) == 1
        assert audit.agreement["raw"]["value"] == 1

    def test_an_audit_begun_here_goes_on_in_a_batch(self, make_set, model, endpoint_model, store):
        folder, stop = make_set(100), threading.Event()
        with BatchServer(reply) as server:
            judge_file = endpoint_model(server.url, in_flight=2)
            with pytest.raises(RunFailed, match=r"stopped after \d+ of 200 answers"):
                run_audit(
                    request(judge_file, folder), store=store, stop=stop, progress=stop_after(stop)
                )
            asked = request(judge_file, folder, *IN_BATCHES, "execution.wait=true")
            done, _ = run_audit(asked, store=store)
            assert server.live + len(submitted(server)) == 200
            assert submitted(server)
        assert judgments(done) == plain(model, folder)


def stop_after(stop):
    return lambda _role, _done, _total: stop.set()


class TestBudget:
    def test_all_judges_have_one_and_more_money_goes_on(self, make_set, endpoint_model, store):
        folder = make_set()
        one_answer = (100 * 3 + 50 * 5) / 1e6
        with OpenAIServer(reply) as server:
            model, other = (
                endpoint_model(server.url, model=name, price=PRICE, max_new_tokens=50, in_flight=4)
                for name in ("model", "other")
            )

            def asked(answers):
                money = f"budget.money={answers * one_answer}"
                return request(model, folder, money, against=other)

            with pytest.raises(RunFailed, match=r"budget of .* is used up .* larger one continues"):
                run_audit(asked(100), store=store)
            # The longest reply that each request could bring had to fit.
            assert 80 < len(server.requests) <= 100
            _, audit = run_audit(asked(170), store=store)
            assert len(server.requests) == 160
        assert audit.comparisons[0].figures["difference"] == 0

    def test_what_is_stored_was_paid_for_too(self, make_set, endpoint_model, store):
        folder = make_set()
        with OpenAIServer(reply) as server:
            asked = request(endpoint_model(server.url), folder, "budget.tokens=6000")
            for _ in range(2):
                with pytest.raises(RunFailed, match="the budget of 6,000 tokens is used up"):
                    run_audit(asked, store=store)
            assert len(server.requests) <= 40

    def test_the_estimate_has_calls_tokens_and_cost(self, make_set, model, endpoint_model):
        folder = make_set()
        paid = endpoint_model("http://127.0.0.1:1/v1", price=PRICE, max_new_tokens=100)
        own, other = estimate_audit(request(paid, folder, against=model("judge"), repeat=2))[0]
        assert (own.step, own.calls, other.step, other.calls) == ("model", 160, "against", 80)
        assert own.tokens_out == own.tokens_out_at_most == 16_000
        assert own.cost == pytest.approx((own.tokens_in * 3 + 16_000 * 5) / 1e6)
        assert other.cost is None
        (half,) = estimate_audit(request(paid, folder, *IN_BATCHES, repeat=2))[0]
        assert half.cost == pytest.approx(own.cost / 2)


@pytest.mark.parametrize(
    ("name", "settings", "problem"),
    [
        ("stored", ["execution.kind=ray"], "execution.kind: ray needs a judge that is asked"),
        ("scripted", IN_BATCHES, "execution.kind: batch needs a judge of kind openai"),
        ("scripted", ["budget.tokens=5"], "no judge is of kind openai, so nothing is paid for"),
        ("openai", ["budget.money=5"], "budget.money needs the price of judge"),
        ("openai", ["budget.money=5", "budget.tokens=5"], "either money or tokens"),
        ("openai", ["budget.money=-1"], "budget.money: .*greater than 0"),
        ("openai", ["execution.kind=slurm"], "execution.kind: 'slurm' is not one of"),
        ("openai", ["execution.kind=batch", "execution.pol=3"], "did you mean 'poll'"),
        ("openai", ["limit=3"], "unknown key 'limit'"),
        ("openai", ["execution.kind"], "write an override as key=value"),
    ],
)
def test_settings_that_make_no_sense(make_set, model, endpoint_model, name, settings, problem):
    folder = make_set(3)
    names = {"scripted": model("judge"), "openai": endpoint_model("http://127.0.0.1:1/v1")}
    with pytest.raises(BadInput, match=problem):
        run_audit(request(names.get(name, name), folder, *settings))
    assert not (folder / "audits").exists()


def test_no_judge_is_paid_before_all_can_be_reached(make_set, endpoint_model):
    folder = make_set(3)
    with OpenAIServer(reply) as server, OpenAIServer(reply, key="sk-right") as other:
        with pytest.raises(BadInput, match="needs a key"):
            run_audit(
                request(endpoint_model(server.url), folder, judges=[endpoint_model(other.url)])
            )
        assert not server.requests


def test_answers_that_failed_are_asked_for_once_more(make_set, model, endpoint_model, store):
    folder = make_set()

    def failing_at_first(body, n):
        return status(500) if n % 9 == 0 and n < 80 else reply(body, n)

    with OpenAIServer(failing_at_first) as server:
        asked = request(endpoint_model(server.url, max_attempts=1), folder)
        done, audit = run_audit(asked, store=store)
        assert len(server.requests) == 80 + 9
    assert audit.pairs.unreadable == {}
    assert judgments(done) == plain(model, folder)


def test_kill_9_pays_nothing_twice(make_set, model, endpoint_model, tmp_path):
    folder, process = make_set(), None

    def killing(body, n):
        if n == 60:
            process.kill()
        return reply(body, n)

    with OpenAIServer(killing, latency=0.01) as server:
        judge_file = endpoint_model(server.url, in_flight=4)
        store = tmp_path / "store.sqlite"
        command = [sys.executable, "-m", "pipelines", "audit", "run", judge_file]
        command += ["--set", str(folder), "--store", str(store)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert process.wait() == -signal.SIGKILL
        parts = list((folder / "audits/judge/answers/model").glob("part-*"))
        assert len(parts) <= 60 // BATCH
        kept = CompletionStore(store).stats().completions
        assert 60 - 4 <= kept <= 60
        sent = len(server.requests)
        done, _ = run_audit(request(judge_file, folder), store=CompletionStore(store))
        # The requests in flight at the kill, and none that was answered.
        assert len(server.requests) - sent == 80 - kept
    assert judgments(done) == plain(model, folder)


def test_two_audits_of_a_set_at_once_are_two_looks(make_set, model):
    folder = make_set()
    together = threading.Barrier(2)

    def audit(judge_file):
        together.wait()
        return run_audit(AuditRequest(judge_file, folder))[1]

    # Made here: two threads at once would give both files one name.
    judges = [model("judge", model=name) for name in ("one", "other")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(audit, judges))
    (_, first), (_, second) = audits_of(folder)
    assert [first.look, second.look] == [1, 2]
    assert not first.comparisons
    assert [one.role for one in second.comparisons] == ["first audit"]
