"""An answer has the tokens that generation gives after its prompt's own tokens."""

import pytest
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from builders.training.answer_tokens import AnswerTokenizer
from builders.training.chat_template import chat_text, token_ids
from tests.tiny_model import TEMPLATE, tiny_tokenizer
from tests.tokenizers import KINDS, tokenizer_of

# As Llama 3 writes it, but for taking off the space around a text.
BREAKS = """\
{% for message in messages %}{{ '<|' + message.role + '|>\n\n' + message.content + '<|eot|>' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n\n' }}{% endif %}"""
ASKED = [{"role": "user", "content": "Why is that?\n"}]
ANSWERS = [
    "Paris",
    "\nParis, 2 lines",
    "\n\n\nThree breaks before",
    "  spaces before",
    "and after \n\n",
    "### Weaknesses\n1. It is short.\n\nOverall Score: [[6]]",
    "<|user|> is a mark",
]


def answered(text):
    return [{"role": "assistant", "content": text}]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ANSWERS)
def test_prompt_and_answer_are_the_whole_text(kind, text):
    tokenizer = tokenizer_of(kind, BREAKS)
    tokens = AnswerTokenizer(tokenizer).tokens(ASKED, answered(text))
    assert tokens.prompt == token_ids(tokenizer, chat_text(tokenizer, ASKED))
    assert tokens.answer[-1] == tokenizer.convert_tokens_to_ids("<|eot|>")
    whole = chat_text(tokenizer, [*ASKED, *answered(text)], answer_next=False)
    given = token_ids(tokenizer, whole)
    assert tokenizer.decode([*tokens.prompt, *tokens.answer]) == tokenizer.decode(given)


def test_the_first_token_of_an_answer_is_not_that_of_a_text():
    tokenizer = tokenizer_of("sentencepiece", BREAKS)
    alone = token_ids(tokenizer, "Paris")
    tokens = AnswerTokenizer(tokenizer).tokens(ASKED, answered("Paris"))
    assert tokenizer.convert_ids_to_tokens(alone)[0] == "▁"
    assert tokens.answer[:-1] == alone[1:]


@pytest.mark.parametrize("text", ["I think </think> so.", "", " \n"])
def test_an_answer_that_the_template_changes_has_no_tokens(text):
    cuts = TEMPLATE.replace("message['content']", "message['content'].split('</think>')[-1]")
    tokenizer = AnswerTokenizer(tiny_tokenizer(cuts))
    assert tokenizer.tokens(ASKED, answered(text)) is None
    assert tokenizer.tokens(ASKED, answered("I think so.")) is not None


def test_an_answer_that_the_tokenizer_cannot_write_has_no_tokens():
    tokenizer = tokenizer_of("unigram", BREAKS)
    tokenizer.unk_token = "<unk>"
    answers = AnswerTokenizer(tokenizer)
    assert answers.tokens(ASKED, answered("It is Ω.")) is None
    assert answers.tokens(ASKED, answered("It is here.")) is not None
    # As a SentencePiece file is read by a version of transformers that does not know it.
    empty = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), eos_token="</s>")
    empty.chat_template = TEMPLATE
    assert AnswerTokenizer(empty).tokens(ASKED, answered("It is here.")) is None


def test_a_conversation_that_the_template_rejects_has_no_tokens():
    once = "{% if messages | length > 4 %}{{ raise_exception('too many') }}{% endif %}" + TEMPLATE
    tokenizer = AnswerTokenizer(tiny_tokenizer(once))
    assert tokenizer.tokens([*ASKED, *answered("So."), *ASKED], answered("No.")) is not None
    talk = [*ASKED, *answered("So.")] * 2
    assert tokenizer.tokens([*talk, *ASKED], answered("No.")) is None
