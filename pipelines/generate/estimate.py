"""The estimated cost of a run, before anything is sent.

Prompts are rendered and tokenized. The lengths of the models' answers are unknown, so they are
assumed to be typical ("expected") or as long as allowed ("at most").
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from builders.critique.prompts import PromptTemplate, chat, critique_prompt, score_prompt
from builders.instructions.sources import Source, draw
from builders.rows import Row
from builders.rows.ids import is_first_sample
from builders.rows.scorers import score_step
from builders.training.sft import review_turns
from pipelines.generate.instructions import make_sources
from pipelines.recipe.models import AnyModel, GivenDrafts, Price, VerifiableTeacher
from pipelines.recipe.recipe import Recipe

# TokenRange of a typical answer of an instruct model, and of a critique of it.
TYPICAL_DRAFT = 250
TYPICAL_CRITIQUE = 200

CountTokens = Callable[[str], int]


class TokenRange(NamedTuple):
    """A number of tokens: the expected one and the largest possible one."""

    expected: int
    at_most: int

    def plus(self, other: "TokenRange") -> "TokenRange":
        return TokenRange(self.expected + other.expected, self.at_most + other.at_most)


@dataclass
class StepEstimate:
    """Calls and tokens of a step; cost in the currency of the recipe's prices, or None."""

    step: str
    model: str
    calls: int = 0
    tokens_in: int = 0
    tokens_in_at_most: int = 0
    tokens_out: int = 0
    tokens_out_at_most: int = 0
    cost: float | None = None
    cost_at_most: float | None = None

    def add(self, tokens_in: TokenRange, tokens_out: TokenRange, price: Price | None) -> None:
        """Add a call."""
        self.calls += 1
        self.tokens_in += tokens_in.expected
        self.tokens_in_at_most += tokens_in.at_most
        self.tokens_out += tokens_out.expected
        self.tokens_out_at_most += tokens_out.at_most
        if price:
            self.cost = (self.tokens_in * price.input + self.tokens_out * price.output) / 1e6
            at_most = self.tokens_in_at_most * price.input + self.tokens_out_at_most * price.output
            self.cost_at_most = at_most / 1e6


def estimate_run(recipe: Recipe, limit: int | None = None) -> tuple[list[StepEstimate], str]:
    """The estimate of each step that calls a model, and how the prompts were counted.

    The sources are read, and datasets of the Hub downloaded; nothing is sent to a model.
    """
    count, how = token_counter()
    return estimate(recipe, make_sources(recipe.instructions), count, limit), how


def estimate(
    recipe: Recipe, sources: Sequence[Source], count: CountTokens, limit: int | None = None
) -> list[StepEstimate]:
    """Calls, tokens and cost of each step that calls a model, if no row were dropped."""
    steps: dict[str, StepEstimate] = {}
    drawn = draw(sources)
    if not isinstance(recipe.drafts, GivenDrafts):
        # As the run does, which drafts each instruction anew.
        drawn = (row for row in drawn if is_first_sample(row["id"]))
    for row in islice(drawn, limit):
        if row["reason"] is not None:
            continue
        for step, model, tokens_in, tokens_out in _calls(recipe, row, count):
            total = steps.setdefault(step, StepEstimate(step, model.model))
            for _ in range(recipe.samples):
                total.add(tokens_in, tokens_out, recipe.price_of(model))
    return list(steps.values())


def _calls(
    recipe: Recipe, row: Row, count: CountTokens
) -> Iterator[tuple[str, AnyModel, TokenRange, TokenRange]]:
    """(step, model, tokens in, tokens out) of each model call for a row."""
    drafts, critic, (scorer, *controls) = recipe.drafts, recipe.critic, recipe.scorers
    row = {**row, "criteria": row["criteria"] or recipe.criteria}
    if isinstance(drafts, GivenDrafts):
        given = count(row["draft"] or "")
        draft = TokenRange(given, given)
    else:
        draft = _answer(TYPICAL_DRAFT, drafts)
        turns = chat(row["instruction"], row["system"] or drafts.system, row["history"])
        prompt = sum(count(turn["content"]) for turn in turns)
        yield "draft", drafts, TokenRange(prompt, prompt), draft
    refinement = draft
    if not isinstance(critic, VerifiableTeacher):
        request = count(_request_text(recipe.stage, critique_prompt, critic, row))
        reply = _answer(TYPICAL_CRITIQUE + draft.expected, critic)
        yield "critique", critic, draft.plus(TokenRange(request, request)), reply
        refinement = TokenRange(draft.expected, critic.max_new_tokens)
    if not isinstance(scorer, VerifiableTeacher):
        request = count(_request_text(recipe.stage, score_prompt, scorer, row))
        reply = _answer(TYPICAL_CRITIQUE, scorer)
        # In stage 2 the draft's score can be that of the critique.
        if getattr(recipe, "scores", None) != "critique":
            yield "score_draft", scorer, draft.plus(TokenRange(request, request)), reply
        yield "score_refinement", scorer, refinement.plus(TokenRange(request, request)), reply
    for number, control in enumerate(controls, start=2):
        # In stage 2 too, other scorers get the prompt of stage 1.
        request = count(_request_text(1, score_prompt, control, row))
        reply = _answer(TYPICAL_CRITIQUE, control)
        for part, answer in (("draft", draft), ("refinement", refinement)):
            tokens_in = answer.plus(TokenRange(request, request))
            yield score_step(part, number), control, tokens_in, reply


def _answer(typical: int, model: AnyModel) -> TokenRange:
    return TokenRange(min(typical, model.max_new_tokens), model.max_new_tokens)


def _request_text(
    stage: int, prompt: Callable[..., PromptTemplate], model: AnyModel, row: Row
) -> str:
    """The text of a request to criticize or score an answer, without the answer."""
    if stage == 2:
        turns = review_turns(
            row["instruction"],
            "",
            system=row["system"] or model.system,
            history=row["history"],
            criteria=row["criteria"],
        )
        return "\n".join(turn["content"] for turn in turns)
    as_json = getattr(model, "structured_output", False)
    text = prompt(as_json=as_json).render(
        system=row["system"],
        history=row["history"],
        instruction=row["instruction"],
        criteria=row["criteria"],
        response="",
    )
    return f"{model.system or ''}{text}"


def token_counter() -> tuple[CountTokens, str]:
    """A function that counts tokens, and a phrase that says how.

    Endpoints do not publish their tokenizers; the embedded model's stands in for them. If it was
    not downloaded yet, four bytes count as a token.
    """
    from services.model.embedded import CHECKPOINT, cache_dir

    path = cache_dir() / CHECKPOINT / "tokenizer.json"
    if not path.is_file():
        return lambda text: len(text.encode()) // 4 + 1, "at four bytes a token"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text).ids), "with SmolLM2's tokenizer"
