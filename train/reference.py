"""docs/models.md, generated from the chat templates that the installed libraries ship.

    python -m train.reference > docs/models.md

The page also has what was found for templates of other projects, of which there are no copies here
(docs/public-templates.csv). To read a folder of them, with where they are from:

    python -m train.reference FOLDER OWNER/NAME@COMMIT >> docs/public-templates.csv
"""

import ast
import csv
import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

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
_PARAGRAPHS = "It is here.\n\nAnd it is there."
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
  Where a template writes nothing after an answer, or marks that are no tokens of the tokenizer, the
  end of sequence follows the answer itself. The pipelines stop at both.
- A tokenizer that gives other tokens once it is saved and loaded again (transformers 5.23 has that
  of Llama read `legacy` and not write it) is trained with in the form in which it is loaded again.
- A control token in a conversation's own text (`<|im_end|>` in a question about chat templates) is
  tokenized as the text that it is, in training and by the pipelines that load weights, and by equal
  tokens: it ends no turn. With a tokenizer that has no other tokens for it, the row is refused by
  name; so it is with `llamacpp`, which tokenizes template and text in one.
- A row whose text the template changes, such as an answer that contains `</think>`, or that the
  tokenizer cannot write, is skipped and counted as `altered` in `training.json`.

What is changed is said before training, a line each, beginning with `chat_template:`, `eos_token:`
or `tokenizer:`. A template with which a model could not be asked as it was trained ends the run
with one line that says why.

## The templates that TRL {trl} and transformers {transformers} ship

{right} of {all} are right, each with a byte-level and a SentencePiece tokenizer: the tokens of
stage 1, of stage 2 and of the pipelines are compared one by one in `tests/train/test_templates.py`.
"As one sequence" says whether the turns of a conversation are trained on in one sequence; where the
template writes an earlier answer in another way than the last one (without its block of thinking),
each turn is a sequence of its own.

{table}

## Templates of other projects

Of {public} templates in public repositories, {public_right} are right as well, and the others are
refused by name, before training. They were compared in the same way, by
`SRT_TEMPLATES=FOLDER pytest tests/train/test_templates.py`; there are no copies of them here, so
that the usual tests only print this table. [public-templates.csv](public-templates.csv) names
repository, commit and SHA-256 of each.

{public_table}

This page is generated: `python -m train.reference > docs/models.md`.
"""
_PUBLIC = Path(__file__).parents[1] / "docs/public-templates.csv"
_HEADINGS = ("trained on and asked by the same tokens", "an answer ends with", "as one sequence")


def templates() -> dict[str, str]:
    """The chat templates that the installed TRL and transformers ship, by name."""
    return {**templates_in(_folder("trl") / "chat_templates"), **dict(_of_processors())}


def templates_in(folder: Path) -> dict[str, str]:
    """The templates in a folder, by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.jinja"))}


def _folder(package: str) -> Path:
    # Without importing it, which takes seconds.
    return Path(find_spec(package).origin).parent


def _of_processors() -> Iterator[tuple[str, str]]:
    """Templates that transformers has as texts in its code, by model."""
    for path in sorted(_folder("transformers").glob("models/*/processing_*.py")):
        code = path.read_text(encoding="utf-8")
        if "{%" in code:
            texts = (
                node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)
            )
            for text in texts:
                if isinstance(text, str) and "{%" in text and "in messages" in text:
                    yield f"{path.parent.name} (transformers)", text


def models_reference() -> str:
    """The page."""
    rows = [described(name, template) for name, template in templates().items()]
    with _PUBLIC.open(encoding="utf-8", newline="") as file:
        public = [(f"{row[0].partition('@')[0]}: {row[1]}", *row[3:]) for row in csv.reader(file)]
    return _PAGE.format(
        trl=version("trl"),
        transformers=version("transformers"),
        right=_count_right(rows),
        all=len(rows),
        table=_table(rows),
        public_right=_count_right(public[1:]),
        public=len(public) - 1,
        public_table=_table(public[1:]),
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *lines = (f"| {' | '.join(line)} |" for line in [("template", *_HEADINGS), *rows])
    return "\n".join([head, "|---|---|---|---|", *lines])


def _count_right(rows: Sequence[Sequence[str]]) -> int:
    return sum(not row[1].startswith("refused") for row in rows)


def write_public(folder: Path, repository: str) -> None:
    """Print the rows of docs/public-templates.csv for the templates in a folder."""
    lines = csv.writer(sys.stdout, lineterminator="\n")
    for name, template in templates_in(folder).items():
        digest = hashlib.sha256(template.encode()).hexdigest()
        lines.writerow([repository, name, digest, *described(name, template)[1:]])


def described(name: str, template: str) -> tuple[str, str, str, str]:
    """The line of a template in the page's tables."""
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
    if answers.tokens(talk[:1], [{"role": "assistant", "content": _PARAGRAPHS}]) is None:
        changes.append("it rewrites texts with an empty line, whose rows are skipped")
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
    if len(sys.argv) > 1:
        write_public(Path(sys.argv[1]), sys.argv[2])
    else:
        print(models_reference(), end="")
