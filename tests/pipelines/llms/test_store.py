import multiprocessing
import random
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from builders.errors import RunFailed
from pipelines.llms.endpoint.openai import OpenAILLM
from pipelines.llms.messages import Completion, Request
from pipelines.llms.store import CompletionStore, repair
from tests import openai_server as server

FULL = Completion(
    "Grüße, 世界",
    12,
    34,
    "stop",
    latency=1.5,
    attempts=2,
    failures=("HTTP 500",),
    reasoning="Hm, ñ.",
    tokens_reasoning=20,
)
# A completion as version 0.1 stored it, and the key that it gave to `requests(1)`.
OLD_ROW = (
    b'{"text":"Paid for.","tokens_in":12,"tokens_out":34,"finish_reason":"stop","reason":null,'
    b'"detail":null,"latency":1.5,"attempts":2,"failures":["HTTP 500"]}'
)
OLD_KEY = "24e58a381719fddaef3d2a6aa91a38b9d2ba76eebef228186d70dcb5f29fd700"


@pytest.fixture
def store(tmp_path):
    return CompletionStore(tmp_path / "cache" / "responses.sqlite")


def llm_for(endpoint, store, **settings):
    settings = {"model": "m", "base_url": endpoint.url, "api_key_env": None, **settings}
    llm = OpenAILLM(backoff_base=0.0, **settings)
    llm.keep_in(store)
    return llm


def requests(count, **changes):
    return [
        Request(
            **{"messages": [{"role": "user", "content": f"Question {n}"}], "seed": n, **changes}
        )
        for n in range(count)
    ]


def test_what_goes_in_comes_out(store):
    store.put(b"one", "m", "openai", FULL)
    assert store.get([b"one", b"two"]) == {b"one": FULL}
    assert store.get([]) == {}


def test_the_first_answer_stays(store):
    store.put(b"one", "m", "openai", FULL)
    store.put(b"one", "m", "openai", Completion("other"))
    assert store.get([b"one"])[b"one"] == FULL


def test_more_keys_than_a_statement_takes(store):
    keys = [str(n).encode() for n in range(2500)]
    for key in keys:
        store.put(key, "m", "openai", FULL)
    assert store.get(keys).keys() == set(keys)


def test_stats_and_prune(store):
    for n in range(30):
        store.put(str(n).encode(), "a" if n < 10 else "b", "openai", FULL)
    assert store.stats().by_model == {"b": 20, "a": 10}
    assert store.stats().bytes > 0
    assert store.prune(older_than_days=1) == 0
    assert store.prune(model="a") == 10
    assert store.prune() == 20
    assert store.stats().completions == 0


def _fill(path, first):
    store = CompletionStore(path)
    for n in range(first, first + 200):
        store.put(str(n).encode(), "m", "openai", FULL)


def test_processes_and_threads_share_a_store(store):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_fill, args=(store.path, 100 * n)) for n in range(2)]
    for process in processes:
        process.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: _fill(store.path, 1000 + 100 * n), range(4)))
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert store.stats().completions == 300 + 500


def test_a_file_that_is_no_store_is_one_line(tmp_path):
    path = tmp_path / "responses.sqlite"
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(RunFailed, match="srt cache repair") as error:
        CompletionStore(path)
    assert "\n" not in str(error.value)


