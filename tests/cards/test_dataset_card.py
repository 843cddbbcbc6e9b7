"""The dataset card: front matter that the Hub's classes parse, and text from the facts."""

import copy

import jinja2
import pytest
import yaml
from huggingface_hub import DatasetCard, DatasetCardData
from markdown_it import MarkdownIt

from builders.rows.schema import FEEDBACK, PREFERENCES
from cards.dataset_card import COLUMNS, published_card, render_dataset_card, size_category
from cards.metadata import metadata_problems

FACTS = {
    "name": "tiny_feedback",
    "version": "1.0.0",
    "schema_version": "2.0",
    "recipe_sha256": "ab" * 32,
    "license": "cc-by-4.0",
    "language": ["en", "no"],
    "about": None,
    "test_share": 0.05,
    "moved_instructions": 0,
    "near_instructions": 0,
    "parent_version": None,
    "runs": [{"name": "one", "rows": 20000, "kept": 13000, "recipe_sha256": "ab" * 32}],
    "checkpoints": [],
    "stage": 1,
    "default_config": "feedback",
    "empty_configs": [],
    "configs": [
        {
            "name": "feedback",
            "description": "One row per kept instruction.",
            "splits": [{"name": "train", "rows": 12345}, {"name": "test", "rows": 655}],
        },
        {
            "name": "sft",
            "description": "Training rows.",
            "splits": [{"name": "train", "rows": 24690}],
        },
    ],
    "dataset_info": [
        {
            "config_name": "feedback",
            "features": [{"name": "id", "dtype": "string"}],
            "splits": [{"name": "train", "num_bytes": 9, "num_examples": 12345}],
        }
    ],
    "funnel": {
        "rows": 20000,
        "drafted": 19000,
        "critiqued": 17500,
        "scored": 15000,
        "kept": 13000,
        "calls": 67702,
        "tokens_in": 31861397,
        "tokens_out": 24487090,
        "cost": 12.5,
        "mean_draft_score": 4.502,
        "mean_refinement_score": 6.4598,
    },
    "drops": [{"reason": "margin", "sentence": "not above [[1-10]]", "rows": 7000}],
    "models": [
        {
            "step": "draft",
            "model": "org/small",
            "endpoint": "openai",
            "template": None,
            "temperature": 0.7,
            "top_p": 0.955,
            "max_new_tokens": 2048,
        },
        {
            "step": "critique",
            "model": "org/critic",
            "endpoint": "openai",
            "template": "cd" * 32,
            "temperature": 0.0,
            "top_p": None,
            "max_new_tokens": None,
        },
    ],
    "filters": {"min_margin": 0, "keep_no_change": False},
    "sources": [{"name": "seed-tasks", "license": "apache-2.0", "rows": 20000, "kept": 13000}],
    "statistics": {
        "mean_draft_characters": 591.7,
        "mean_refinement_characters": 918.2,
        "mean_added_characters": 326.5,
        "share_longer": 0.847,
        "share_unchanged": 0.0,
        "share_scored_higher": 0.796,
        "share_scored_lower": 0.0,
        "mean_gain": 1.9576,
        "scored": 15000,
        "mean_draft_score_of_scored": 4.6,
        "mean_refinement_score_of_scored": 6.1,
    },
    "gate": {
        "checks": [
            {"name": "secrets", "status": "pass", "sentence": "No key found.", "allowed": None}
        ],
        "redacted": None,
    },
    "review": None,
    "reserved": None,
    "audits": None,
    "evaluations": None,
    "limits": {
        "scripted": False,
        "checker": False,
        "same_model": False,
        "scores_own_text": True,
        "longer": True,
    },
}
ROW = {
    "id": "0a81",
    "history": [],
    "instruction": "Name the capital\nof Cameroon.",
    "draft": "Douala | I <b>think</b>.",
    "critique": {"weaknesses": ["It is wrong."], "suggestions": ["Think.", "Look."], "score": 2},
    "refinement": "Yaoundé.",
    "draft_score": 2,
    "refinement_score": 10,
}
FACTS["example"] = {"row": ROW, "among": 100}
ODD = "a | b\n| c |\n|---|\n---\nlicense: evil <b>x</b> \"q\" 's' `t` {{ x }} 漢字: # [l](u)"


def facts(**changes):
    return {**copy.deepcopy(FACTS), **changes}


def front_matter(card):
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("\n---\n")[0][4:])


