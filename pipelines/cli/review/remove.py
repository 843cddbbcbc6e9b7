"""`srt review remove`: a trial is taken out of the server."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from builders.wording import counted
from pipelines.cli.options import AsJson
from pipelines.cli.review.options import Reviewed, Url, connected

if TYPE_CHECKING:
    from builders.review.folder import Review
    from pipelines.review.remove import Removal


def remove(
    review: Reviewed,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Give up verdicts that were not pulled.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Take a review out of Argilla: its datasets, and the accounts that its pushes created.

    The review's folder stays, with all verdicts that were pulled. Accounts of people who are asked
    elsewhere stay, and so does a workspace with anything else in it. The same command completes a
    removal that was interrupted.
    """
    import sys

    from builders.errors import BadInput
    from builders.files.lock import locked
    from builders.review.folder import open_review
    from pipelines.cli import console
    from pipelines.review.remove import carry_out, check_pulled, plan_removal

    opened = open_review(review)
    opened.check_pushed()
    if not yes and not sys.stdin.isatty():
        raise BadInput(f"{opened.folder}: removing it from {opened.facts.url} takes --yes here")
    server = connected(url or opened.facts.url)
    with locked(opened.folder):
        removal = plan_removal(server, opened)
        check_pulled(server, opened, removal, discard=discard)
        if not yes:
            for line in _lines(opened, removal):
                console.notify(line)
            typer.confirm(f"remove this from {server.url}?", abort=True, err=True)
        carry_out(server, opened, removal, discard=discard)
    if as_json:
        console.print_json(
            {"review": str(opened.folder), "url": server.url, **_facts(opened, removal)}
        )
        return
    if yes:
        for line in _lines(opened, removal):
            console.out.print(line)
    console.out.print(f"removed from {server.url}")
    verdicts = counted(len(opened.verdicts()), "verdict")
    console.out.print(f"review: {opened.folder} ({verdicts} kept)")
    console.out.print(f"to push it again: {_push_command(opened)}")


def _lines(review: "Review", removal: "Removal") -> list[str]:
    """What goes and what stays, a line each."""

    lines = [f"dataset {one['name']!r}" for one in removal.datasets]
    if removal.accounts:
        names = ", ".join(removal.accounts)
        lines.append(f"{counted(len(removal.accounts), 'account')}: {names}")
    if removal.workspace:
        lines.append(f"workspace {review.facts.workspace!r}")
    if removal.unpulled:
        lines.append(f"{counted(removal.unpulled, 'verdict')} that nobody has pulled")
    stays = [f"note: the account {name} stays: {why}" for name, why in removal.kept.items()]
    return lines + stays


def _facts(review: "Review", removal: "Removal") -> dict[str, Any]:
    return {
        "datasets": [one["name"] for one in removal.datasets],
        "accounts": sorted(removal.accounts),
        "kept": dict(removal.kept),
        "workspace": review.facts.workspace if removal.workspace else None,
        "discarded": removal.unpulled,
        "push": _push_command(review),
    }


def _push_command(review: "Review") -> str:
    """The command that pushed the review, but for its file of annotators."""
    import shlex

    from builders.review.drawing import DrawOptions

    facts, default = review.facts, DrawOptions()
    words = ["srt", "review", "push", str(review.source), "--out", str(review.folder)]
    for name in ("sample", "strategy", "seed", "overlap", "calibration"):
        if (value := getattr(facts, name)) != getattr(default, name):
            words += [f"--{name}", str(value)]
    if facts.assisted:
        words.append("--assisted")
    words += ["--workspace", facts.workspace]
    if facts.datasets.sample != facts.name:
        words += ["--dataset", facts.datasets.sample]
    return f"{shlex.join(words)} --annotators people.yaml"
