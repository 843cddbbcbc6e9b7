"""Evaluations by batch API, in a budget, killed and two at once: the same figures, each call paid
once."""

import json
import signal
import subprocess
import sys
import threading

import pytest

from builders.errors import BadInput, RunFailed
from builders.evaluation.result import read_judgments
from builders.files.lock import locked
from pipelines.evaluation.estimate import estimate_evaluation
from pipelines.evaluation.run import EvaluationRequest, run_evaluation
from pipelines.llms.store import CompletionStore
from pipelines.recipe.file import execution_settings
from tests.batch_runs import submitted
from tests.batch_server import BatchServer
from tests.openai_server import OpenAIServer, answer, status
from tests.scripts import pair_judge, trained

PRICE = {"input": 3.0, "output": 5.0}
IN_BATCHES = ("execution.kind=batch", "execution.poll=0.01")
# Drafts, critiques, and each answer compared in two orders.
CALLS = 30 + 30 + 2 * 60


def reply(body, n):
    script = pair_judge if body["model"] == "judge" else trained
    usage = {"prompt_tokens": 100, "completion_tokens": 50}
    return {**answer(script(body["messages"], 0), body), "usage": usage}


@pytest.fixture
def store(tmp_path):
    return CompletionStore(tmp_path / "store.sqlite")


@pytest.fixture
def asked(tmp_path, instructions, reference):
    """A function that makes a request to evaluate a model with a judge, both at an endpoint."""

    def endpoint(name, url, **block):
        path = tmp_path / f"{name}-{len(list(tmp_path.glob('*.yaml')))}.yaml"
        values = {"kind": "openai", "model": name, "base_url": url, "api_key_env": None}
        path.write_text(json.dumps(values | block))
        return str(path)

    def made(url, *settings, judge_url=None, **block):
        return EvaluationRequest(
            endpoint("model", url, trained=True, **block),
            reference,
            endpoint("judge", judge_url or url, **block),
            instructions,
            settings=execution_settings(settings),
        )

    return made


@pytest.fixture
def plain(tmp_path, model, instructions, reference):
    """The judgments of the same evaluation of scripted models, in this process."""
    writer, judge = model("trained", trained=True), model("pair_judge")
    request = EvaluationRequest(writer, reference, judge, instructions)
    run_evaluation(request, tmp_path / "plain")
    return read_judgments(tmp_path / "plain")


class TestInBatches:
    def test_it_can_be_left_and_is_picked_up(self, asked, plain, store, tmp_path):
        out, ends = tmp_path / "out", []
        with BatchServer(reply, polls=1) as server:
            request = asked(server.url, *IN_BATCHES, price=PRICE)
            while len(ends) < 10:
                try:
                    found = run_evaluation(request, out, store=store)
                    break
                except RunFailed as error:
                    ends.append(str(error))
                    here = EvaluationRequest(
                        **(vars(request) | {"settings": execution_settings([])})
                    )
                    # Whoever asked in another way now would pay twice.
                    with pytest.raises(BadInput, match="has not been read"):
                        run_evaluation(here, out, store=store)
            # Drafts, critiques and judgments: each is submitted, and in progress at the next look.
            assert [end.rpartition(" ")[0].count("submitted") for end in ends] == [1, 0] * 3
            assert set(submitted(server).values()) == {1}
            assert len(submitted(server)) == CALLS
            assert server.live == 0
        assert found.cost["judge"]["cost"] == pytest.approx(0.5 * 120 * (100 * 3 + 50 * 5) / 1e6)
        assert read_judgments(out) == plain

    def test_an_evaluation_begun_here_goes_on_in_batches(self, asked, plain, store, tmp_path):
        out, stop = tmp_path / "out", threading.Event()
        with BatchServer(reply) as server:
            with pytest.raises(RunFailed, match=r"stopped after \d+ of 120 answers"):
                run_evaluation(
                    asked(server.url, in_flight=1),
                    out,
                    store=store,
                    stop=stop,
                    progress=lambda role, *_: stop.set() if role == "judge" else None,
                )
            live = server.live
            request = asked(server.url, *IN_BATCHES, "execution.wait=true", in_flight=1)
            run_evaluation(request, out, store=store)
            assert server.live == live
            assert live + len(submitted(server)) == CALLS
        assert read_judgments(out) == plain


def test_all_models_have_one_budget_and_a_larger_one_goes_on(asked, plain, store, tmp_path):
    out = tmp_path / "out"
    with OpenAIServer(reply) as server:

        def request(answers):
            budget = f"budget.tokens={150 * answers}"
            return asked(server.url, budget, max_new_tokens=50, in_flight=4)

        for answers in (40, 100):
            # The first is used up by the model, the second by model and judge together.
            with pytest.raises(RunFailed, match=r"budget of .* is used up .* larger one continues"):
                run_evaluation(request(answers), out, store=store)
            assert len(server.requests) <= answers
        assert len(server.requests) > 60
        run_evaluation(request(400), out, store=store)
        assert len(server.requests) == CALLS
    assert read_judgments(out) == plain


