"""Several scorers: the first decides, the others are kept beside it."""

import json
from pathlib import Path

import pytest

from builders.errors import BadInput
from builders.ledger.funnel import Funnel
from builders.release.make import release_runs
from builders.rows.read import read_rows
from builders.rows.schema import FEEDBACK_ROWS, LEDGER_ROWS
from builders.rows.scorers import margin_of, same_sign
from pipelines.generate.build import build_run
from pipelines.generate.estimate import estimate
from pipelines.generate.instructions import make_sources
from pipelines.llms.store import CompletionStore
from pipelines.recipe.file import parse_recipe
from tests import openai_server as fake
from tests.openai_server import OpenAIServer, critic


def scripted(function, model="scripted", **settings):
    return {"kind": "scripted", "script": f"tests.scripts:{function}", "model": model, **settings}


FIRST = scripted("good_critic", "first")
COIN = scripted("coin_judge", "/models/coin")
RUBBISH = scripted("rubbish_judge", "rubbish")


def recipe(**changes):
    values = {
        "name": "scored",
        "instructions": {"builtin": "stage1", "limit": 40},
        "drafts": scripted("draft", temperature=0.7),
        "critic": scripted("good_critic"),
        "batch_size": 16,
        "scorer": [FIRST, COIN, RUBBISH],
        **changes,
    }
    return parse_recipe(values, "recipe.yaml")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return build_run(recipe(), tmp_path_factory.mktemp("scorers") / "run")


def without_controls(rows):
    first = ("draft", "critique", "score_draft", "score_refinement")
    return [
        {
            **row,
            "control_scores": [],
            "calls": [{**call, "latency": None} for call in row["calls"] if call["step"] in first],
        }
        for row in rows
    ]


def test_the_first_scorer_decides_as_it_does_alone(run, tmp_path):
    alone = build_run(recipe(scorer=FIRST), tmp_path / "alone")
    assert without_controls(run.iter_rows()) == without_controls(alone.iter_rows())
    assert {row["status"] for row in run.iter_rows()} == {"kept", "dropped"}
    listed = build_run(recipe(scorer=[FIRST]), alone.folder)
    assert listed.read_manifest() == alone.read_manifest()


def test_each_scorers_scores_and_calls_are_in_the_row(run):
    for row in run.iter_rows():
        steps = [call["step"] for call in row["calls"]]
        if row["draft_score"] is None:
            assert row["control_scores"] == []
            continue
        assert steps[4:] == [
            "score_draft_2",
            "score_refinement_2",
            "score_draft_3",
            "score_refinement_3",
        ]
        coin, rubbish = row["control_scores"]
        assert (coin["model"], coin["detail"]) == ("/models/coin", None)
        assert 1 <= coin["draft_score"] <= 10
        assert (rubbish["draft_score"], rubbish["refinement_score"]) == (None, None)
        assert rubbish["detail"].startswith("draft: ")
        assert "; refinement: " in rubbish["detail"]


def test_the_agreement_is_counted(run):
    rows = [row for row in run.iter_rows() if row["control_scores"]]
    coin, rubbish = run.read_manifest().funnel.model_dump()["controls"]
    agree = [same_sign(margin_of(row), margin_of(row["control_scores"][0])) for row in rows]
    assert coin["rows"] == len(rows)
    assert coin["same_sign"] == sum(agree) / len(agree)
    assert 0 <= coin["low"] < coin["same_sign"] < coin["high"] <= 1
    assert -1 <= coin["correlation"] <= 1
    assert rubbish["unreadable"] == len(rows)
    assert (rubbish["rows"], rubbish["same_sign"]) == (0, None)


def test_rows_on_which_scorers_disagree_can_be_dropped(run, tmp_path):
    strict = build_run(recipe(filters={"scorers_agree": True}), tmp_path / "strict")
    disagreeing = 0
    for before, row in zip(run.iter_rows(), strict.iter_rows(), strict=True):
        assert row["control_scores"] == before["control_scores"]
        if before["status"] == "kept":
            agrees = same_sign(margin_of(row), margin_of(row["control_scores"][0]))
            assert row["reason"] == (None if agrees else "scorers_disagree")
            disagreeing += not agrees
        else:
            assert row["reason"] == before["reason"]
    assert disagreeing == strict.read_manifest().funnel.dropped["scorers_disagree"] > 0


