"""`srt audit`: does a model's judgment agree with people, and does it still?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import AsJson, StorePath

if TYPE_CHECKING:
    from builders.audit.frozen import FrozenSet
    from builders.audit.result import Audit
    from pipelines.audit.run import AuditRequest

app = typer.Typer(
    help="Measure a model's judgment against people's, before and after training.",
    no_args_is_help=True,
)


@app.command(
    epilog="Example: srt audit freeze reviews/stage1-openai --out audits/people",
)
def freeze(
    source: Annotated[
        Path | None,
        typer.Argument(
            help="A review, a reviewed run, a release with verdicts, or a run of verifiable "
            "problems.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder of the set; it must not exist.")] = Path(
        "audits/set"
    ),
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A file of pairs in place of SOURCE: two answers and who was preferred.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="The shape of --pairs: pairs (or prompt/chosen/rejected), hh (transcripts of "
            "HH-RLHF), or auto.",
        ),
    ] = "auto",
    license: Annotated[
        str, typer.Option(help="The license of --pairs, where the rows name none.")
    ] = "unknown",
    as_json: AsJson = False,
) -> None:
    """Freeze what people said into a set that never changes, to audit models by.

    Freeze before training, and name the set under `reserve:` in the recipe: its instructions then
    stay out of every training config.
    """
    from builders.audit.freeze import freeze as freeze_source
    from builders.audit.freeze import freeze_file
    from builders.audit.pair_files import FORMATS
    from builders.errors import BadInput
    from pipelines.cli import console

    if (source is None) == (pairs is None):
        raise BadInput("give either a SOURCE or --pairs FILE")
    if form not in FORMATS:
        raise BadInput(f"--format: {form!r} is not one of {', '.join(FORMATS)}")
    if pairs is not None:
        frozen = freeze_file(pairs, out, form=form, license=license)
    else:
        frozen = freeze_source(source, out)
    if as_json:
        console.print_json(
            {
                "set": str(frozen.folder),
                **frozen.facts.model_dump(mode="json", by_alias=True),
            }
        )
        return
    _print_set(frozen)
    console.out.print(
        f"next: `reserve: [{frozen.folder}]` in the recipes of what is trained, then "
        f"srt audit run MODEL --set {frozen.folder}"
    )


def _print_set(frozen: "FrozenSet") -> None:
    from builders.audit.frozen import LEFT_OUT
    from pipelines.cli.console import out

    counts = frozen.facts.counts
    judges = (
        "the checker" if frozen.facts.judged_by == "checker" else _count(counts.people, "person")
    )
    out.print(
        f"{frozen.folder}: {_count(counts.pairs, 'pair')} on "
        f"{_count(counts.instructions, 'instruction')}, judged by {judges} "
        f"({counts.choices:,} choices, {counts.ties:,} of them ties)"
    )
    for reason, count in counts.left_out.items():
        out.print(f"{count:>8,}  left out: {reason} ({LEFT_OUT[reason]})", style="dim")
    out.print(f"license {frozen.facts.license}, digest {frozen.digest[:12]}")


def _count(number: int, noun: str) -> str:
    plural = {"person": "people"}.get(noun, f"{noun}s")
    return f"{number:,} {noun if number == 1 else plural}"


SetFolder = Annotated[Path, typer.Option("--set", help="The folder of a frozen set.")]


@app.command(
    epilog="Example: srt audit run checkpoints/stage2 --set audits/people "
    "--against checkpoints/stage1"
)
def run(
    model: Annotated[
        str,
        typer.Argument(
            help="A checkpoint folder, ORG/NAME@REVISION, embedded, stored (the scores in the "
            "set), a YAML file with a model block, or a table of scores (id, score_a, score_b)."
        ),
    ],
    frozen: SetFolder,
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="`execution` and `budget` as in a recipe: execution.kind=batch (or ray), "
            "execution.wait=true, budget.money=2.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            help="The model before it, named in the same ways, or the folder of its audit.",
            show_default=False,
        ),
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="A control judge for the model's taste; may be repeated. Scorers that the set has "
            "scores of beside the first one are control judges too."
        ),
    ] = None,
    repeat: Annotated[
        int, typer.Option(min=1, max=2, help="2 asks about the first 50 pairs twice.")
    ] = 1,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use so many pairs, drawn by a hash of their ids.")
    ] = None,
    margin: Annotated[
        float, typer.Option(min=0.1, max=50, help="The largest fall to tolerate, in points.")
    ] = 5.0,
    budget: Annotated[
        int | None, typer.Option(min=1, metavar="TOKENS", help="The same as budget.tokens=TOKENS.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Print calls, tokens and cost, and send nothing.")
    ] = False,
    max_new_tokens: Annotated[
        int,
        typer.Option(
            min=1, help="The most tokens of a reply; a model block in YAML has its own number."
        ),
    ] = 384,
    scores: Annotated[
        str,
        typer.Option(
            help="sampled: the score that a reply has. expected: the mean of the scores that a "
            "model on this machine could give, read from its probabilities; much faster, and "
            "another instrument."
        ),
    ] = "sampled",
    out: Annotated[
        Path | None, typer.Option(help="The audit's folder.", show_default="SET/audits/MODEL")
    ] = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Score each answer of a set alone, and compare with people and with an earlier model.

    The verdict is fell, not worse, or inconclusive (docs/trust.md). The same command continues an
    audit that was interrupted, stopped by its budget, or waits for a batch.
    """
    from builders.errors import BadInput
    from pipelines.audit.judges import SCORES
    from pipelines.audit.run import AuditRequest, run_audit
    from pipelines.cli import console
    from pipelines.cli.build import stop_on_interrupt
    from pipelines.llms.store import CompletionStore, default_store_path
    from pipelines.recipe.file import execution_settings

    if scores not in SCORES:
        raise BadInput(f"--scores: {scores!r} is not one of {', '.join(SCORES)}")
    budgeted = [f"budget.tokens={budget}"] if budget else []
    request = AuditRequest(
        model,
        frozen,
        against,
        judge or [],
        repeat,
        limit,
        margin / 100,
        settings=execution_settings([*budgeted, *(settings or [])]),
        max_new_tokens=max_new_tokens,
        scores=scores,
    )
    if estimate:
        _print_estimate(request, as_json=as_json)
        return
    with stop_on_interrupt() as stop, console.AnswersProgress() as progress:
        folder, audit = run_audit(
            request,
            out,
            store=CompletionStore(store or default_store_path()),
            stop=stop,
            progress=progress,
            notify=console.notify,
        )
    if as_json:
        facts = audit.model_dump(mode="json", by_alias=True)
        console.print_json({"audit": str(folder), **facts})
        return
    print_audit(audit.model_dump(mode="json"))
    console.out.print(f"audit: {folder}")