def tables(card):
    """All tables as rows of cells, parsed by a real Markdown parser."""
    found, tokens = [], MarkdownIt("commonmark").enable("table").parse(card)
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            found[-1][-1].append("".join(child.content for child in after.children))
    return found


def table_with(card, heading):
    return next(table for table in tables(card) if table[0][0] == heading)


def test_the_front_matter_is_what_the_hub_reads():
    card = render_dataset_card(facts())
    data = DatasetCard(card).data
    assert isinstance(data, DatasetCardData)
    assert data.to_dict() == front_matter(card)
    assert data.license == "cc-by-4.0"
    assert data.language == ["en", "no"]
    assert data.pretty_name == "tiny_feedback"
    assert data.size_categories == ["10K<n<100K"]
    assert data.task_categories == ["text-generation"]
    assert data.annotations_creators == ["machine-generated"]
    assert data.source_datasets is None
    assert {"self-refinement", "critique", "language-feedback"} <= set(data.tags)
    assert data.dataset_info == FACTS["dataset_info"]


def test_terms_of_their_own_and_tools_are_named():
    terms = {"license": "other", "license_name": "mine", "license_link": "https://example.org"}
    data = front_matter(render_dataset_card(facts(**terms)))
    assert {key: data[key] for key in terms} == terms
    assert "distilabel" in data["tags"]
    assert "argilla" not in data["tags"]
    assert list(metadata_problems(data)) == []


def test_only_splits_that_exist_are_listed_and_feedback_is_the_default():
    configs = front_matter(render_dataset_card(facts()))["configs"]
    assert configs == [
        {
            "config_name": "feedback",
            "data_files": [
                {"split": "train", "path": "feedback/train-*"},
                {"split": "test", "path": "feedback/test-*"},
            ],
            "default": True,
        },
        {"config_name": "sft", "data_files": [{"split": "train", "path": "sft/train-*"}]},
    ]


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        (1, "n<1K"),
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (13_000, "10K<n<100K"),
        (10**6, "1M<n<10M"),
        (10**9, "1B<n<10B"),
        (10**13, "n>1T"),
    ],
)
def test_the_size_category_is_that_of_the_default_config(rows, name):
    assert size_category(rows) == name


def test_the_tables_hold_the_facts():
    card = render_dataset_card(facts())
    assert table_with(card, "config") == [
        ["config", "train", "test", "description"],
        ["feedback (default)", "12,345", "655", "One row per kept instruction."],
        ["sft", "24,690", "–", "Training rows."],
    ]
    assert table_with(card, "step")[-1] == ["kept", "13,000"]
    assert table_with(card, "reason")[1] == ["margin", "7,000", "not above [[1-10]]"]
    models = next(table for table in tables(card) if table[0][:2] == ["step", "model"])
    assert models[1] == ["draft", "org/small", "openai", "0.7", "0.955", "2,048", "–"]
    assert models[2] == ["critique", "org/critic", "openai", "0", "–", "–", "cdcdcdcdcdcd"]
    assert table_with(card, "mean independent score")[1] == ["kept rows (13,000)", "4.50", "6.46"]
    assert table_with(card, "kept rows")[3][1] == "+326"
    assert table_with(card, "source")[1] == ["seed-tasks", "apache-2.0", "20,000", "13,000"]
    assert "at a cost of 12.50" in card
    assert "keep_no_change` = no; `min_margin` = 0." in card
    assert "![Histogram of the independent scores" in card
    assert "(assets/scores.png)" in card
    assert "2406.07168" in card


def test_each_column_of_the_default_configs_is_described():
    assert COLUMNS.keys() == {*FEEDBACK, *PREFERENCES}
    for config, features in (("feedback", FEEDBACK), ("preferences", PREFERENCES)):
        info = {"config_name": config, "features": [{"name": name} for name in features]}
        card = render_dataset_card(
            facts(
                default_config=config,
                configs=[{**FACTS["configs"][0], "name": config}],
                dataset_info=[{"config_name": "ledger", "features": [{"name": "calls"}]}, info],
            )
        )
        described = next(one for one in tables(card) if one[0] == ["column", "description"])
        assert [row[0] for row in described[1:]] == list(features)


def test_the_loading_snippet_is_python():
    card = render_dataset_card(facts())
    snippet = card.split("```python\n")[1].split("```")[0]
    compile(snippet, "card", "exec")
    assert 'load_dataset("tiny_feedback@v1.0.0", "feedback")' in snippet