def test_a_release_has_the_scores_and_the_card_their_agreement(run, tmp_path):
    release = release_runs(
        [(run, run.read_manifest())], name="scored", version="1.0.0", out=tmp_path
    )
    by_id = {row["id"]: row for row in run.iter_rows()}
    for config, rows in (("feedback", FEEDBACK_ROWS), ("ledger", LEDGER_ROWS)):
        for path in (release / config).glob("*.parquet"):
            for row in read_rows(path, rows):
                before = by_id[row["id"]]["control_scores"]
                # Paths on this machine are not published.
                expected = [{**one, "model": Path(one["model"]).name} for one in before]
                assert row["control_scores"] == expected
    card = (release / "README.md").read_text()
    assert "**Other scorers.** Other models scored the same answers" in card
    assert "| coin |" in card
    assert "/models/coin" not in card + (release / "manifest.json").read_text()
    facts = json.loads((release / "manifest.json").read_text())
    assert [one["model"] for one in facts["funnel"]["controls"]] == ["coin", "rubbish"]
    steps = {model["step"] for model in facts["models"]}
    assert {"score_draft_2", "score_refinement_3"} <= steps


def test_the_calls_of_all_scorers_are_estimated():
    asked = recipe()
    steps = {one.step: one for one in estimate(asked, make_sources(asked.instructions), len)}
    assert steps["score_draft_2"].calls == steps["score_draft"].calls == 40
    assert steps["score_refinement_3"].model == "rubbish"
    assert steps["score_draft_2"].tokens_in == steps["score_draft"].tokens_in


def test_in_stage_2_another_scorer_gets_the_prompt_for_any_model(tmp_path):
    trained = scripted("trained", "trained")
    values = {
        "name": "pairs",
        "stage": 2,
        "instructions": {"builtin": "stage2", "limit": 12},
        "drafts": {**trained, "temperature": 0.7},
        "critic": trained,
        "scorer": [trained, FIRST],
        "disjoint_from": [],
    }
    run = build_run(parse_recipe(values, "recipe.yaml"), tmp_path / "run")
    rows = [row for row in run.iter_rows() if row["control_scores"]]
    assert rows
    for row in rows:
        templates = {call["step"]: call["template"] for call in row["calls"]}
        assert templates["score_draft_2"] == templates["score_refinement_2"]
        assert templates["score_draft_2"] != templates["score_refinement"]
        assert row["control_scores"][0]["refinement_score"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"scorer": []}, "scorer: List should have at least 1 item"),
        ({"scorer": [FIRST, FIRST]}, "scorer: 'first' is listed twice"),
        ({"scorer": [FIRST, scripted("coin_judge", "/m/first")]}, "'first' is listed twice"),
        ({"scorer": [FIRST, {"kind": "verifiable"}]}, "no other scorer beside it"),
        ({"scorer": [FIRST, {"kind": "openai"}]}, "key 'scorer.1.model' is missing"),
        ({"scorer": {"kind": "openai"}}, "key 'scorer.model' is missing"),
        ({"scorer": [FIRST, {**COIN, "temprature": 1}]}, "unknown key 'scorer.1.temprature'"),
        ({"scorer": FIRST, "filters": {"scorers_agree": True}}, "needs several scorers"),
        (
            {
                "scorer": [FIRST, {"kind": "openai", "model": "m"}],
                "budget": {"money": 1},
            },
            r"budget.money needs scorer.1.price",
        ),
    ],
)
def test_a_wrong_list_is_one_line_with_its_key(changes, line):
    with pytest.raises(BadInput, match=line):
        recipe(**changes)


def test_a_recipe_without_a_list_is_the_one_that_it_was():
    one, listed = recipe(scorer=FIRST), recipe(scorer=[FIRST])
    assert one.sha256 == listed.sha256 != recipe().sha256
    assert not {"samples", "keep"} & one.identity().keys()
    assert "scorers_agree" not in one.identity()["filters"]


def test_a_passing_fault_of_another_scorer_is_tried_again(tmp_path):
    down = True

    def reply(body, n):
        is_scored = "Improved Response" not in body["messages"][-1]["content"]
        if down and body["model"] == "b" and is_scored and n % 5 == 0:
            return fake.status(503)
        return critic(body, n)

    def served(url, model):
        return {
            "kind": "openai",
            "base_url": url,
            "api_key_env": None,
            "model": model,
            "max_attempts": 1,
        }

    with OpenAIServer(reply) as server:
        store = CompletionStore(tmp_path / "responses.sqlite")
        scorers = [served(server.url, "a"), served(server.url, "b")]
        asked = recipe(
            instructions={"builtin": "stage1", "limit": 12},
            critic=served(server.url, "a"),
            scorer=scorers,
        )
        failing = build_run(asked, tmp_path / "run", store=store)
        lost = failing.read_manifest().funnel.dropped["call_failed"]
        assert 0 < lost < 12
        down, sent = False, len(server.requests)
        run = build_run(asked, tmp_path / "run", store=store)
        # Nothing that was answered is asked again.
        assert len(server.requests) <= sent + 2 * lost
        assert "call_failed" not in run.read_manifest().funnel.dropped
        assert run.read_manifest().funnel.model_dump() == Funnel.of(run.iter_rows()).as_facts()
        for row in run.iter_rows():
            assert len(row["control_scores"]) == (row["draft_score"] is not None)
