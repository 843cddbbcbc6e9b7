"""The prompts: our own wording, with the sections in the order of arXiv 2406.07168, Table 1.

The sections are Instruction, Response, Requirements and Feedback; where a row has criteria, they
stand before the requirements. The critic writes weaknesses,
suggestions, a score and the improved response in one completion. The independent scores come from
a second template, in a new context that shows only one answer: a critic that has seen its own
feedback scores the refinement too high (section 3.2).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from builders.critique.delimiters import between_marks, mark_of

Message = dict[str, str]


_INCLUDE = re.compile(r'{% include "(\w+\.j2)" %}')


class _Loader(jinja2.FileSystemLoader):
    """Puts included files in their place: a template of its own costs each row as much again."""

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, Any, Any]:
        source, *rest = super().get_source(environment, template)

        def included(include: re.Match[str]) -> str:
            return self.get_source(environment, include[1])[0].removesuffix("\n")

        return _INCLUDE.sub(included, source), *rest


@cache
def _environment() -> jinja2.Environment:
    # Prompts are plain text. HTML escapes would change what the model reads.
    environment = jinja2.Environment(
        loader=_Loader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        auto_reload=False,  # all rows of a run use the same prompts
        autoescape=False,  # noqa: S701
    )
    environment.filters["data"] = between_marks
    # No template uses them, and each row would get a copy.
    environment.globals.clear()
    return environment


@dataclass(frozen=True)
class PromptTemplate:
    """A template, and what is the same for every row of a run: options, and the run's criteria."""

    template: str
    options: tuple[tuple[str, Any], ...] = ()
    criteria: str | None = None

    def render(
        self,
        *,
        history: Sequence[Message] = (),
        criteria: str | None = None,
        **values: str | None,
    ) -> str:
        """The prompt with a row's texts, each of them between marks that none of them contains.

        A row's own `criteria` take the place of the run's.
        """
        values["criteria"] = criteria or self.criteria
        mark = mark_of([*values.values(), *(turn["content"] for turn in history)])
        rendered = (
            _environment()
            .get_template(f"{self.template}.j2")
            .render(**dict(self.options), history=history, mark=mark, **values)
        )
        return rendered.strip()

    @property
    def sha256(self) -> str:
        """Hash of the text with placeholders for the values of a row, included files inserted.

        The run's criteria are part of the text.
        """
        return _sha256(self)


@cache
def _sha256(prompt: PromptTemplate) -> str:
    names = ("system", "instruction", "response", "problem", "answer_a", "answer_b")
    values = {name: f"{{{name}}}" for name in names}
    history = [{"role": "{role}", "content": "{content}"}]
    text = prompt.render(history=history, criteria=prompt.criteria or "{criteria}", **values)
    return hashlib.sha256(text.encode()).hexdigest()


def critique_prompt(*, as_json: bool = False, criteria: str | None = None) -> PromptTemplate:
    """The prompt for critique, score and refinement, the critic's only call for a draft."""
    return PromptTemplate("critique", (("as_json", as_json),), criteria)


def score_prompt(*, as_json: bool = False, criteria: str | None = None) -> PromptTemplate:
    """The prompt for the independent score of one answer, in a context of its own."""
    return PromptTemplate("score", (("as_json", as_json),), criteria)


def compare_prompt(*, as_json: bool = False) -> PromptTemplate:
    """The prompt for a judge that compares two answers, for a win rate."""
    return PromptTemplate("compare", (("as_json", as_json),))


# The parts of a critique, in the order in which they are written.
PARTS = ("weaknesses", "suggestions", "score")


def request_prompt(
    *, parts: tuple[str, ...] = PARTS, refined: bool = True, criteria: str | None = None
) -> PromptTemplate:
    """The user turn that asks a trained model to critique the answer before it.

    It names only the `parts` that the model was trained to write; in ablations, not all of them.
    """
    return PromptTemplate("request", (("parts", parts), ("refined", refined)), criteria)


def repair_prompt() -> PromptTemplate:
    """The user turn that explains why the critic's reply could not be read."""
    return PromptTemplate("repair")


def chat(user: str, system: str | None = None, history: Sequence[Message] = ()) -> list[Message]:
    """A conversation: the system prompt, if any, the turns of `history`, and the user's turn."""
    system_turn = [{"role": "system", "content": system}] if system else []
    return [*system_turn, *history, {"role": "user", "content": user}]


def critique_schema(*, refined: bool) -> dict[str, Any]:
    """JSON schema of a structured reply: the critique, with or without the refinement."""
    texts = {"type": "array", "items": {"type": "string"}}
    properties: dict[str, Any] = {
        "weaknesses": texts,
        "suggestions": texts,
        "score": {"type": "integer", "minimum": 1, "maximum": 10},
    }
    if refined:
        properties["refinement"] = {"type": "string"}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