def test_no_model_is_paid_before_the_judge_can_be_reached(asked, tmp_path):
    with OpenAIServer(reply) as server, OpenAIServer(reply, key="sk-right") as other:
        with pytest.raises(BadInput, match="needs a key"):
            run_evaluation(asked(server.url, judge_url=other.url), tmp_path / "out")
        assert not server.requests


def test_calls_that_failed_are_asked_once_more_and_again_by_the_next_command(
    asked, plain, store, tmp_path
):
    out, failures = tmp_path / "out", []

    def failing(body, n):
        text = body["messages"][0]["content"]
        is_one = body["model"] == "model" and len(body["messages"]) > 1 and "topic 7." in text
        if failures is not None and is_one:
            failures.append(n)
            return status(500)
        return reply(body, n)

    with OpenAIServer(failing) as server:
        request = asked(server.url, max_attempts=1)
        found = run_evaluation(request, out, store=store)
        assert len(failures) == 2
        assert any("1 of 30 critiques could not be read" in note for note in found.notes)
        # The draft stood for the refinement, and was judged once.
        assert len(server.requests) == CALLS - 2 + 1
        failures, sent = None, len(server.requests)
        found = run_evaluation(request, out, store=store)
        # The critique, and the refinement in both orders.
        assert len(server.requests) == sent + 3
    assert not any("could not be read" in note for note in found.notes)
    assert read_judgments(out) == plain


def test_kill_9_pays_nothing_twice(asked, plain, tmp_path):
    out, process = tmp_path / "out", None

    def killing(body, n):
        if n == 100:
            process.kill()
        return reply(body, n)

    with OpenAIServer(killing, latency=0.01) as server:
        request = asked(server.url, in_flight=4)
        store = tmp_path / "store.sqlite"
        command = [sys.executable, "-m", "pipelines", "evaluate", request.model]
        command += ["--reference", request.reference, "--judge", request.judge]
        command += ["--instructions", str(request.instructions), "--out", str(out)]
        process = subprocess.Popen(
            [*command, "--store", str(store)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert process.wait() == -signal.SIGKILL
        kept = CompletionStore(store).stats().completions
        sent = len(server.requests)
        assert sent - 4 <= kept <= sent
        run_evaluation(request, out, store=CompletionStore(store))
        # The requests in flight at the kill, and none that was answered.
        assert len(server.requests) - sent == CALLS - kept
    assert read_judgments(out) == plain


def test_two_of_the_same_at_once(asked, tmp_path):
    out = tmp_path / "out"
    with OpenAIServer(reply) as server:
        request = asked(server.url)
        out.mkdir()
        with locked(out), pytest.raises(BadInput, match=r"another process \(pid \d+\) is working"):
            run_evaluation(request, out)
        assert not server.requests
        run_evaluation(request, out)


def test_the_estimate_has_calls_tokens_and_cost(asked):
    url = "http://127.0.0.1:1/v1"
    steps, _ = estimate_evaluation(asked(url, price=PRICE, max_new_tokens=100))
    assert [(step.step, step.calls) for step in steps] == [
        ("model: draft", 30),
        ("model: critique", 30),
        ("judge", 120),
    ]
    for step in steps:
        assert step.cost == pytest.approx((step.tokens_in * 3 + step.tokens_out * 5) / 1e6)
        assert step.tokens_out_at_most == 100 * step.calls
    halved, _ = estimate_evaluation(asked(url, *IN_BATCHES, price=PRICE, max_new_tokens=100))
    assert [one.cost for one in halved] == [pytest.approx(step.cost / 2) for step in steps]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["execution.kind=batch"], r"execution\.kind: batch needs a model of kind openai"),
        (["budget.tokens=5"], "no model is of kind openai, so nothing is paid for"),
        (["limit=3"], "unknown key 'limit'"),
    ],
    ids=["batch", "budget", "key"],
)
def test_settings_that_make_no_sense(reference, model, tmp_path, settings, problem):
    with pytest.raises(BadInput, match=problem):
        run_evaluation(
            EvaluationRequest(
                reference,
                reference,
                model("pair_judge"),
                settings=execution_settings(settings),
            ),
            tmp_path / "out",
        )
    assert not (tmp_path / "out").exists()


def test_money_needs_every_price(asked, tmp_path):
    with pytest.raises(BadInput, match=r"budget\.money needs the price of model"):
        run_evaluation(asked("http://127.0.0.1:1/v1", "budget.money=5"), tmp_path / "out")


def test_an_answer_that_is_draft_and_refinement_is_judged_once(asked, tmp_path):
    def no_change(body, n):
        if body["model"] == "model":
            return "An answer. Better."
        return reply(body, n)

    with OpenAIServer(no_change) as server:
        found = run_evaluation(asked(server.url), tmp_path / "out")
        judged = [body for body in server.requests if body["model"] == "judge"]
    # Those equal to the reference tie without being asked about.
    assert len(judged) == 2 * 20
    assert found.difference.raw["value"] == 0
