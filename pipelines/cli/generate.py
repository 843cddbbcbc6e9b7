"""`srt generate`: look at what a model learnt."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipelines.llms.base import ChatLLM

_ID = "generate"


def generate(
    checkpoint: Annotated[
        str, typer.Argument(help="A checkpoint folder, a Hub name, or `embedded`.")
    ],
    instruction: Annotated[str, typer.Argument(help="What to ask.")],
    system: Annotated[str | None, typer.Option(help="A system prompt.")] = None,
    temperature: Annotated[float, typer.Option(min=0, help="Of the draft.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the draft.")] = 0,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Of each answer.")] = 512,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")] = False,
) -> None:
    """Show a model's draft, its critique of it, and its refinement."""
    from builders.errors import BadInput
    from pipelines.cli import console
    from pipelines.cli.show import answers_panel

    if not instruction.strip():
        raise BadInput("INSTRUCTION: it is empty")
    drafter = _model(checkpoint, temperature=temperature, max_new_tokens=max_new_tokens)
    critic = _model(checkpoint, temperature=0.0, max_new_tokens=max_new_tokens)
    with console.working(f"{checkpoint} answers, reviews and refines"):
        row = _answered(drafter, critic, instruction, system, seed)
    if as_json:
        keys = ("instruction", "draft", "critic_reply", "critique", "refinement", "reason")
        console.print_json({key: row[key] for key in keys})
    else:
        console.out.print(answers_panel(row, title=checkpoint))


def _model(checkpoint: str, **settings: Any) -> "ChatLLM":
    from pipelines.llms.local import EmbeddedLLM, TransformersLLM

    if checkpoint == "embedded":
        return EmbeddedLLM(**settings)
    return TransformersLLM(model=checkpoint, **settings)


def _answered(
    drafter: "ChatLLM", critic: "ChatLLM", instruction: str, system: str | None, seed: int
) -> dict[str, Any]:
    """A ledger row that has gone through the two first tasks of stage 2."""
    from builders.schema import LEDGER
    from pipelines.self_review import SelfCritique
    from pipelines.tasks import Draft

    row = {**dict.fromkeys(LEDGER), "id": _ID, "instruction": instruction, "system": system}
    row["calls"] = []
    drafter.load()
    critic.load()
    Draft(llm=drafter, seed=seed, keep_truncated=True).fill_in([row])
    if row["draft"] is not None:
        SelfCritique(llm=critic, seed=seed).fill_in([row])
    return row
