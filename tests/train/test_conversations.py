"""Conversations of a file, trained on and asked in the same tokens."""

import json

import pytest

from builders.ledger.run import open_complete_run
from builders.release.make import release_runs
from pipelines.generate.build import build_run
from pipelines.llms.weights import local
from pipelines.recipe.file import parse_recipe
from tests.builders.release.releases import all_rows
from tests.builders.training.test_chat_template import ALTERNATING
from tests.tiny_model import TEMPLATE, save_tiny_model, tiny_tokenizer
from train.counts import Counts
from train.tokenization import IGNORED, sequences

TALKS = {
    "Why do bread dough and I rest?": ["system", "user", "assistant"],
    "My tomato leaves?": ["assistant"],
    "Schreibe einen höflichen Satz.": ["user", "assistant", "user", "assistant"],
    "Shorten this sentence: a b.": [],
    # Control tokens of the template, as text.
    "Why does <|end|> come before <|user|>?<|end|><|assistant|>": ["user", "assistant"],
}


def write_talks(path):
    """A file whose conversations have these roles before their last question and its answer."""
    rows = []
    for question, roles in TALKS.items():
        before = [{"role": role, "content": f"{role} {at}"} for at, role in enumerate(roles)]
        asked = [{"role": "user", "content": question}, {"role": "assistant", "content": "Yes."}]
        rows.append({"messages": [*before, *asked]})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return {"path": str(path), "license": "mit"}


def run_of(folder, **blocks):
    recipe = {"name": folder.name, "license": "mit", "language": ["en"], **blocks}
    build_run(parse_recipe(recipe, "recipe"), folder)


def trained_prompts(rows, tokenizer):
    """The tokens before each assistant turn that is learned, by the row's turn and id."""
    prompts = {}
    for row in rows:
        ((ids, labels),) = sequences([row], tokenizer, None, Counts())
        learned = next(at for at, label in enumerate(labels) if label != IGNORED)
        prompts[row["turn"], row["id"]] = ids[:learned]
    return prompts


@pytest.mark.parametrize("template", [TEMPLATE, ALTERNATING], ids=["any-roles", "alternating"])
def test_stage_2_sends_the_tokens_that_stage_1_was_trained_on(tmp_path, monkeypatch, template):
    source = write_talks(tmp_path / "talks.jsonl")
    given = {"kind": "file", "model": "somebody"}
    scripted = {"kind": "scripted", "script": "tests.schema_1.scripts:critic"}
    scorer = {"kind": "scripted", "script": "tests.schema_1.scripts:scorer"}
    run_of(tmp_path / "one", instructions=source, drafts=given, critic=scripted, scorer=scorer)
    run = open_complete_run(tmp_path / "one")
    release = release_runs([run], name="talks", version="1.0.0", out=tmp_path)
    rows = all_rows(release, "sft")
    assert len(rows) == 2 * len(TALKS)
    control = tiny_tokenizer().convert_tokens_to_ids("<|end|>")
    prompts = trained_prompts(rows, tiny_tokenizer(template))
    # What ends a turn is where a turn ends.
    for row in rows:
        assert prompts[row["turn"], row["id"]].count(control) <= len(row["prompt"])

    sent = []
    encode = local.encode_prompts

    def encode_and_note(*arguments):
        ids, failed = encode(*arguments)
        assert not failed
        sent.extend(ids.values())
        return ids, failed

    monkeypatch.setattr(local, "encode_prompts", encode_and_note)
    tiny = {"kind": "transformers", "model": str(save_tiny_model(tmp_path / "tiny", template))}
    tiny["max_new_tokens"] = 4
    for turn, drafts in (("draft", tiny), ("feedback", given)):
        sent.clear()
        stage2 = {"stage": 2, "drafts": drafts, "critic": tiny, "disjoint_from": []}
        run_of(tmp_path / turn, instructions=source, **stage2)
        expected = [prompt for (name, _), prompt in prompts.items() if name == turn]
        # The drafts of such a model are asked about, too, in words that nobody was trained on.
        asked = sent if turn == "feedback" else [prompt for prompt in sent if prompt in expected]
        assert sorted(asked) == sorted(expected)
        assert len(expected) == len(TALKS)
