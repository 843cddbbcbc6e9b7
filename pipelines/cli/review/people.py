"""`srt review people`: who the annotators are, a new password, and who is left out."""

from typing import TYPE_CHECKING, Annotated

import typer

from builders.wording import counted
from pipelines.cli.review.options import Reviewed, Url, connected, quoted

if TYPE_CHECKING:
    from builders.review.folder import Review
    from builders.review.people import People, Person


# Where somebody is who has no account on the server.
_PLACES = {False: "no longer on the server", None: "from a file"}


def people(
    review: Reviewed,
    reset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Give this person a new password, and print it once."),
    ] = None,
    exclude: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Leave this person out of every figure, every release and every drop.",
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why; card and manifest state it.")
    ] = None,
    include: Annotated[
        str | None, typer.Option(metavar="NAME", help="Take this person back into all figures.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="As of the last pull, without asking the server.")
    ] = False,
    url: Url = None,
) -> None:
    """Show who each pseudonym is, reset a password, or leave a person out.

    NAME is a user name or a pseudonym. Names and pseudonyms are linked only here and in people.json
    in the review's folder, which only you can read. A person who is left out stays out, even if
    they answer more; their verdicts stay in the folder.
    """
    from builders.errors import BadInput
    from builders.review.folder import open_review
    from pipelines.cli.console import notify, out

    actions = {"--reset": reset, "--exclude": exclude, "--include": include}
    asked = [option for option, name in actions.items() if name is not None]
    if len(asked) > 1:
        raise BadInput(f"{' and '.join(asked)}: one at a time")
    if reason is not None and exclude is None:
        raise BadInput("--reason belongs to --exclude")
    if reset is not None and offline:
        raise BadInput("--reset needs the server; leave out --offline")
    opened = open_review(review)
    # A review in files has no server to ask.
    offline = offline or opened.facts.url is None
    if exclude is not None or include is not None:
        person = _left_out(opened, exclude, include, reason, offline, url)
        told = "is left out" if person.excluded else "counts again"
        out.print(f"{person.shown} {told} ({_verdicts(opened, person)})")
        out.print(f"next: srt review report {quoted(opened)}")
        return
    if reset is not None:
        opened.check_pushed()
        from pipelines.review.people import PASSWORDS, reset_password

        name, password = reset_password(connected(url or opened.facts.url), opened, reset)
        kept = opened.folder / PASSWORDS
        out.print(f"new password (shown only once; kept in {kept}):")
        out.print(f"  {name}  {password}")
        return
    _print_people(opened, _known(opened, offline, url))
    if offline and opened.facts.url:
        notify("note: as of the last pull")


def _left_out(
    review: "Review",
    exclude: str | None,
    include: str | None,
    reason: str | None,
    offline: bool,
    url: str | None,
) -> "Person":
    """The person, after they were left out or taken back.

    The server is asked only for somebody whom the folder does not know yet.
    """
    from builders.files.lock import locked
    from builders.review import exclusion
    from builders.review.people import checked_reason, read_people

    name = exclude if exclude is not None else include
    if exclude is not None:
        reason = checked_reason(reason)
    known = read_people(review.folder).values()
    if not offline and not any(name in (one.annotator, one.name) for one in known):
        _known(review, offline, url)
    with locked(review.folder):
        if exclude is not None:
            return exclusion.exclude(review, name, reason)
        return exclusion.include(review, name)


def _known(review: "Review", offline: bool, url: str | None) -> "People":
    """The review's people; as the server has them now, and saved so, unless `offline`."""
    from builders.review.people import read_people

    if offline:
        return read_people(review.folder)
    from pipelines.review.people import update_people

    return update_people(connected(url or review.facts.url), review)


def _verdicts(review: "Review", person: "Person") -> str:
    own = sum(row["annotator"] == person.annotator for row in review.verdicts())
    return counted(own, "verdict")


def _print_people(review: "Review", people: "People") -> None:
    from collections import Counter

    from rich.table import Table
    from rich.text import Text

    from pipelines.cli.console import out

    counts = Counter(row["annotator"] for row in review.verdicts())
    table = Table(box=None, pad_edge=False)
    for name, justify in (("name", "left"), ("pseudonym", "left"), ("verdicts", "right")):
        table.add_column(name, justify=justify, no_wrap=True)
    table.add_column("")
    for person in sorted(people.values(), key=lambda one: one.shown):
        notes = [_PLACES[person.on_server]] if person.on_server in _PLACES else []
        if person.excluded is not None:
            notes.append(f"left out: {person.excluded}")
        name = person.name if person.name else "?"
        cells = (name, person.annotator, f"{counts[person.annotator]:,}", "; ".join(notes))
        table.add_row(*map(Text, cells))
    out.print(table if people else "nobody yet")