def test_a_store_that_was_cut_off_is_told(store):
    for n in range(500):
        store.put(str(n).encode(), "m", "openai", FULL)
    store.prune(model="none")
    size = store.path.stat().st_size
    with store.path.open("r+b") as file:
        file.truncate(size // 2)
    with pytest.raises(RunFailed, match="srt cache repair"):
        CompletionStore(store.path).stats()


def test_a_full_disk_is_one_line(store, monkeypatch):
    class Full:
        def execute(self, *_):
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(CompletionStore, "_connection", Full())
    with pytest.raises(RunFailed, match="no space left"):
        store.put(b"one", "m", "openai", FULL)


def test_what_an_earlier_version_paid_for_is_not_paid_for_again(store):
    with sqlite3.connect(store.path) as connection:
        connection.execute(
            "insert into completions (key, model, endpoint, completion) values (?, ?, ?, ?)",
            (bytes.fromhex(OLD_KEY), "m", "openai", OLD_ROW),
        )
    with server.OpenAIServer() as endpoint:
        (completion,) = llm_for(endpoint, store).complete(requests(1))
        assert endpoint.requests == []
    assert completion == Completion(
        "Paid for.", 12, 34, "stop", latency=1.5, attempts=2, failures=("HTTP 500",)
    )


def test_a_models_thinking_is_stored_with_its_answer(store):
    def reply(body, n):
        usage = {"completion_tokens": 30, "completion_tokens_details": {"reasoning_tokens": 25}}
        return {**server.answer("Yes.", body, reasoning_content="Hm."), "usage": usage}

    with server.OpenAIServer(reply) as endpoint:
        (first,) = llm_for(endpoint, store).complete(requests(1))
        (again,) = llm_for(endpoint, store).complete(requests(1))
        assert len(endpoint.requests) == 1
    assert (first.reasoning, first.tokens_reasoning, first.tokens_out) == ("Hm.", 25, 30)
    assert again == first


def test_nothing_is_asked_twice(store):
    with server.OpenAIServer() as endpoint:
        first = llm_for(endpoint, store).complete(requests(20))
        again = llm_for(endpoint, store).complete(requests(25))
        assert len(endpoint.requests) == 25
    assert again[:20] == first


@pytest.mark.parametrize(
    "change", [{"model": "other"}, {"temperature": 0.5}, {"top_p": 0.9}, {"max_new_tokens": 7}]
)
def test_what_the_answer_depends_on_is_in_the_key(store, change):
    with server.OpenAIServer() as endpoint:
        llm_for(endpoint, store).complete(requests(3))
        llm_for(endpoint, store, **change).complete(requests(3))
        assert len(endpoint.requests) == 6
        llm_for(endpoint, store).complete(requests(3, seed=99))
        assert len(endpoint.requests) == 9


def test_how_hard_an_endpoint_is_driven_is_not_in_the_key(store):
    with server.OpenAIServer() as endpoint:
        llm_for(endpoint, store).complete(requests(3))
        llm_for(endpoint, store, in_flight=2, deadline=5.0, max_attempts=2).complete(requests(3))
        assert len(endpoint.requests) == 3


def test_only_what_was_paid_for_is_kept(store):
    replies = [server.refusal(), server.status(400), "Fine."]
    with server.OpenAIServer(lambda body, n: replies[body["seed"]]) as endpoint:
        llm = llm_for(endpoint, store)
        first = llm.complete(requests(3))
        again = llm.complete(requests(3))
        assert len(endpoint.requests) == 4
    assert [completion.reason for completion in first] == ["refusal", "call_failed", None]
    assert [completion.text for completion in again] == [None, None, "Fine."]


def test_answers_are_kept_when_a_later_one_stops_the_run(store):
    replies = ["Fine.", server.status(402)]
    with server.OpenAIServer(lambda body, n: replies[body["seed"] == 5]) as endpoint:
        llm = llm_for(endpoint, store, in_flight=1)
        with pytest.raises(RunFailed, match="payment required"):
            llm.complete(requests(6))
    assert store.stats().completions == 5


def filled(store, count=200):
    """The answers of a store with so many, by their keys; all of it is in one file."""
    answers = {f"key {n}".encode(): Completion(f"Answer {n}. " * 9, n, n) for n in range(count)}
    for key, answer in answers.items():
        store.put(key, "m", "openai", answer)
    store.close()
    return answers


def flipped(path, folder, chance):
    """A copy of a file in which one bit is another."""
    copy = folder / path.name
    folder.mkdir(exist_ok=True)
    whole = bytearray(path.read_bytes())
    whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    copy.write_bytes(whole)
    return copy


def test_a_flipped_bit_gives_no_other_answer(store, tmp_path):
    answers = filled(store)
    chance, stopped, told = random.Random(0), 0, set()
    for n in range(300):
        copy = flipped(store.path, tmp_path / f"flip{n}", chance)
        try:
            found = CompletionStore(copy).get(list(answers))
        except RunFailed as error:
            stopped += 1
            told.add(str(error).count("\n"))
        else:
            assert all(answers[key] == answer for key, answer in found.items())
    assert told == {0}
    # Most bits of the file are those of answers.
    assert stopped > 100


def test_a_repaired_store_has_all_answers_but_the_damaged(store, tmp_path):
    answers = filled(store)
    chance = random.Random(1)
    for n in range(40):
        copy = flipped(store.path, tmp_path / f"flip{n}", chance)
        before = copy.read_bytes()
        try:
            kept, _ = repair(copy)
        except RunFailed:
            # The first page, which says what the database has.
            assert copy.read_bytes() == before
            continue
        found = CompletionStore(copy).get(list(answers))
        assert all(answers[key] == answer for key, answer in found.items())
        # At most the rows of one page are lost.
        assert len(answers) - 40 <= len(found) <= kept <= len(answers)
        assert copy.with_name("responses.sqlite.damaged").read_bytes() == before
        assert not list(copy.parent.glob("*.repaired*"))


def test_answers_keep_their_age_when_a_store_is_repaired(store):
    store.put(b"one", "m", "openai", FULL)
    store._connection.execute("update completions set stored_at = stored_at - 864000")
    store.close()
    assert repair(store.path) == (1, 0)
    assert CompletionStore(store.path).prune(older_than_days=5) == 1


def test_a_store_in_use_is_not_repaired(store):
    store.put(b"one", "m", "openai", FULL)
    with pytest.raises(RunFailed, match="a run uses it"):
        repair(store.path)
    assert store.get([b"one"]) == {b"one": FULL}


def test_a_store_that_cannot_be_used_now_is_not_called_damaged(store, monkeypatch):
    for words in ("database is locked", "attempt to write a readonly database"):

        class Busy:
            def execute(self, *_, words=words):
                raise sqlite3.OperationalError(words)

        monkeypatch.setattr(CompletionStore, "_connection", Busy())
        with pytest.raises(RunFailed, match=f"{words}; no answer in it is lost"):
            store.put(b"one", "m", "openai", FULL)


def test_a_store_of_an_earlier_version_is_read_and_gets_checksums(store, tmp_path):
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "create table completions (key blob primary key, model text not null, endpoint text "
            "not null, stored_at integer not null default (unixepoch()), completion blob not null)"
        )
        connection.execute(
            "insert into completions (key, model, endpoint, completion) values (?, 'm', 'e', ?)",
            (b"old", OLD_ROW),
        )
    connection.close()
    old = CompletionStore(path)
    assert old.get([b"old"])[b"old"].text == "Paid for."
    old.put(b"new", "m", "openai", FULL)
    checks = dict(old._connection.execute("select key, checksum from completions"))
    assert checks[b"old"] is None
    assert isinstance(checks[b"new"], int)
    old.close()
    assert repair(path) == (2, 0)


def test_a_store_is_its_users_alone(store, tmp_path):
    store.put(b"one", "m", "openai", FULL)
    assert {file.stat().st_mode & 0o777 for file in store.path.parent.iterdir()} == {0o600}
    open_to_all = tmp_path / "old" / "responses.sqlite"
    open_to_all.parent.mkdir()
    shutil.copy(store.path, open_to_all)
    open_to_all.chmod(0o644)
    CompletionStore(open_to_all)
    assert open_to_all.stat().st_mode & 0o777 == 0o600
