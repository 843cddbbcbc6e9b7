"""The prompts: template files of our own wording, in the paper's order of sections.

arXiv 2406.07168, Table 1: Instruction, Response, Requirements, Feedback; the critic writes
weaknesses, suggestions, a score and the improved response in one completion. The independent
scores come from a second template, used in a fresh context that shows one answer alone: a
critic that has seen its own feedback inflates the score of the refinement (section 3.2).
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

Message = dict[str, str]


@cache
def _environment() -> jinja2.Environment:
    # Prompts are plain text: escaping for HTML would change what the model reads.
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        auto_reload=False,  # a run has one version of its prompts
        autoescape=False,  # noqa: S701
    )


@dataclass(frozen=True)
class Prompt:
    """A template together with the choices that are the same for every row of a run."""

    template: str
    options: tuple[tuple[str, Any], ...] = ()

    def render(self, **values: str | None) -> str:
        rendered = (
            _environment()
            .get_template(f"{self.template}.j2")
            .render(**dict(self.options), **values)
        )
        return rendered.strip()

    @property
    def sha256(self) -> str:
        """Hash of the prompt as rendered with marks for values: it covers included files."""
        return _fingerprint(self)


@cache
def _fingerprint(prompt: Prompt) -> str:
    values = ("system", "instruction", "response", "problem")
    marked = prompt.render(**{value: f"{{{value}}}" for value in values})
    return hashlib.sha256(marked.encode()).hexdigest()


def critique_prompt(*, as_json: bool = False) -> Prompt:
    """The critic's one call: review, score and refinement."""
    return Prompt("critique", (("as_json", as_json),))


def score_prompt(*, as_json: bool = False) -> Prompt:
    """The independent score of one answer, in a context that has seen nothing else."""
    return Prompt("score", (("as_json", as_json),))


PARTS = ("weaknesses", "suggestions", "score")


def request_prompt(*, parts: tuple[str, ...] = PARTS, refined: bool = True) -> Prompt:
    """The user's turn by which a trained model is asked to review the answer before it.

    It names only the `parts` that the model was trained to write (all, but for ablations).
    """
    return Prompt("request", (("parts", parts), ("refined", refined)))


def repair_prompt() -> Prompt:
    """The user's turn that tells a critic why its reply could not be read."""
    return Prompt("repair")


def chat(user: str, system: str | None = None) -> list[Message]:
    """A conversation of one user turn, after the system prompt where there is one."""
    head = [{"role": "system", "content": system}] if system else []
    return [*head, {"role": "user", "content": user}]


def critique_schema(*, refined: bool) -> dict[str, Any]:
    """JSON schema of a structured reply: the critique, with the refinement or without."""
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
