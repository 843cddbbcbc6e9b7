"""The tokenizer and the generation settings with which a model is trained and saved."""

import json

import pytest
from transformers import AutoTokenizer, LlamaTokenizer
from trl import ModelConfig

from builders.errors import BadInput
from tests.tiny_model import tiny_model, tiny_tokenizer
from tests.tokenizers import tokenizer_of
from train.model import load_model, load_tokenizer

END, PAD = "<|end|>", "<|pad|>"


@pytest.fixture
def base(tmp_path):
    """A base model whose end of sequence is not the end of its template's turns."""
    tokenizer, model = tiny_tokenizer(), tiny_model()
    tokenizer.eos_token = PAD
    model.config.eos_token_id = model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return ModelConfig(model_name_or_path=str(tmp_path))


def test_the_templates_end_becomes_that_of_tokenizer_and_generation(base):
    tokenizer, lines = load_tokenizer(base)
    assert tokenizer.eos_token == END
    assert len(lines) == 1
    assert lines[0].startswith(f"eos_token: {END}, ")
    model = load_model(base, tokenizer)
    pad = tokenizer.convert_tokens_to_ids(PAD)
    assert model.generation_config.eos_token_id == [tokenizer.eos_token_id, pad]


def test_nothing_changes_where_generation_stops_there_anyway(base, tmp_path):
    model = tiny_model()
    model.generation_config.eos_token_id = [1, 0]
    model.save_pretrained(tmp_path)
    tokenizer, lines = load_tokenizer(base)
    assert (tokenizer.eos_token, lines) == (PAD, [])


def test_an_end_that_the_template_does_not_write_is_refused(base):
    tokenizer, lines = load_tokenizer(base, eos_token=END)
    assert (tokenizer.eos_token, lines) == (END, [])
    with pytest.raises(BadInput, match=r"^eos_token: the chat template writes <\|end\|> after"):
        load_tokenizer(base, eos_token="<|user|>")
    with pytest.raises(BadInput, match=r"^eos_token: <eos> is no token of "):
        load_tokenizer(base, eos_token="<eos>")


def test_a_template_file_that_is_no_text_is_one_line(base, tmp_path):
    path = tmp_path / "template.jinja"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"^chat_template: .* is not UTF-8 text$"):
        load_tokenizer(base, str(path))
    path.write_text("{% for message in messages %}")
    with pytest.raises(BadInput, match=r"^chat_template: it fails: "):
        load_tokenizer(base, str(path))


def test_a_tokenizer_that_forgets_how_it_was_made_is_trained_on_as_it_is_saved(tmp_path):
    template = "{{ bos_token }}{% for message in messages %}{{ message.role + ': ' }}"
    template += "{{ message.content + eos_token }}{% endfor %}"
    template += "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
    model = json.loads(tokenizer_of("sentencepiece", "").backend_tokenizer.to_str())["model"]
    merges = [tuple(pair) for pair in model["merges"]]
    LlamaTokenizer(vocab=model["vocab"], merges=merges).save_pretrained(tmp_path)
    # As the repositories of Llama 2 and of models made from it have it.
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "legacy": True}))
    (tmp_path / "chat_template.jinja").write_text(template)
    given = AutoTokenizer.from_pretrained(tmp_path)
    trained, lines = load_tokenizer(ModelConfig(model_name_or_path=str(tmp_path)))
    assert "tokenizer: once saved it gives other tokens, which are trained on" in lines
    trained.save_pretrained(tmp_path / "checkpoint")
    saved = AutoTokenizer.from_pretrained(tmp_path / "checkpoint")
    tokens = [each("<s>user: Hi")["input_ids"] for each in (given, trained, saved)]
    assert tokens[0] != tokens[1] == tokens[2]
