"""A server that is restarted while people answer."""

import pytest

from builders.errors import BadInput
from pipelines.cli.review.pull import pull
from pipelines.cli.review.push import push
from pipelines.cli.review.status import status
from services.argilla.launch import running_argilla
from tests.argilla import argilla_cache, ask
from tests.ledger_rows import kept_rows, make_run
from tests.reviewing import full_answer, page_values, people_file, pulled, pushed

pytestmark = pytest.mark.xdist_group("argilla")

NAMES = ("ann-restart", "ben-restart")


def test_answers_survive_a_restart_and_an_outage_is_one_line(tmp_path, monkeypatch, capsys):
    run = tmp_path / "runs" / "reviewed"
    make_run(run, list(kept_rows(4)))
    monkeypatch.chdir(tmp_path)
    with running_argilla(tmp_path / "argilla", argilla_cache()) as server:
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        people = people_file(tmp_path, NAMES, "restart")
        options = {"annotators": people, "sample": 4, "overlap": 2}
        reviewing, _ = pushed(server, run, capsys, **options)
        folder = reviewing.review.folder
        # Each person sees the records in an order of their own.
        pages = {
            name: [page for _, page in sorted(reviewing.pages(name).items())] for name in NAMES
        }
        answers = full_answer("draft", 7, 3)
        draft = reviewing.answer(NAMES[0], pages[NAMES[0]][0], answers, "draft")
        reviewing.answer(NAMES[0], pages[NAMES[0]][1], answers)
        reviewing.answer(NAMES[1], pages[NAMES[1]][1], answers)
        assert pulled(reviewing, capsys)["new"] == 2
        # One that no pull has seen.
        reviewing.answer(NAMES[1], pages[NAMES[1]][2], answers)

        server.stop()
        before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        for command in (lambda: pull(folder), lambda: status(folder), lambda: push(run, **options)):
            with pytest.raises(BadInput, match=f"no Argilla responds at {server.url}") as error:
                command()
            assert "\n" not in str(error.value)
        assert before == {path: path.read_bytes() for path in before}

        server.start()
        status(folder)
        assert "0 of 4 records complete" not in capsys.readouterr().out
        assert pulled(reviewing, capsys)["new"] == 1
        # Pages that were open all the time; of one, a draft was saved.
        order = reviewing.drawn[pages[NAMES[0]][0]["external_id"]]["order"]
        values = {key: {"value": value} for key, value in page_values(answers, order).items()}
        submitted = {"status": "submitted", "values": values}
        key = reviewing.keys[NAMES[0]]
        assert ask(server.url, key, "PUT", f"responses/{draft}", json=submitted).ok
        reviewing.answer(NAMES[0], pages[NAMES[0]][2], answers)
        later = pulled(reviewing, capsys)
        assert (later["verdicts"], later["new"], later["taken_back"]) == (5, 2, 0)
        push(run, **options)
        assert "(0 of them new)" in capsys.readouterr().out
