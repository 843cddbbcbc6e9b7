"""The chat template in which a model is trained, saved with it, and asked afterwards.

A model's own template may write something else before an answer that is to come than before one
that is there: an open mark of thinking before the first, an empty block of thinking or a channel's
header before the second. Then what is asked is not what was trained, or the loss falls on marks
that are no part of the answer. `settle_template` replaces the template by one that asks by the
text that stands before a given answer. Whoever asks the trained model with the template that was
saved with it (the pipelines, a server, other people's code) sends the tokens it was trained on.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from builders.errors import BadInput, reason_of
from builders.training.chat_template import ANSWERS, HEAD, QUESTIONS, chat_text, probe

# What stands before the first question: nothing, or a system prompt.
_HEADS: tuple[tuple[str, ...], ...] = ((), ("system",))
# Variables by which templates are asked to write no thinking.
_THINKING = ("enable_thinking", "thinking")
# A template that writes today's date would ask tomorrow by another text. It gets the date that
# Llama 3's template writes where it has no clock.
_DATE = date(2024, 7, 26)
_SAVED = "chat_template: saved with the model, so that it is asked by what stands before an answer"
_NOW = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""")


@dataclass(frozen=True)
class End:
    """What ends an answer: `text`, whose last token `token` is one at which generation stops.

    `text` is None if the template writes no such token: the answer's tokens are followed by it.
    """

    token: int
    text: str | None


def settle_template(tokenizer: Any) -> list[str]:
    """Give `tokenizer` the template in which its model is trained, saved and asked.

    Returns a line about each change. BadInput, with the reason, if the template cannot be trained
    on. Settling it again changes nothing.
    """
    tokenizer.chat_template, changes = _trained_template(tokenizer, tokenizer.get_chat_template())
    return changes


def settle_end(tokenizer: Any, stops: Collection[int] = ()) -> list[str]:
    """Make what the template writes after an answer the end of sequence.

    `stops` are tokens at which the model's generation stops anyway. Returns a line about each
    change; BadInput if there is no token at which generation could stop.
    """
    end = end_of_answer(tokenizer)
    if end.text is None:
        return [
            f"chat_template: it writes no token after an answer; {tokenizer.eos_token} ends each"
        ]
    if end.token == tokenizer.eos_token_id or end.token in stops:
        return []
    before, token = tokenizer.eos_token, tokenizer.convert_ids_to_tokens(end.token)
    tokenizer.eos_token = token
    return [
        f"eos_token: {token}, which the chat template writes after an answer, instead of {before}"
    ]


def stop_tokens(tokenizer: Any) -> list[int]:
    """The tokens at which a model with this tokenizer ends an answer."""
    try:
        end = end_of_answer(tokenizer).token
    # A template that fails here fails for the prompts, too, where it is reported.
    except Exception:
        end = None
    return [token for token in (tokenizer.eos_token_id, end) if token is not None]


def _trained_template(tokenizer: Any, original: str) -> tuple[str, list[str]]:
    """The first variant of the template that can be trained on, and what it changes."""
    fixed = _NOW.sub(lambda call: json.dumps(_DATE.strftime(call[2])), original)
    dated = ["chat_template: the date that it writes is fixed"] if fixed != original else []
    reasons = []
    for template, change in _variants(tokenizer, fixed):
        reason = _reason_untrainable(tokenizer, template)
        if reason is None:
            return template, [*dated, *change]
        reasons.append(reason)
    raise BadInput(f"chat_template: {reasons[0]}")


def _variants(tokenizer: Any, template: str) -> Iterator[tuple[str, list[str]]]:
    """Templates to try, and a line about each one's change."""
    yield template, []
    without = [f"{{%- set {name} = false %}}{template}" for name in _THINKING if name in template]
    line = ["chat_template: saved with the model, so that it is asked without thinking"]
    for variant in without:
        yield variant, line
    for variant in (template, *without):
        asking = _asking_as_answered(tokenizer, variant)
        if asking is not None:
            yield asking, [_SAVED]


def _asking_as_answered(tokenizer: Any, template: str) -> str | None:
    """A template that asks by the text that `template` writes before a given answer, if any."""
    try:
        question, answered = _texts(tokenizer, template, ())[0]
    # A template is a program that comes with the model.
    except Exception:
        return None
    before, found, _ = answered.partition(ANSWERS[0])
    if not found:
        return None
    pairs = enumerate(zip(question, before, strict=False))
    shorter = min(len(question), len(before))
    common = next((at for at, (one, other) in pairs if one != other), shorter)
    asked, wanted = question[common:], before[common:]
    text = f"text_of_all[:-{len(asked)}]" if asked else "text_of_all"
    wanted = json.dumps(wanted, ensure_ascii=False)
    return (
        f"{{%- set text_of_all %}}{template.removesuffix(chr(10))}{{% endset %}}"
        f"{{{{- {text} ~ {wanted} if add_generation_prompt else text_of_all -}}}}"
    )


def _texts(tokenizer: Any, template: str, head: tuple[str, ...]) -> list[tuple[str, str]]:
    """A conversation of one turn and of two: (as asked, as answered)."""
    texts = []
    for turns in (1, 2):
        messages = probe(head, turns)
        asked = chat_text(tokenizer, messages[:-1], template=template)
        answered = chat_text(tokenizer, messages, answer_next=False, template=template)
        texts.append((asked, answered))
    return texts


def _reason_untrainable(tokenizer: Any, template: str) -> str | None:
    """Why the texts before and after an answer differ in this template; None if they agree."""
    if "strftime_now(" in template:
        return "it writes today's date"
    for head in _HEADS:
        try:
            texts = _texts(tokenizer, template, head)
        # A template is a program that comes with the model.
        except Exception as error:
            return f"it fails: {reason_of(error)}"
        for (asked, answered), question, answer in zip(texts, QUESTIONS, ANSWERS, strict=True):
            heads = [HEAD.format(number + 1) for number in range(len(head))]
            if not all(text in asked for text in (*heads, question)):
                return "it leaves out the system prompt or the question"
            if not answered.startswith(asked):
                return "it renders a prompt differently once it is answered"
            before, found, _ = answered[len(asked) :].partition(answer)
            if not found:
                return "it leaves out the answer"
            if before.strip():
                return f"it writes {before!r} between prompt and answer"
    return None


def end_of_answer(tokenizer: Any, template: str | None = None) -> End:
    """What ends an answer in the tokenizer's template.

    The first of the special and added tokens that it writes after the answer or, if it writes
    nothing there, at the beginning of the next question. If other text stands before it, the end of
    sequence follows the answer itself. Raises whatever the template raises.
    """
    (_, once), (_, twice) = _texts(tokenizer, template or tokenizer.get_chat_template(), ())
    special = zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
    tokens = {**tokenizer.get_added_vocab(), **dict(special)}
    after = once.rpartition(ANSWERS[0])[2]
    between = twice.partition(ANSWERS[0])[2].partition(QUESTIONS[1])[0]
    for text in (after, between if not after.strip() else ""):
        found = [(text.index(token), -len(token), token) for token in tokens if token in text]
        # A token that opens the next question ends an answer only if it follows at once.
        if found and (text is after or min(found)[0] == 0):
            start, _, token = min(found)
            if text[:start].strip() and tokenizer.eos_token_id is not None:
                # Marks that are no tokens of this tokenizer: the model would learn to write them.
                return End(tokenizer.eos_token_id, None)
            return End(tokens[token], text[: start + len(token)])
    if tokenizer.eos_token_id is None:
        raise BadInput("chat_template: it writes no token after an answer, nor is there eos_token")
    return End(tokenizer.eos_token_id, None)
