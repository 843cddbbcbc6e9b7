"""`srt review pull`: the answers so far are downloaded."""

from builders.wording import counted
from pipelines.cli.options import AsJson
from pipelines.cli.review.options import Reviewed, Url, connected, quoted


def pull(review: Reviewed, url: Url = None, as_json: AsJson = False) -> None:
    """Download the answers so far. Repeat it as people continue."""
    from dataclasses import asdict

    from builders.review.folder import open_review
    from pipelines.cli import console
    from pipelines.review import pull as pull_module

    opened = open_review(review)
    opened.check_pushed()
    server = connected(url or opened.facts.url)
    with console.RowsProgress({"reading": len(opened.drawn())}) as progress:
        pulled = pull_module.pull(server, opened, lambda rows: progress("reading", rows))
    if as_json:
        console.print_json({"review": str(opened.folder), **asdict(pulled)})
        return
    if pulled.deleted:
        console.notify(
            f"warning: {counted(pulled.deleted, 'record is', 'records are')} no longer on the "
            "server; earlier verdicts are kept"
        )
    if pulled.unknown:
        console.notify(
            f"warning: ignored {counted(pulled.unknown, 'record')} on the server that this review "
            "does not have"
        )
    if pulled.gone:
        console.notify(
            f"warning: {_people(pulled.gone)} no longer on the server; their earlier verdicts are "
            "kept"
        )
    if pulled.again:
        console.notify(
            f"note: {counted(pulled.again, 'annotator has', 'annotators have')} a new account by "
            "the user name of one that was deleted, and counts as the same person"
        )
    if pulled.unmatched:
        console.notify(
            f"warning: it is not known who {_people(pulled.unmatched)}; where they are in another "
            "review too, they count as somebody else there"
        )
    if pulled.excluded:
        console.notify(
            f"note: {pulled.excluded:,} of the verdicts are of people who are left out, and do not "
            f"count; see srt review people {quoted(opened)}"
        )
    changes = f"{pulled.new:,} new, {pulled.edited:,} edited, {pulled.taken_back:,} taken back"
    console.out.print(f"{counted(pulled.verdicts, 'verdict')} ({changes})")
    if pulled.corrections:
        have = counted(pulled.corrections, "row has", "rows have")
        console.out.print(f"{have} corrections")
    if pulled.verdicts:
        console.out.print(f"next: srt review report {quoted(opened)}")
    else:
        again = f"srt review pull {quoted(opened)}"
        console.out.print(f"next, when people have answered: {again}")


def _people(count: int) -> str:
    return counted(count, "annotator is", "annotators are")
