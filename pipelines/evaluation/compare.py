"""A judge compares answers with the reference's, in both orders.

A model that this project did not train is shown both answers; one that it trained scores each of
them alone, in the words of its training; the checker applies its rubric. An empty answer loses and
equal answers tie, and nobody is asked.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builders.critique.prompts import Message, PromptTemplate, chat, compare_prompt
from builders.evaluation.parse import VERDICT_SCHEMA, Unreadable, parse_verdict, preference
from builders.evaluation.rows import REPLY_ROWS, SCORE_ROWS, SHOWN
from builders.rows import Row
from builders.rows.schema import new_ledger_row
from builders.verifiable.registry import check
from pipelines import dag
from pipelines.asking.asking import Asking, cost_of, spent_on
from pipelines.audit.judges import AskedModel
from pipelines.audit.tasks import score_task
from pipelines.generate.tasks import RowTask
from pipelines.llms.factory import Models
from pipelines.llms.messages import Completion
from pipelines.recipe.models import Price

CHECKER = "verifiable"

# The preference for the model's answer in each place, None if unreadable.
Orders = tuple[float | None, float | None]


@dataclass(frozen=True)
class Pair:
    """One answer of the model, and the reference's to the same instruction."""

    item: str
    part: str
    conversation: Row
    answer: str
    reference: str

    @property
    def decided(self) -> float | None:
        """The preference where nobody need be asked."""
        if self.answer == self.reference:
            return 0.5
        if not self.answer.strip() or not self.reference.strip():
            return float(bool(self.answer.strip()))
        return None


@dataclass(frozen=True)
class Compared:
    """The preferences by (item, part), why replies are unreadable, and what they cost.

    `orders` is False for judges that see one answer at a time.
    """

    preferences: Mapping[tuple[str, str], Orders]
    orders: bool = True
    unreadable: Mapping[str, int] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)


class CompareTask(RowTask):
    """The comparison of a row's `draft`, shown first, with its `refinement`, shown second."""

    as_json: bool = False

    @property
    def prompt(self) -> PromptTemplate:
        return compare_prompt(as_json=self.as_json)

    def fill_in(self, rows: list[Row]) -> None:
        completions = self.caller(
            rows,
            [self.format_input(row) for row in rows],
            step="compare",
            template=self.prompt.sha256,
            json_schema=VERDICT_SCHEMA if self.as_json else None,
        )
        for row, completion in zip(rows, completions, strict=True):
            row.update(self.format_output(completion))

    def format_input(self, row: Row) -> list[Message]:
        request = self.prompt.render(
            system=row["system"],
            history=row["history"],
            instruction=row["instruction"],
            criteria=row["criteria"],
            answer_a=row["draft"],
            answer_b=row["refinement"],
        )
        return chat(request, self.system)

    def format_output(self, completion: Completion) -> Row:
        """The reply, and a reason if it has no verdict."""
        if completion.text is None:
            reason = completion.reason or "call_failed"
            return {"reason": reason, "detail": completion.detail}
        detail = None
        try:
            parse_verdict(completion.text, completion.finish_reason)
        except Unreadable as unreadable:
            detail = str(unreadable)
        return {"critic_reply": completion.text, "detail": detail}


def comparison_sha256(judge: AskedModel) -> str | None:
    """A hash of the prompt that compares; None for a judge that scores each answer alone."""
    return None if judge.trained else compare_prompt(as_json=judge.as_json).sha256


def judging(
    judge: AskedModel,
    pairs: Sequence[Pair],
    folder: Path,
    *,
    seed: int = 0,
    price: Price | None = None,
) -> Asking:
    """`judge` is asked about the pairs that are not decided; its replies are kept in `folder`."""

    def steps(models: Models) -> list[dag.Task]:
        if judge.trained:
            return [score_task(judge, models.get(judge.block), seed, price)]
        return [
            CompareTask(
                name="compare",
                as_json=judge.as_json,
                llm=models.get(judge.block),
                seed=seed,
                system=judge.block.system,
                price=price,
            )
        ]

    if judge.trained:
        row_type, rows, answer, names = SCORE_ROWS, _single, _score, ("item", "answer")
    else:
        row_type, rows, answer, names = REPLY_ROWS, _comparisons, _reply, ("item", "pair", "shown")
    return Asking(
        name=judge.name,
        block=judge.block,
        folder=folder,
        row_type=row_type,
        steps=steps,
        answer=answer,
        id_of=lambda row: " ".join(row[name] for name in names),
        rows=list(rows([pair for pair in pairs if pair.decided is None])),
        price=price,
    )


