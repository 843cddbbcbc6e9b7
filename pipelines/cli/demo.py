"""`srt demo`: the whole method on a new machine, offline except for one download."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson

# Families of problems that a small model learns from few rows.
_FAMILIES = '["arithmetic", "capital", "comparison", "extraction", "json_object", "unit"]'
_SHARED = {"instructions.families": _FAMILIES, "batch_size": 96}
# Few pairs and short critiques: the audits show how it is done, and take a minute (docs/trust.md).
_AUDITED = {"instructions.verifiable": 20, "drafts.temperature": 0, "drafts.max_new_tokens": 64}
_AUDIT_TOKENS = 80


def demo(
    out: Annotated[Path, typer.Option(help="The folder to work in.")] = Path("srt-demo"),
    as_json: AsJson = False,
) -> None:
    """Run both stages with a small real model: draft, criticize, refine, release, train, audit.

    The instructions have answers that can be computed, so the critic of stage 1 and the scorer
    need no model; in stage 2 the trained model is its own critic. Each model is audited on a few
    pairs that none was trained on, and that a checker judged in place of people. The same command
    continues a demo that was stopped.
    """
    from builders.audit.result import audits_of
    from builders.ledger.run import Run
    from pipelines.cli import console
    from pipelines.cli.audit import print_audits
    from pipelines.cli.loop import Loop, run_loop
    from pipelines.cli.release import print_loading

    loop = Loop(
        out,
        stage1={"instructions.verifiable": 96, "drafts.max_new_tokens": 128, **_SHARED},
        stage2={
            "instructions.verifiable": 48,
            "drafts.max_new_tokens": 128,
            "critic.max_new_tokens": 256,
            # After so few rows a model's own scores mean nothing (docs/results.md).
            "scorer": "{kind: verifiable}",
            **_SHARED,
        },
        train1={"per_device_train_batch_size": 4},
        audited={**_AUDITED, **_SHARED},
        audit_tokens=_AUDIT_TOKENS,
    )
    complete = run_loop(loop, lambda command: console.notify(f"\n$ {command}"))
    stages = (1, 2) if complete else (1,)
    if as_json:
        facts = {
            f"stage{number}": {
                "run": str(loop.run(number)),
                "recipe": str(loop.run(number) / "recipe.yaml"),
                "release": str(loop.release(number)),
                "checkpoint": str(loop.checkpoint(number)),
                **Run(loop.run(number)).read_manifest().funnel.model_dump(),
            }
            for number in stages
        }
        facts["audits"] = [
            {"audit": str(folder), **audit.model_dump(mode="json", by_alias=True)}
            for folder, audit in audits_of(loop.audit_set)
        ]
        console.print_json(facts)
        return
    for number in stages:
        console.out.print(f"\nstage {number}")
        console.print_funnel(Run(loop.run(number)).read_manifest().funnel.model_dump())
        console.out.print(f"release: {loop.release(number)}")
        console.out.print(f"checkpoint: {loop.checkpoint(number)}")
    if not complete:
        console.out.print(
            "\nnone of the model's refinements is better than its draft: it has not learned to "
            "refine from so few rows, and stage 2 has nothing to train on"
        )
    console.out.print("")
    print_audits(loop.audit_set)
    console.out.print("")
    print_loading(loop.release(1))
    console.out.print(f"look at the rows: srt show {_quoted(loop.release(1))}")
    own = _quoted(loop.run(1) / "recipe.yaml")
    console.out.print(f"change what a release of the run requires: edit {own}, then")
    console.out.print(f"  srt build stage1 {own}")
    instruction = '"Name the capital city of Portugal."'
    checkpoint = _quoted(loop.checkpoint(stages[-1]))
    console.out.print(f"try the model: srt generate {checkpoint} {instruction}")


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
