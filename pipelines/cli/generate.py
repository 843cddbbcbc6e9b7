"""`srt generate`: one instruction, answered, criticized and refined by a model."""

from typing import Annotated

import typer

from pipelines.cli.options import AsJson


def generate(
    checkpoint: Annotated[
        str, typer.Argument(help="A checkpoint folder, a Hub name, or `embedded`.")
    ],
    instruction: Annotated[str, typer.Argument(help="The instruction to answer.")],
    system: Annotated[str | None, typer.Option(help="A system prompt.")] = None,
    temperature: Annotated[
        float, typer.Option(min=0, help="Sampling temperature of the draft.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draft.")] = 0,
    max_new_tokens: Annotated[
        int, typer.Option(min=1, help="The most tokens of each reply.")
    ] = 512,
    as_json: AsJson = False,
) -> None:
    """Show a model's draft, its critique of it, and its refinement."""
    from pipelines.cli import console
    from pipelines.cli.answers import answers_panel

    with console.working(f"{checkpoint} answers, criticizes and refines"):
        from pipelines.generate.answer import answer

        row = answer(
            checkpoint,
            instruction,
            system=system,
            temperature=temperature,
            seed=seed,
            max_new_tokens=max_new_tokens,
        )
    if as_json:
        keys = ("instruction", "draft", "critic_reply", "critique", "refinement", "reason")
        console.print_json({key: row[key] for key in keys})
    else:
        console.out.print(answers_panel(row, title=checkpoint))
