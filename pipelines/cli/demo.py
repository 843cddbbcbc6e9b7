"""`srt demo`: the whole method on a new machine, offline except for one download."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.cli.loop import Loop, Runner
    from pipelines.cli.watch import Watch

# A smaller task that is learned beats a larger one that is not: in so few steps, a model of this
# size learns to mend one kind of fault. Drafts that break off are criticized for it.
_SHARED = {
    "instructions.families": '["capitals_only"]',
    "filters.keep_truncated_drafts": "true",
    "drafts.temperature": 0,
    "drafts.max_new_tokens": 24,
}
# An adapter of the upper half of the layers only, so that a step goes back through half of them.
_UPPER_HALF = r".*layers\.(1[5-9]|2\d)\..*_proj"

# What each step does, and about how many seconds it takes on two quiet cores (docs/speed.md). What
# is said while it runs is scaled by the steps before.
_STEPS = {
    "model": ("fetch and unpack the model, once", 12),
    "pairs": ("first rows: the base model drafts, the teacher criticizes and refines", 7),
    "run 1": ("the stage-1 run", 12),
    "release 1": ("its release, past the gate", 2),
    "audit base": ("audit of the base model", 18),
    "train 1": ("stage 1: training on drafts, critiques and refinements", 107),
    "audit 1": ("audit of the stage-1 model", 8),
    "run 2": ("the stage-1 model drafts, criticizes and refines", 92),
    "release 2": ("the release of its preference pairs", 1),
    "train 2": ("stage 2: training on those pairs", 68),
    "audit 2": ("audit of the stage-2 model", 9),
    "pages": ("pages to look at", 1),
}


def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The folder to work in.")] = Path("srt-demo"),
    as_json: AsJson = False,
) -> None:
    """Run both stages with a small real model: draft, criticize, refine, release, train, audit.

    The instructions have answers that can be computed, so the critic of stage 1 and the scorer
    need no model; in stage 2 the trained model is its own critic. Each model is audited on a few
    pairs that none was trained on, and that a checker judged in place of people. It can be stopped
    at any moment: what is done stays, and the same command goes on.
    """
    from builders.errors import RunFailed
    from pipelines.cli.loop import STEPS, in_this_process
    from pipelines.cli.watch import Step, Watch

    watch = Watch(
        {name: Step(*_STEPS[name]) for name in ("model", *STEPS, "pages")}, out / "seconds.json"
    )
    loop = _loop(out, in_this_process(context.find_root().command))
    try:
        complete = _run(loop, watch)
    except (KeyboardInterrupt, typer.Abort):
        raise RunFailed(f"stopped; {out} has what is done, and the same command goes on") from None
    stages = (1, 2) if complete else (1,)
    if as_json:
        _print_json(loop, stages, watch)
    else:
        _print(loop, stages, watch)


def _loop(out: Path, run_srt: "Runner") -> "Loop":
    """What the demo changes in the embedded recipes."""
    from pipelines.cli.loop import Loop
    from services.model.precision import has_fast_bfloat16

    # Half of them repeat what the model was trained on, and of the rest a third makes a pair: 20
    # at least, and as many more as a machine has time for in a demo of six minutes.
    instructions = 120 if has_fast_bfloat16("cpu") else 80
    return Loop(
        out,
        stage1={"instructions.verifiable": 60, "batch_size": 60, **_SHARED},
        stage2={
            "instructions.verifiable": instructions,
            "batch_size": instructions,
            "critic.max_new_tokens": 192,
            # After so few rows a model's own scores mean nothing (docs/results.md).
            "scorer": "{kind: verifiable}",
            **_SHARED,
        },
        # With so few rows, more steps help.
        train1={
            "per_device_train_batch_size": 1,
            "num_train_epochs": 1,
            "lora_target_modules": _UPPER_HALF,
        },
        train2={"gradient_accumulation_steps": 1},
        audited={"instructions.verifiable": 8, "batch_size": 8, **_SHARED},
        # Read from probabilities: a base model's replies are long, and have no score.
        audit_scores="expected",
        show=2,
        run_srt=run_srt,
    )


def _run(loop: "Loop", watch: "Watch") -> bool:
    """Every step whose result is missing; False if there was nothing for stage 2 to train on."""
    from pipelines.cli.loop import run_loop
    from services.model.embedded import checkpoint_path, is_unpacked

    with watch.step("model"):
        if not is_unpacked():
            watch.begin()
            checkpoint_path()
    complete = run_loop(loop, watch.command, watch.step)
    with watch.step("pages"):
        for path, page in _pages(loop).items():
            if not page.exists():
                page.parent.mkdir(parents=True, exist_ok=True)
                loop.srt(watch.command, "view", str(path), "--export", str(page))
    return complete


def _pages(loop: "Loop") -> dict[Path, Path]:
    """What is shown in the browser, and the file that shows it without a server."""
    shown = {f"stage{stage}": loop.run(stage) for stage in (1, 2)}
    shown["audit"] = next(path for path in map(loop.audit, (2, 1)) if path.is_dir())
    return {path: loop.out / "pages" / f"{name}.html" for name, path in shown.items()}


def _print_json(loop: "Loop", stages: "Sequence[int]", watch: "Watch") -> None:
    from builders.audit.result import audits_of
    from builders.ledger.run import Run
    from pipelines.cli import console

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
    facts["pages"] = [str(page) for page in _pages(loop).values()]
    facts["seconds"] = watch.seconds
    console.print_json(facts)


def _print(loop: "Loop", stages: "Sequence[int]", watch: "Watch") -> None:
    """What was made, what became of the rows, the audits, what to try next, and the times."""
    from builders.ledger.run import Run
    from pipelines.cli.audit import print_audits
    from pipelines.cli.console import out, print_funnel
    from pipelines.cli.release import print_loading

    for number in stages:
        out.print(f"\nstage {number}")
        print_funnel(Run(loop.run(number)).read_manifest().funnel.model_dump())
        out.print(f"release: {loop.release(number)}")
        out.print(f"checkpoint: {loop.checkpoint(number)}")
    if len(stages) == 1:
        out.print(
            "\nnone of the model's refinements is better than its draft: it has not learned to "
            "refine from so few rows, and stage 2 has nothing to train on"
        )
    out.print("")
    print_audits(loop.audit_set)
    out.print("\ntime, and time up to then, in minutes and seconds")
    for line in watch.table():
        out.print(line)
    out.print("")
    print_loading(loop.release(1))
    for path, page in _pages(loop).items():
        out.print(f"look at the rows: open {_quoted(page)}, or: srt view {_quoted(path)}")
    own = _quoted(loop.run(1) / "recipe.yaml")
    out.print(f"change what a release of the run requires: edit {own}, then")
    out.print(f"  srt build stage1 {own}")
    instruction = '"Say something about trains in capital letters only, in one sentence."'
    checkpoint = _quoted(loop.checkpoint(stages[-1]))
    out.print(f"try the model: srt generate {checkpoint} {instruction}")


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
