"""Every chat template that TRL and transformers ship, with tokenizers of each kind: trained on and
asked by the same tokens, in both stages. SRT_TEMPLATES names a folder of others."""

import os
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import pytest

from builders.critique.prompts import chat
from builders.errors import BadInput
from builders.training.answer_tokens import AnswerTokenizer
from builders.training.sft import review_turns
from builders.training.trained_template import end_of_answer
from pipelines.llms.chat_prompt import encode_prompts
from pipelines.llms.messages import Request
from tests.tokenizers import KINDS, tokenizer_of
from train.counts import Counts
from train.pairs import pair_dataset
from train.reference import described, models_reference, templates, templates_in
from train.tokenization import IGNORED, sequences

TEMPLATES = templates()
OTHERS = templates_in(Path(os.environ["SRT_TEMPLATES"])) if "SRT_TEMPLATES" in os.environ else {}
# As Mistral's templates of v0.3, Nemo and Pixtral do.
SYSTEM_LAST = """\
{%- if messages[0].role == 'system' %}{% set system = messages[0].content %}
{%- set messages = messages[1:] %}{% endif %}
{%- for message in messages %}{% if message.role == 'user' %}{{ '[INST] ' }}
{%- if loop.last and system is defined %}{{ system + '\n\n' }}{% endif %}
{{- message.content + '[/INST]' }}{% else %}{{ ' ' + message.content + eos_token }}{% endif %}
{%- endfor %}"""
# As Tulu 2 and Zephyr write it, whose marks are no tokens of their own.
PLAIN = """\
{% for message in messages %}{{ '<|' + message.role + '|>\n' + message.content }}
{%- if message.role == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"""
DRAFT, REFINEMENT = "Paris is big.", "Paris, the capital,\n\n has 2 million people 🙂."
FEEDBACK = (
    f"### Weaknesses\n1. Too short.\n\nOverall Score: [[6]]\n\n### Improved Response\n{REFINEMENT}"
)
TALK = [
    {"role": "user", "content": "Bonjour!\n"},
    {"role": "assistant", "content": "Bonjour, what is it?"},
]


def conversations():
    """(the question with what stands before it, the review turn that follows), of each shape."""
    question = "You are asked: be brief. Name a city."
    # The second system prompt is part of the user's text.
    for system in (None, "You are a pirate.", "be brief"):
        for history in ([], TALK):
            yield (
                chat(question, system, history),
                review_turns(question, DRAFT, system=system, history=history),
            )


def answer(text):
    return [{"role": "assistant", "content": text}]


def sent(tokenizer, prompts):
    ids, failed = encode_prompts(tokenizer, [Request(one, seed=0) for one in prompts], 1, None)
    assert not failed
    return [ids[index] for index in range(len(prompts))]


def learned(ids, labels):
    """(the tokens before it, the tokens) of each span that counts in the loss."""
    position = 0
    for is_learned, run in groupby(labels, key=lambda label: label != IGNORED):
        end = position + len(list(run))
        if is_learned:
            yield ids[:position], ids[position:end]
        position = end


def check(tokenizer, folder, alters=False):
    """Counts of stage 1, whose tokens are those of stage 2 and of the pipelines.

    Rows that the template `alters` are skipped by both stages.
    """
    rows, pairs = [], []
    for question, reviewed in conversations():
        rows.append({"prompt": question, "completion": answer(DRAFT)})
        rows.append({"prompt": reviewed, "completion": answer(FEEDBACK)})
        sides = {"chosen": answer(REFINEMENT), "rejected": answer(DRAFT)}
        pairs.append({"prompt": question, **sides})
    if alters:
        answers = AnswerTokenizer(tokenizer)
        rows = [row for row in rows if answers.tokens(row["prompt"], row["completion"])]
    counts = Counts()
    spans = [span for one in sequences(rows, tokenizer, None, counts) for span in learned(*one)]
    assert (len(spans), counts.altered) == (len(rows), 0)
    # What is asked is asked with the template that is saved with the model.
    tokenizer.save_pretrained(folder)
    saved = type(tokenizer).from_pretrained(folder)
    end = end_of_answer(saved).token
    for (before, ids), prompt, row in zip(
        spans, sent(saved, [row["prompt"] for row in rows]), rows, strict=True
    ):
        assert before == prompt
        assert ids[-1] == end
        assert end not in ids[:-1]
        text = saved.decode(ids[:-1], clean_up_tokenization_spaces=False)
        assert text.strip() == row["completion"][0]["content"]
    if alters:
        # So it does with the refinement.
        return counts
    read, _ = pair_dataset(pairs, tokenizer, None, folder / "pairs.arrow")
    for pair, prompt, (_, draft) in zip(
        read, sent(saved, [pair["prompt"] for pair in pairs]), spans[::2], strict=True
    ):
        assert pair["prompt_ids"] == prompt
        assert pair["rejected_ids"] == draft
        text = saved.decode(pair["chosen_ids"][:-1], clean_up_tokenization_spaces=False)
        assert text.strip() == REFINEMENT
    # The system prompt is there, beside the question that repeats it.
    for prompt in sent(saved, [chat("You are asked: be brief. Name a city.", "be brief")]):
        assert saved.decode(prompt).count("be brief") == 2
    return counts


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_is_trained_on_and_asked_by_the_same_tokens(name, tmp_path):
    for kind in ("byte-level", "sentencepiece"):
        check(tokenizer_of(kind, TEMPLATES[name]), tmp_path)


# Without such a folder there is no such test, and none that is skipped.
if OTHERS:

    @pytest.mark.parametrize("name", sorted(OTHERS))
    def test_a_template_from_elsewhere_is_right_or_refused_by_name(name, tmp_path):
        _, found, *_ = described(name, OTHERS[name])
        for kind in ("byte-level", "sentencepiece"):
            tokenizer = tokenizer_of(kind, OTHERS[name])
            if found.startswith("refused"):
                with pytest.raises(BadInput, match=r"^chat_template: "):
                    check(tokenizer, tmp_path)
            else:
                check(tokenizer, tmp_path, alters="it rewrites" in found)


@pytest.mark.parametrize("kind", KINDS)
def test_templates_of_other_shapes(kind, tmp_path):
    for template, marks in (
        (SYSTEM_LAST, False),
        (SYSTEM_LAST, True),
        (PLAIN, False),
        (PLAIN, True),
    ):
        counts = check(tokenizer_of(kind, template, marks), tmp_path)
        assert counts.sequences == 6


@pytest.mark.parametrize("kind", ["byte-level", "sentencepiece"])
def test_marks_that_are_no_tokens_are_not_learned(kind, tmp_path):
    # The template writes its mark and then the end of sequence.
    counts = check(tokenizer_of(kind, TEMPLATES["phi3"], marks=False), tmp_path)
    assert counts.sequences == 12


def test_the_table_is_true():
    page = (Path(__file__).parents[2] / "docs/models.md").read_text(encoding="utf-8")
    if f"TRL {version('trl')} and transformers {version('transformers')} ship" not in page:
        pytest.skip("the page is of other versions")
    assert page == models_reference()
