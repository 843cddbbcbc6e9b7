"""What a run will cost, counted before anything is sent.

Prompts are rendered and tokenised; what the models will write is not known, so their answers
are taken to be of usual length ("expected") or as long as they may be ("at most").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from builders.prompts import chat, critique_prompt, score_prompt
from builders.sft import review_turns
from builders.sources import Source, draw
from pipelines.recipe import GivenDrafts, Price, Recipe, VerifiableTeacher

# Tokens of an answer and of a review of it, as instruct models usually write them.
_USUAL_DRAFT = 250
_USUAL_REVIEW = 200

CountTokens = Callable[[str], int]


@dataclass
class StepEstimate:
    """A step's calls and tokens; cost in the currency of the recipe's prices, or None."""

    step: str
    model: str
    calls: int = 0
    tokens_in: int = 0
    tokens_in_at_most: int = 0
    tokens_out: int = 0
    tokens_out_at_most: int = 0
    cost: float | None = None
    cost_at_most: float | None = None


def estimate(
    recipe: Recipe, sources: Sequence[Source], count: CountTokens, limit: int | None = None
) -> list[StepEstimate]:
    """Calls, tokens and cost of each step that asks a model, were every row to get that far."""
    drafts, critic, scorer = recipe.drafts, recipe.critic, recipe.scorer or recipe.critic
    given = isinstance(drafts, GivenDrafts)
    longest_draft = 0 if given else drafts.max_new_tokens
    steps: dict[str, tuple[StepEstimate, Any]] = {}
    for row in islice(draw(sources), limit):
        if row["reason"] is not None:
            continue
        if given:
            usual = longest_draft = count(row["draft"] or "")
        else:
            usual = min(_USUAL_DRAFT, longest_draft)
            prompt = chat(row["instruction"], row["system"] or drafts.system)
            tokens = sum(count(turn["content"]) for turn in prompt)
            _add(steps, "draft", drafts, tokens, tokens, usual, longest_draft)
        if not isinstance(critic, VerifiableTeacher):
            tokens = count(_asked(recipe, critique_prompt, critic, row))
            longest = critic.max_new_tokens
            written = min(_USUAL_REVIEW + usual, longest)
            _add(
                steps, "critique", critic, tokens + usual, tokens + longest_draft, written, longest
            )
        if not isinstance(scorer, VerifiableTeacher):
            tokens = count(_asked(recipe, score_prompt, scorer, row))
            written, longest = min(_USUAL_REVIEW, scorer.max_new_tokens), scorer.max_new_tokens
            answers = {"score_draft": longest_draft, "score_refinement": critic.max_new_tokens}
            if getattr(recipe, "scores", None) == "review":
                del answers["score_draft"]  # it is the critique's
            for step, answer in answers.items():
                _add(steps, step, scorer, tokens + usual, tokens + answer, written, longest)
    return [_priced(step, recipe.price_of(model)) for step, model in steps.values()]


def _asked(recipe: Recipe, prompt: Callable[..., Any], model: Any, row: dict[str, Any]) -> str:
    """The text of a request to review an answer, without the answer."""
    if recipe.stage == 2:
        turns = review_turns(row["instruction"], "", system=row["system"] or model.system)
        return "\n".join(turn["content"] for turn in turns)
    as_json = getattr(model, "structured_output", False)
    text = prompt(as_json=as_json).render(
        system=row["system"], instruction=row["instruction"], response=""
    )
    return f"{model.system or ''}{text}"


def _add(
    steps: dict[str, tuple[StepEstimate, Any]],
    step: str,
    model: Any,
    tokens_in: int,
    tokens_in_at_most: int,
    tokens_out: int,
    tokens_out_at_most: int,
) -> None:
    total, _ = steps.setdefault(step, (StepEstimate(step, model.model), model))
    total.calls += 1
    total.tokens_in += tokens_in
    total.tokens_in_at_most += tokens_in_at_most
    total.tokens_out += tokens_out
    total.tokens_out_at_most += tokens_out_at_most


def _priced(total: StepEstimate, price: Price | None) -> StepEstimate:
    if price:
        total.cost = (total.tokens_in * price.input + total.tokens_out * price.output) / 1e6
        total.cost_at_most = (
            total.tokens_in_at_most * price.input + total.tokens_out_at_most * price.output
        ) / 1e6
    return total


def token_counter() -> tuple[CountTokens, str]:
    """A way to count tokens, and what it is called.

    Endpoints do not say how they tokenise; the embedded model's tokenizer stands in for them.
    Where it has not been fetched, four bytes are taken for a token.
    """
    from pipelines.embedded import CHECKPOINT, cache_dir

    path = cache_dir() / CHECKPOINT / "tokenizer.json"
    if not path.is_file():
        return lambda text: len(text.encode()) // 4 + 1, "at four bytes a token"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text).ids), "with SmolLM2's tokenizer"
