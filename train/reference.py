"""docs/models.md, generated from the chat templates that the installed TRL ships.

python -m train.reference > docs/models.md
"""

import re
from pathlib import Path

import trl
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from builders.errors import BadInput
from builders.training.answer_tokens import AnswerTokenizer
from builders.training.chat_template import probe
from builders.training.trained_template import end_of_answer, settle_template

# What looks like a token of its own in a chat template.
MARKS = re.compile(
    r"<\|[^|<>{}\s]+\|?>|<[^|<>{}\s]+\|>|<｜[^｜<>{}\s]+｜>|<(?:start|end)_of_\w+>|\[/?[A-Z_]+\]"
)
_BEGIN, _END = "<s>", "</s>"
_PAGE = """\
# Models and their chat templates

Any model that transformers loads as a causal language model, and whose tokenizer has a chat
template, is trained and asked. A base model without a template gets one by `chat_template:`, the
path of a Jinja file.

## What is asked is what was trained

- How a conversation is handed to a template is decided once, by how the template writes a
  conversation that grows: a system prompt that it rejects, leaves out, or moves to the last
  question (Mistral v0.3, Nemo, Pixtral) is put into the first question instead.
- Prompt and answer are tokenized together, so that tokenizers that treat the beginning of a text
  apart (SentencePiece) give the tokens that a model generates. Stage 1, stage 2, and the pipelines
  that load weights (`transformers`, `embedded`, `vllm`) use the same function.
- The loss is on the answer and the token that ends it, and nothing behind that. Where a template
  writes an open thinking mark before an answer to come, or an empty block of thinking or a
  channel's header before an answer that is there, the checkpoint is saved with a template that asks
  by what stands before an answer; the loss is not on that. Whoever serves the checkpoint asks it as
  it was trained.
- A template that writes today's date gets a fixed one, so that tomorrow's prompt is the same.
- If the token that the template writes after an answer is not the tokenizer's end of sequence
  (Qwen2.5 base with ChatML), it becomes that, in the tokenizer and in the generation settings.
  A template that writes nothing after an answer gets the end of sequence there. The pipelines stop
  at both.
- A control token in a conversation's own text (`<|im_end|>` in a question about chat templates) is
  tokenized as the text that it is, in training and by the pipelines that load weights, and by equal
  tokens: it ends no turn. With a tokenizer that has no other tokens for it, the row is refused by
  name; so it is with `llamacpp`, which tokenizes template and text in one.
- A row whose text the template changes, such as an answer that contains `</think>`, or that the
  tokenizer cannot write, is skipped and counted as `altered` in `training.json`.

What is changed is said before training, a line each, beginning with the key: `chat_template:` or
`eos_token:`. A template with which a model could not be asked as it was trained ends the run with
one line that says why.

## The templates that TRL {version} ships

{right} of {all} are right, each with a byte-level and a SentencePiece tokenizer: the tokens of
stage 1, of stage 2 and of the pipelines are compared one by one in `tests/train/test_templates.py`.
"As one sequence" says whether the turns of a conversation are trained on in one sequence; where the
template writes an earlier answer in another way than the last one (without its block of thinking),
each turn is a sequence of its own.

{table}

This page is generated: `python -m train.reference > docs/models.md`.
"""


def templates() -> dict[str, str]:
    """The chat templates that the installed TRL ships, by name."""
    paths = sorted(Path(trl.__file__).parent.glob("chat_templates/*.jinja"))
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


def models_reference() -> str:
    """The page."""
    rows = [_row(name, template) for name, template in templates().items()]
    lines = [
        "| template | trained on and asked by the same tokens | an answer ends with "
        "| as one sequence |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    right = sum(not row[1].startswith("refused") for row in rows)
    return _PAGE.format(version=trl.__version__, right=right, all=len(rows), table="\n".join(lines))


def _row(name: str, template: str) -> tuple[str, str, str, str]:
    tokenizer = byte_tokenizer(template)
    try:
        changes = settle_template(tokenizer)
        end = end_of_answer(tokenizer)
        answers = AnswerTokenizer(tokenizer)
    except BadInput as error:
        return name, f"refused: {error}", "", ""
    talk = probe((), 2)
    first, second = (answers.tokens(talk[:at], talk[at : at + 1]) for at in (1, 3))
    begun = first.prompt + first.answer
    joined = "yes" if second.prompt[: len(begun)] == begun else "no"
    change = "; ".join(line.removeprefix("chat_template: ") for line in changes)
    last = tokenizer.convert_ids_to_tokens(end.token).replace("|", "\\|")
    return name, change or "as it is", f"`{last}`", joined


def byte_tokenizer(template: str) -> PreTrainedTokenizerFast:
    """A tokenizer of bytes, for which the template's marks are tokens of their own."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=_END, bos_token=_BEGIN)
    marks = sorted(set(MARKS.findall(template)))
    made.add_special_tokens({"additional_special_tokens": marks})
    made.chat_template = template
    return made


if __name__ == "__main__":
    print(models_reference(), end="")
