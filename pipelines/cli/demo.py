"""`srt demo`: the whole method on a fresh machine, offline but for one download."""

from pathlib import Path
from typing import Annotated

import typer

# Kinds of problems that a small model learns from few rows.
_FAMILIES = '["arithmetic", "capital", "comparison", "extraction", "json_object", "unit"]'
_SHARED = {"instructions.families": _FAMILIES, "batch_size": 96}


def demo(
    out: Annotated[Path, typer.Option(help="The folder to work in.")] = Path("srt-demo"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Both stages with a real small model: draft, review, refine, release, train, and again.

    The instructions have answers that can be computed, so the critic of stage 1 and the scores
    need no model; in stage 2 the model that was trained is its own critic. Running it again
    continues a demo that was stopped.
    """
    from builders.run import Run
    from pipelines.cli import console
    from pipelines.cli.release import print_loading
    from pipelines.loop import Loop, run_loop

    loop = Loop(
        out,
        stage1={"instructions.verifiable": 96, "drafts.max_new_tokens": 128, **_SHARED},
        stage2={
            "instructions.verifiable": 48,
            "drafts.max_new_tokens": 128,
            "critic.max_new_tokens": 256,
            # What a model says of itself after so few rows tells nothing (docs/results.md).
            "scorer": "{kind: verifiable}",
            **_SHARED,
        },
        train1={"per_device_train_batch_size": 4},
    )
    whole = run_loop(loop, lambda command: console.err.print(f"\n$ {command}", markup=False))
    stages = (1, 2) if whole else (1,)
    if as_json:
        facts = {
            f"stage{number}": {
                "run": str(loop.run(number)),
                "release": str(loop.release(number)),
                "checkpoint": str(loop.checkpoint(number)),
                **Run(loop.run(number)).read_manifest()["funnel"],
            }
            for number in stages
        }
        console.print_json(facts)
        return
    for number in stages:
        console.out.print(f"\nstage {number}")
        console.print_funnel(Run(loop.run(number)).read_manifest()["funnel"])
        console.out.print(f"release: {loop.release(number)}")
        console.out.print(f"checkpoint: {loop.checkpoint(number)}")
    if not whole:
        console.out.print(
            "\nnone of the model's refinements is better than its draft: from so few rows it has "
            "not learnt to refine, and stage 2 has nothing to train on"
        )
    console.out.print("")
    print_loading(loop.release(1))
    console.out.print(f"look at the rows: srt show {loop.release(1)}")
    question = '"Name the capital city of Portugal."'
    console.out.print(f"look at the model: srt generate {loop.checkpoint(stages[-1])} {question}")
