"""`srt review report`: what people said, and how far the model agrees with them."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from builders.wording import counted
from pipelines.cli.options import AsJson
from pipelines.cli.review.options import Reviewed, quoted

_KINDS = {"disputed": "people disagree on", "wrong": "found wrong", "corrected": "corrected"}


def report(
    review: Reviewed,
    ties: Annotated[
        str, typer.Option(help="How a tie of the model's scores counts: half, wrong or left_out.")
    ] = "half",
    as_json: AsJson = False,
) -> None:
    """Write report.md, report.json and calibration.png: what people say of the rows."""
    from builders.review.folder import open_review
    from pipelines.cli import console

    opened = open_review(review)
    with console.working("computing the figures"):
        # statsmodels takes seconds to import.
        from builders.review.report import MARKDOWN, report_review

        facts = report_review(opened, ties=ties)
    if as_json:
        console.print_json({"review": str(opened.folder), **facts})
        return
    if not facts["counts"]["verdicts"]:
        console.notify(f"note: no verdicts yet; get them with {opened.next_command}")
    _print_report(facts)
    console.out.print(f"report: {opened.folder / MARKDOWN}")
    source = shlex.quote(str(opened.source))
    if any(kind["of"] for kind in facts["notable"].values()):
        console.out.print(f"one row: srt show {source} ID")
    if opened.facts.source.kind == "run" and facts["counts"]["verdicts"]:
        console.out.print(
            f"next: srt release {source} --review {quoted(opened)} --name NAME --version X.Y.Z"
        )


def _print_report(facts: Mapping[str, Any]) -> None:
    """The main figures, each with its interval and the number of cases it is computed from."""
    from rich.table import Table

    from pipelines.cli.console import notify, out

    counts, source = facts["counts"], facts["source"]
    out.print(
        f"{counted(counts['verdicts'], 'verdict')} on {counted(counts['records'], 'record')} by "
        f"{counted(counts['annotators'], 'annotator')}; "
        f"{counted(counts['counted'], 'counts', 'count')} for the model"
    )
    name = " ".join(filter(None, (source["kind"], source["name"], source["version"])))
    out.print(f"estimates for all {source['rows']} rows of the {name}:")
    if source["rows"] == "kept" and counts["counted"]:
        notify(
            "note: on kept rows the model has by construction not scored the draft higher, so its "
            "agreement is about the share of people who prefer the refinement"
        )
    table = Table(box=None, pad_edge=False)
    for name, justify in (("", "left"), ("value", "right"), ("95%", "left"), ("of", "right")):
        table.add_column(name, justify=justify, no_wrap=True)
    for name, figure in _figures(facts):
        table.add_row(name, *_cells(figure))
    out.print(table)
    notable = (
        f"{these['of']:,} {_KINDS[kind]}" for kind, these in facts["notable"].items() if these["of"]
    )
    if rows := ", ".join(notable):
        out.print(f"rows to look at: {rows}")
    for annotator, own in facts["contradictions"].items():
        if own["count"]:
            out.print(
                f"{annotator}: in {own['count']:,} of {counted(own['of'], 'verdict')} the better "
                "answer has the lower score"
            )


def _figures(facts: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    gate, trust, better = facts["gate"], facts["trust"], facts["agreement"]["better"]
    questions, scores = facts["answers"]["questions"], facts["answers"]["scores"]
    yield "model agrees with people", gate["agreement"]
    yield '"the refinement is better" agrees', gate["always_refinement"]
    yield '"the longer answer is better" agrees', gate["longer"]
    yield "model's minus that of the refinement", gate["over_always_refinement"]
    yield "model's, balanced over people's choices", gate["balanced"]
    for answer, share in questions["better"]["shares"].items():
        yield f"people prefer: {answer}", share
    for answer, share in questions["weaknesses_real"]["shares"].items():
        yield f"weaknesses real: {answer}", share
    yield "suggestions actionable", questions["suggestions_actionable"]["shares"]["yes"]
    introduces = questions["refinement_introduces_error"]["shares"]
    yield "refinement introduces an error", introduces["yes"]
    for answer, mean in scores.items():
        yield f"people's mean score: {answer}", mean
    yield "Spearman's correlation of scores", trust["correlation"]["spearman"]
    yield "annotators agree with each other", better["percent"]
    yield "Krippendorff's alpha", better["alpha"]["nominal"]
    yield "the answer shown first is chosen", facts["first_shown"]


def _cells(figure: Mapping[str, Any]) -> Iterator[str]:
    yield "–" if figure["value"] is None else f"{figure['value']:.3f}"
    known = figure["low"] is not None and figure["high"] is not None
    yield f"{figure['low']:.3f} to {figure['high']:.3f}" if known else ""
    yield f"{figure['of']:,}"