def compared(
    judge: AskedModel | str, pairs: Sequence[Pair], asked: Asking | None = None
) -> Compared:
    """The preferences of all pairs, by the replies that `asked` has on disk, or the checker."""
    decided = {
        (pair.item, pair.part): (pair.decided, pair.decided)
        for pair in pairs
        if pair.decided is not None
    }
    others = [pair for pair in pairs if pair.decided is None]
    if asked is None:
        return Compared({**decided, **_checked(others)}, orders=False)
    replies = asked.answers()
    value = "score" if judge.trained else "preference"
    read = _by_scores if judge.trained else _by_replies
    return Compared(
        {**decided, **dict(read(others, replies))},
        orders=not judge.trained,
        unreadable=Counter(row["reason"] for row in replies if row[value] is None),
        cost=cost_of(asked.stored()),
    )


def _checked(pairs: Sequence[Pair]) -> dict[tuple[str, str], Orders]:
    preferences = {}
    for pair in pairs:
        own, other = (
            check(pair.conversation["task"], text).score for text in (pair.answer, pair.reference)
        )
        y = 0.5 if own == other else float(own > other)
        preferences[pair.item, pair.part] = (y, y)
    return preferences


def _name(*texts: str) -> str:
    """What stands for texts in ids."""
    return hashlib.sha256("\0".join(texts).encode(errors="surrogatepass")).hexdigest()[:24]


def _single(pairs: Sequence[Pair]) -> Iterator[Row]:
    """A row for each text, which stands there as the refinement.

    An answer that is in several pairs, as the reference's is, is scored once.
    """
    known = set()
    for pair in pairs:
        for text in (pair.reference, pair.answer):
            row_id = f"{pair.item} {_name(text)}"
            if row_id not in known:
                known.add(row_id)
                yield new_ledger_row(id=row_id, refinement=text, **pair.conversation)


def _score(row: Row) -> Row:
    item, answer = row["id"].split(" ")
    reason = row["reason"]
    if reason == "refinement_score_missing":
        # Why the score is missing.
        reason = (row["detail"] or "").partition(":")[0]
    return {
        "item": item,
        "answer": answer,
        "score": row["refinement_score"],
        "reason": reason,
        "detail": row["detail"],
        **spent_on(row),
    }


def _by_scores(
    pairs: Sequence[Pair], replies: Sequence[Row]
) -> Iterator[tuple[tuple[str, str], Orders]]:
    """The better of two scores; one that is missing leaves no preference."""
    scores = {(row["item"], row["answer"]): row["score"] for row in replies}
    for pair in pairs:
        other, own = (scores[pair.item, _name(text)] for text in (pair.reference, pair.answer))
        y = None if None in (other, own) else 0.5 if own == other else float(own > other)
        yield (pair.item, pair.part), (y, y)


def _comparisons(pairs: Sequence[Pair]) -> Iterator[Row]:
    """A row for each two texts in each order: what is shown first is the `draft`."""
    known = set()
    for pair in pairs:
        name = _name(pair.answer, pair.reference)
        if (pair.item, name) in known:
            continue
        known.add((pair.item, name))
        for shown in SHOWN:
            texts = (pair.answer, pair.reference)
            first, second = texts if shown == "first" else reversed(texts)
            yield new_ledger_row(
                id=f"{pair.item} {name} {shown}",
                draft=first,
                refinement=second,
                **pair.conversation,
            )


def _reply(row: Row) -> Row:
    item, pair, shown = row["id"].split(" ")
    reply, value = row["critic_reply"], None
    if row["reason"] is None and row["detail"] is None:
        value = preference(parse_verdict(reply), shown)
    return {
        "item": item,
        "pair": pair,
        "shown": shown,
        "preference": value,
        "reply": reply,
        "reason": None if value is not None else row["reason"] or row["detail"],
        "detail": row["detail"],
        **spent_on(row),
    }


def _by_replies(
    pairs: Sequence[Pair], replies: Sequence[Row]
) -> Iterator[tuple[tuple[str, str], Orders]]:
    found = {(row["item"], row["pair"], row["shown"]): row["preference"] for row in replies}
    for pair in pairs:
        name = _name(pair.answer, pair.reference)
        first, second = (found[pair.item, name, shown] for shown in SHOWN)
        yield (pair.item, pair.part), (first, second)
