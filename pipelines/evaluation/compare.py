"""A judge compares answers with the reference's, in both orders.

A model that this project did not train is shown both answers; one that it trained scores each of
them alone, in the words of its training; the checker applies its rubric. An empty answer loses and
equal answers tie, and nobody is asked.
"""

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
from pipelines.audit.judges import AskedModel
from pipelines.audit.tasks import score_task
from pipelines.evaluation.parts import Asking, ask_rows, cost_of, spent_on
from pipelines.generate.tasks import RowTask
from pipelines.llms.factory import Models
from pipelines.llms.messages import Completion

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


def compare(
    judge: AskedModel | str, pairs: Sequence[Pair], folder: Path, asking: Asking
) -> Compared:
    """The preferences of all pairs; replies are kept in `folder`, and the same call continues."""
    open_pairs = [pair for pair in pairs if pair.decided is None]
    decided = {
        (pair.item, pair.part): (pair.decided, pair.decided)
        for pair in pairs
        if pair.decided is not None
    }
    if judge == CHECKER:
        found = Compared({key: (y, y) for key, y in _checked(open_pairs)}, orders=False)
    elif judge.trained:
        found = _scored(judge, open_pairs, folder, asking)
    else:
        found = _shown_both(judge, open_pairs, folder, asking)
    return Compared({**decided, **found.preferences}, found.orders, found.unreadable, found.cost)


def _checked(pairs: Sequence[Pair]) -> Iterator[tuple[tuple[str, str], float]]:
    for pair in pairs:
        own, other = (
            check(pair.conversation["task"], text).score for text in (pair.answer, pair.reference)
        )
        yield (pair.item, pair.part), 0.5 if own == other else float(own > other)


def _scored(judge: AskedModel, pairs: Sequence[Pair], folder: Path, asking: Asking) -> Compared:
    """The better of two scores, each given alone; a score that is missing leaves no preference.

    An answer that is in several pairs, as the reference's is, is scored once.
    """
    texts: dict[str, dict[str, int]] = {}
    rows = []
    for pair in pairs:
        known = texts.setdefault(pair.item, {})
        for text in (pair.reference, pair.answer):
            if text not in known:
                known[text] = len(known)
                name = f"{pair.item} {known[text]}"
                rows.append(new_ledger_row(id=name, refinement=text, **pair.conversation))

    def steps(models: Models) -> list[Any]:
        llm = models.get(judge.block)
        return [score_task(judge, llm, asking.seed, judge.block.price)]

    replies = ask_rows("judge", rows, steps, _kept_score, SCORE_ROWS, folder, asking)
    scores = {(row["item"], row["place"]): row["score"] for row in replies}
    preferences = {}
    for pair in pairs:
        other, own = (
            scores[pair.item, texts[pair.item][text]] for text in (pair.reference, pair.answer)
        )
        y = None if None in (other, own) else 0.5 if own == other else float(own > other)
        preferences[pair.item, pair.part] = (y, y)
    unreadable = Counter(row["reason"] for row in replies if row["score"] is None)
    return Compared(preferences, False, unreadable, cost_of(replies))


def _kept_score(row: Row) -> Row:
    item, place = row["id"].split(" ")
    reason = row["reason"]
    if reason == "refinement_score_missing":
        # Why the score is missing.
        reason = (row["detail"] or "").partition(":")[0]
    return {
        "item": item,
        "place": int(place),
        "score": row["refinement_score"],
        "reason": reason,
        **spent_on(row),
    }


def _shown_both(judge: AskedModel, pairs: Sequence[Pair], folder: Path, asking: Asking) -> Compared:
    rows = list(comparisons(pairs))

    def steps(models: Models) -> list[Any]:
        return [compare_step(judge, models, asking.seed)]

    replies = ask_rows("judge", rows, steps, _kept, REPLY_ROWS, folder, asking)
    orders: dict[tuple[str, str], dict[str, float | None]] = {}
    for row in replies:
        orders.setdefault((row["item"], row["part"]), {})[row["shown"]] = row["preference"]
    return Compared(
        {key: (own["first"], own["second"]) for key, own in orders.items()},
        unreadable=Counter(row["reason"] for row in replies if row["preference"] is None),
        cost=cost_of(replies),
    )


def compare_step(judge: AskedModel, models: Models, seed: int) -> CompareTask:
    return CompareTask(
        name="compare",
        as_json=judge.as_json,
        llm=models.get(judge.block),
        seed=seed,
        system=judge.block.system,
        price=judge.block.price,
    )


def comparisons(pairs: Sequence[Pair]) -> Iterator[Row]:
    """A row for each pair in each order: what is shown first is the `draft`."""
    for pair in pairs:
        for shown in SHOWN:
            texts = (pair.answer, pair.reference)
            first, second = texts if shown == "first" else reversed(texts)
            yield new_ledger_row(
                id=f"{pair.item} {pair.part} {shown}",
                draft=first,
                refinement=second,
                **pair.conversation,
            )


def _kept(row: Row) -> Row:
    item, part, shown = row["id"].split(" ")
    reply, value = row["critic_reply"], None
    if row["reason"] is None and row["detail"] is None:
        value = preference(parse_verdict(reply), shown)
    return {
        "item": item,
        "part": part,
        "shown": shown,
        "preference": value,
        "reply": reply,
        "reason": None if value is not None else row["reason"] or row["detail"],
        **spent_on(row),
    }
