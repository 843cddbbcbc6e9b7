"""`srt review export` and `srt review import`: the sample as a file, and answers from files."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from builders.wording import counted
from pipelines.cli.options import AsJson
from pipelines.cli.review.options import Reviewed, quoted


def export_sample(
    review: Reviewed,
    form: Annotated[str, typer.Option("--format", help="The kind of file: csv or jsonl.")] = "csv",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The file.", show_default="sample.csv in the review"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the sample, blind and in random order, to a file that people fill in.

    It opens in a spreadsheet, in Label Studio and on crowd platforms. docs/review-files.md has
    the columns and what may stand in them.
    """
    from builders.review.exchange.export import export_file
    from builders.review.folder import open_review
    from pipelines.cli import console

    opened = open_review(review)
    path = out or opened.folder / f"sample.{form}"
    exported = export_file(opened, path, form)
    if as_json:
        facts = {"records": exported.records, "too_long": exported.too_long}
        console.print_json({"review": str(opened.folder), "file": str(path), **facts})
        return
    if exported.too_long and form == "csv":
        records = counted(exported.too_long, "record has", "records have")
        console.notify(
            f"warning: {records} texts of more than 32,767 characters, which spreadsheets cut off"
        )
    records = counted(exported.records, "record is", "records are")
    console.out.print(f"{records} in {path}")
    command = f"srt review import {quoted(opened)} {shlex.quote(str(path))}"
    console.out.print(f"next, when people have filled it in: {command}")


def import_answers(
    review: Reviewed,
    file: Annotated[
        Path, typer.Argument(help="CSV, JSON lines or Label Studio's JSON, one row per answer.")
    ],
    annotator: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who answered, where the file does not say."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read people's answers from a file into the review, beside those that it has.

    An edited file updates its answers. If any row cannot be read, all such rows are named and
    nothing is imported.
    """
    from dataclasses import asdict

    from builders.review.exchange.importing import import_file
    from builders.review.folder import open_review
    from pipelines.cli import console

    opened = open_review(review)
    imported = import_file(opened, file, annotator=annotator)
    if as_json:
        console.print_json({"review": str(opened.folder), **asdict(imported)})
        return
    if imported.empty:
        rows = counted(imported.empty, "row is", "rows are")
        console.notify(f"note: {rows} not filled in yet")
    changes = f"{imported.new:,} new, {imported.edited:,} edited, {imported.unchanged:,} unchanged"
    console.out.print(f"{file}: {changes}")
    console.out.print(f"{counted(imported.verdicts, 'verdict')} in the review")
    if imported.corrections:
        rows = counted(imported.corrections, "row has", "rows have")
        console.out.print(f"{rows} corrections")
    console.out.print(f"next: srt review report {quoted(opened)}")
