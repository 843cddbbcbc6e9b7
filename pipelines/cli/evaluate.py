"""`srt evaluate`: win rates of a model's drafts and refinements against a reference."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import AsJson, StorePath

if TYPE_CHECKING:
    from pipelines.evaluation.run import EvaluationRequest


def evaluate(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A checkpoint folder, ORG/NAME@REVISION, embedded, a model block in YAML, "
            "a table with its answers (AlpacaEval's model_outputs), or a complete run.",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="`execution` and `budget` as in a recipe: execution.kind=batch (or ray), "
            "execution.wait=true, budget.money=2.",
            show_default=False,
        ),
    ] = None,
    instructions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The instructions: a table in any shape that recipes read. A table or run given "
            "as MODEL has its own.",
            show_default=False,
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|MODEL",
            help="What MODEL is compared with: a table with an answer to each instruction, or one "
            "of what MODEL can be, whose drafts are taken.",
            show_default=False,
        ),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="The judge, usually a model block in YAML. A checkpoint of this project scores "
            "each answer alone; verifiable is the checker of verifiable problems.",
            show_default=False,
        ),
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Existing judgments in place of MODEL: AlpacaEval's annotations.json, or a table "
            "of instruction, answer, reference and preference (0 to 1).",
            show_default=False,
        ),
    ] = None,
    draft_annotations: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The same of the model's drafts; --annotations then has its refinements.",
            show_default=False,
        ),
    ] = None,
    difficulty: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The difficulty of each instruction (instruction or index, difficulty).",
            show_default=False,
        ),
    ] = None,
    anchors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The reference judged against a shorter and a longer version of itself (index, "
            "delta_len or tanh_std_delta_len, preference).",
            show_default=False,
        ),
    ] = None,
    join_by_row: Annotated[
        bool,
        typer.Option(
            "--join-by-row",
            help="Join --difficulty by the number of the row, as AlpacaEval does, in place of the "
            "instruction.",
        ),
    ] = False,
    people: Annotated[
        Path | None,
        typer.Option(
            metavar="REVIEW|FILE",
            help="What people preferred, to correct the judge by: a review of the evaluation "
            "(`srt review push --evaluation`), or, with --annotations, a table of instruction and "
            "preference (0 to 1), with part and person if there are several.",
            show_default=False,
        ),
    ] = None,
    answers_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write the answers as AlpacaEval's model_outputs, the drafts to FILE-draft.",
            show_default=False,
        ),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            metavar="ORG/NAME:TASK",
            help="The benchmark on the Hub that the instructions are: `srt publish --evaluation` "
            "writes the win rate into .eval_results for its leaderboard.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use only the first instructions, this many.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed gives other samples.")] = 0,
    max_new_tokens: Annotated[
        int,
        typer.Option(
            min=1, help="The most tokens of a reply; a model block in YAML has its own number."
        ),
    ] = 512,
    budget: Annotated[
        int | None,
        typer.Option(min=1, metavar="TOKENS", help="The same as budget.tokens=TOKENS."),
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Print calls, tokens and cost, and send nothing.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="The evaluation's folder.", show_default="evaluations/NAME"),
    ] = None,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often a model's drafts and refinements are preferred to a reference's answers.

    Raw, at equal length, balanced, and corrected by people, each with its interval
    (docs/evaluate.md). The same command continues an evaluation that was interrupted, stopped by
    its budget, or waits for a batch.
    """
    from builders.errors import BadInput
    from builders.evaluation.existing import Controls, evaluate_files
    from builders.evaluation.folder import REPORT
    from pipelines.cli import console

    registered = _benchmark(benchmark) if benchmark else None
    controls = Controls(difficulty, anchors, join_by_row)
    if (model is None) == (annotations is None):
        raise BadInput("give either a MODEL or --annotations FILE")
    if annotations is not None:
        folder = out or Path("evaluations") / annotations.name.split(".")[0]
        evaluation = evaluate_files(
            annotations,
            folder,
            draft_annotations=draft_annotations,
            controls=controls,
            people=people,
            benchmark=registered,
        )
    else:
        for option, value in (("--reference", reference), ("--judge", judge)):
            if value is None:
                raise BadInput(f"{option}: MODEL is compared by a judge with a reference")
        from pipelines.evaluation.run import EvaluationRequest
        from pipelines.recipe.file import execution_settings

        budgeted = [f"budget.tokens={budget}"] if budget else []
        request = EvaluationRequest(
            model,
            reference,
            judge,
            instructions,
            limit=limit,
            max_new_tokens=max_new_tokens,
            controls=controls,
            answers_out=answers_out,
            people=people,
            benchmark=registered,
            settings=execution_settings([*budgeted, *(settings or [])]),
            seed=seed,
        )
        if estimate:
            _print_estimate(request, as_json=as_json)
            return
        folder = out or Path("evaluations") / _name(model)
        evaluation = _run(request, folder, store)
    facts = evaluation.model_dump(mode="json", by_alias=True)
    if as_json:
        console.print_json({"evaluation": str(folder), **facts})
        return
    print_evaluation(facts)
    console.out.print(f"evaluation: {folder / REPORT}")


def _benchmark(text: str) -> Any:
    """ORG/NAME[@REVISION]:TASK as it is recorded."""
    from builders.errors import BadInput
    from builders.evaluation.result import Benchmark

    dataset, _, task = text.partition(":")
    dataset, _, revision = dataset.partition("@")
    if dataset.count("/") != 1 or not all(dataset.split("/")) or not task:
        raise BadInput(f"--benchmark: {text!r} is not ORG/NAME:TASK")
    return Benchmark(dataset=dataset, task=task, revision=revision or None)


def _run(request: "EvaluationRequest", folder: Path, store: Path | None) -> Any:
    from pipelines.cli import console
    from pipelines.cli.build import stop_on_interrupt
    from pipelines.evaluation.run import run_evaluation
    from pipelines.llms.store import CompletionStore, default_store_path

    with stop_on_interrupt() as stop, console.AnswersProgress() as progress:
        return run_evaluation(
            request,
            folder,
            store=CompletionStore(store or default_store_path()),
            stop=stop,
            progress=progress,
            notify=console.notify,
        )


def _name(model: str) -> str:
    name = Path(model).name.split(".")[0] if Path(model).exists() else model
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in name).strip(".") or "model"


def _print_estimate(request: "EvaluationRequest", *, as_json: bool) -> None:
    from pipelines.cli.build import print_models
    from pipelines.evaluation.estimate import estimate_evaluation

    nobody = "no model is asked: all answers are there, and a program checks them"
    print_models(*estimate_evaluation(request), "steps" if as_json else None, nobody)


def print_evaluation(evaluation: Mapping[str, Any]) -> None:
    """The table of win rates, and the sentences below it."""
    from cards.evaluation_report import evaluation_facts
    from pipelines.cli.console import out

    facts = evaluation_facts(evaluation)
    header = ["win rate", *facts["parts"]]
    rows = [[line.name, *line.cells] for line in facts["lines"]]
    if evaluation["difference"]:
        header.append("refinement − draft, points")
        rows = [[*row, line.difference] for row, line in zip(rows, facts["lines"], strict=True)]
    widths = [max(len(row[at]) for row in [header, *rows]) for at in range(len(header))]
    for name, *cells in [header, *rows]:
        texts = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        out.print(name.ljust(widths[0]), *texts, sep="  ")
    for sentence in facts["sentences"]:
        out.print(sentence)