def test_the_first_lines_say_what_it_is_and_what_was_found():
    """Before anything else: what, how many, who was asked, how to load it, and one row."""
    card = render_dataset_card(facts())
    glance = {row[0]: row[1] for row in tables(card)[0]}
    assert glance["rows"] == "12,345 in train, 655 in test; 13,000 of 20,000 candidates kept"
    assert glance["models"].startswith("draft: org/small; critique and refinement: org/critic")
    assert glance["people"] == "nobody was asked about these rows"
    assert glance["audit"].startswith("none: ")
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    assert headings[:3] == ["## Loading", "## One row", "## How the rows were made"]


def test_one_row_is_shown_in_full():
    card = render_dataset_card(facts())
    row = dict(table_with(card, "column"))
    assert row == {
        "column": "the shortest of the first 100 rows, in full",
        "instruction": "Name the capital<br>of Cameroon.",
        "draft, scored 2": "Douala | I <b>think</b>.",
        "critique": "weaknesses: It is wrong.<br>suggestions:<br>- Think.<br>- Look.<br>score: 2",
        "refinement, scored 10": "Yaoundé.",
    }
    long = {**ROW, "draft": "x" * 2000}
    assert "… (2,000 characters)" in render_dataset_card(facts(example={"row": long, "among": 1}))
    assert "## One row" not in render_dataset_card(facts(example=None))


def test_a_pair_is_shown_as_one():
    pair = {
        "prompt": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}],
        "chosen": [{"role": "assistant", "content": "Better"}],
        "chosen_score": 8,
        "rejected": [{"role": "assistant", "content": "Worse"}],
        "rejected_score": 5,
    }
    card = render_dataset_card(facts(example={"row": pair, "among": 1}, stage=2))
    assert dict(table_with(card, "column")[1:]) == {
        "prompt": "user: Hi<br>assistant: Yes",
        "chosen, scored 8": "Better",
        "rejected, scored 5": "Worse",
    }


def test_a_published_card_says_how_to_load_it_from_the_hub():
    card = render_dataset_card(facts())
    published = published_card(card, "my-org/tiny", "1.0.0")
    snippet = published.split("```python\n")[1].split("```")[0]
    assert 'load_dataset("my-org/tiny", "feedback", revision="v1.0.0")' in snippet
    assert "tiny_feedback@v1.0.0" not in published

    def around(text):
        before, after = text.split("\n## Loading\n")
        return before, after[after.index("\n## ") :]

    assert around(published) == around(card)
    assert published_card(published, "my-org/tiny", "1.0.0") == published


def test_a_card_of_another_shape_stays_as_it_is():
    card = "---\nlicense: mit\n---\n\n# Other\n\n## Loading\n\nby hand\n\n## End\n"
    assert published_card(card, "my-org/tiny", "1.0.0") == card


def test_the_diagram_names_the_models():
    diagram = render_dataset_card(facts()).split("```mermaid\n")[1].split("```")[0]
    assert 'draft["Draft<br>org/small"]' in diagram
    assert 'critique["Critique and refinement<br>org/critic"]' in diagram
    assert 'scores["Independent scores<br>no model call"]' in diagram
    assert 'dropped["Dropped, with a reason<br>7,000"]' in diagram


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ("scripted", "Made by a test script, not by a model. Do not train on it."),
        ("checker", "The critic is the `verifiable` checker"),
        ("same_model", "The same model writes the drafts and the critiques"),
        ("scores_own_text", "scored by the model that wrote them"),
        ("longer", "judges tend to favor longer answers"),
    ],
)
def test_a_limit_is_stated_only_if_it_applies(limit, sentence):
    none = dict.fromkeys(FACTS["limits"], False)
    assert sentence in render_dataset_card(facts(limits={**none, limit: True}))
    assert sentence not in render_dataset_card(facts(limits=none))
    assert "No human has verified" in render_dataset_card(facts(limits=none))


def test_checks_are_listed_with_allowed_failures_and_reasons():
    checks = [
        {"name": "schema", "status": "pass", "sentence": "Every row is valid.", "allowed": None},
        {"name": "lengths", "status": "warn", "sentence": "Refinements grew.", "allowed": None},
        {"name": "licenses", "status": "fail", "sentence": "x is nc.", "allowed": "asked | them"},
    ]
    redacted = {"rows": 3, "by_kind": {"EMAIL": 2, "IP": 1}}
    card = render_dataset_card(facts(gate={"checks": checks, "redacted": redacted}))
    assert "redacted in 3 rows before the release was built: 2 × `[EMAIL]`, 1 × `[IP]`." in card
    assert "| `schema` | pass | Every row is valid. |" in card
    assert "| `lengths` | **warn** | Refinements grew. |" in card
    row = r"| `licenses` | **fail, allowed** | x is nc. Allowed because: asked \| them |"
    assert row in card
    assert "No checks were run" not in card
    assert "No checks were run" in render_dataset_card(facts(gate=None))