@app.command(epilog="Example: srt audit show audits/people")
def show(
    folder: Annotated[Path, typer.Argument(help="A frozen set, or one audit of it.")],
    as_json: AsJson = False,
) -> None:
    """List all audits of a set, the first one first, or print one audit."""
    from builders.audit.frozen import open_set
    from builders.audit.result import MANY_LOOKS, RESULT, audits_of, read_audit
    from pipelines.cli import console

    if (folder / RESULT).is_file():
        audit = read_audit(folder)
        if as_json:
            console.print_json(audit.model_dump(mode="json", by_alias=True))
        else:
            print_audit(audit.model_dump(mode="json"))
        return
    frozen = open_set(folder)
    audits = audits_of(folder)
    if as_json:
        facts = [
            {"audit": str(path), **audit.model_dump(mode="json", by_alias=True)}
            for path, audit in audits
        ]
        console.print_json({"set": frozen.name, "digest": frozen.digest, "audits": facts})
        return
    _print_set(frozen)
    for path, audit in audits:
        console.out.print(audit_line(audit, path))
    if len(audits) + 1 >= MANY_LOOKS:
        console.out.print(
            f"{len(audits)} looks: whoever chooses a model by this set now trains on it",
            style="yellow",
        )


def audit_line(audit: "Audit", path: Path) -> str:
    """When and what was audited, its agreement, the verdict against the model before, and where."""
    from cards.audit_sentences import signed

    raw, against = audit.agreement["raw"], audit.against
    change = ""
    if against is not None and against.figures["difference"] is not None:
        change = (
            f", {signed(against.figures['difference'])} points against "
            f"{against.judge.name}: {against.figures['verdict']}"
        )
    return (
        f"{audit.made_at:%Y-%m-%d %H:%M}  look {audit.look}  {audit.model.name}  "
        f"{_percent(raw['value'])} ({_percent(raw['low'])} to {_percent(raw['high'])}){change}"
        f"  {path}"
    )


def print_audits(folder: Path) -> None:
    """The set, a line for each audit of it, the sentences of its verdicts, and its report."""
    from builders.audit.frozen import open_set
    from builders.audit.result import audits_of
    from cards.audit_sentences import verdict_sentences
    from pipelines.audit.run import REPORT
    from pipelines.cli.console import out

    _print_set(open_set(folder))
    for path, audit in audits_of(folder):
        out.print(audit_line(audit, path / REPORT))
        for sentence in verdict_sentences(audit.model_dump(mode="json")):
            out.print(f"  {sentence}")


def print_audit(audit: Mapping[str, Any]) -> None:
    """The table of agreement, and the sentences below it."""
    from cards.audit_report import audit_facts
    from pipelines.cli.console import out

    facts = audit_facts(audit)
    for name, one in facts["rows"]:
        interval = (
            "" if one["low"] is None else f" ({_percent(one['low'])} to {_percent(one['high'])})"
        )
        out.print(f"{_percent(one['value']):>7}{interval:<20} {name}")
    for sentence in (*facts["verdicts"], *facts["tastes"], *facts["cautions"]):
        out.print(sentence)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _print_estimate(request: "AuditRequest", *, as_json: bool) -> None:
    from pipelines.audit.estimate import estimate_audit
    from pipelines.cli.build import print_models

    nobody = "no judge is asked: all have their scores"
    print_models(*estimate_audit(request), "judges" if as_json else None, nobody)