def test_optional_facts_may_be_none():
    funnel = {**FACTS["funnel"], "cost": None}
    card = render_dataset_card(facts(funnel=funnel, drops=[], filters={}, about=None))
    assert "cost" not in card
    assert "No row was dropped." in card
    assert "settings" not in card
    assert "None" not in card


def test_a_checkpoint_is_described_by_its_training():
    made = {"model": "stage1", "base_model": "org/small", "stage": 1, "trained_on": "x 1.0.0"}
    card = render_dataset_card(facts(checkpoints=[made]))
    assert "`stage1` is org/small after stage 1 training on x 1.0.0." in card


def test_the_parent_and_several_runs_are_named():
    runs = [{**FACTS["runs"][0], "name": name} for name in ("first", "second")]
    card = render_dataset_card(facts(parent_version="0.9.0", runs=runs))
    assert "| follows | 0.9.0 (`CHANGELOG.md` says what changed) |" in card
    assert "| second | 20,000 | 13,000 |" in card
    assert "first" not in render_dataset_card(facts()).split("## Models")[1].split("## Scores")[0]


def test_moved_instructions_are_stated():
    assert "1 instruction was moved" in render_dataset_card(facts(moved_instructions=1))
    assert "moved" not in render_dataset_card(facts())


@pytest.mark.parametrize("fact", sorted(FACTS))
def test_a_missing_fact_is_an_error_that_names_it(fact):
    lacking = facts()
    del lacking[fact]
    with pytest.raises((KeyError, jinja2.UndefinedError), match=fact):
        render_dataset_card(lacking)


@pytest.mark.parametrize("block", ["funnel", "statistics", "limits"])
def test_a_missing_figure_is_an_error_that_names_it(block):
    for figure in FACTS[block]:
        lacking = facts()
        del lacking[block][figure]
        with pytest.raises(jinja2.UndefinedError, match=figure):
            render_dataset_card(lacking)


def test_text_from_data_breaks_neither_front_matter_nor_tables():
    plain, odd = facts(about="Plain."), facts(about=f"{ODD}\n\n---\n\n# Evil\n\n```\n</div>")
    for block in ("sources", "models"):
        for row in odd[block]:
            row.update({key: ODD for key in ("name", "model", "endpoint") if key in row})
    odd["license"], odd["filters"] = ODD, {ODD: ODD}
    odd["example"]["row"].update(instruction=ODD, draft=f"```\n{ODD}")
    card = render_dataset_card(odd)
    flat = " ".join(ODD.split())
    front = front_matter(card)
    assert front.keys() == front_matter(render_dataset_card(plain)).keys()
    assert front["license"] == flat
    assert DatasetCard(card).data.to_dict() == front

    def shape(text):
        return [[len(row) for row in table] for table in tables(text)]

    assert shape(card) == shape(render_dataset_card(plain))
    assert table_with(card, "source")[1][0] == flat
    tokens = MarkdownIt("commonmark").enable("table").parse(DatasetCard(card).text)
    headings = [token for token in tokens if token.type == "heading_open"]
    plain_tokens = (
        MarkdownIt("commonmark").enable("table").parse(DatasetCard(render_dataset_card(plain)).text)
    )
    assert len(headings) == sum(token.type == "heading_open" for token in plain_tokens)
    inner = [child for token in tokens for child in token.children or []]
    html = [t for t in [*tokens, *inner] if t.type in ("html_block", "html_inline", "hr")]
    assert {t.content for t in html} <= {"<br>"}
    assert len([token for token in tokens if token.type == "fence"]) == 3


def test_about_is_shown_in_its_own_paragraphs():
    card = render_dataset_card(facts(about="Made for\nteaching.\n\nAsk us."))
    assert "\n\nMade for teaching.\n\nAsk us.\n\n" in card


def test_rendering_is_pure():
    given = facts()
    before = copy.deepcopy(given)
    assert render_dataset_card(given) == render_dataset_card(given)
    assert given == before
