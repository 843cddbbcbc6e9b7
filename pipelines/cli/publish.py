"""`srt publish`: a release or a checkpoint, to the Hub in one commit, tagged last."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builders.wording import counted
from pipelines.cli.options import AllowedChecks, AsJson, Reasons, allowances
from pipelines.cli.verify import plain

if TYPE_CHECKING:
    from pipelines.hub.plan import PublishPlan

_SHOWN_LINES = 60


def publish(
    folder: Annotated[Path, typer.Argument(help="A release folder, or a trained checkpoint.")],
    repo: Annotated[str, typer.Option(help="The repository, as ORG/NAME.")],
    tag: Annotated[
        str | None, typer.Option(help="The tag of a checkpoint, vX.Y.Z. A release has its own.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan, and change nothing.")
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Create the repository as a private one.")
    ] = False,
    gated: Annotated[
        str | None,
        typer.Option(help="Readers request access: auto grants it to all, manual lets you decide."),
    ] = None,
    audit: Annotated[
        Path | None,
        typer.Option(
            help="An audit of the checkpoint against the one that it was trained from; its card "
            "shows it, and the gate checks it.",
            show_default=False,
        ),
    ] = None,
    evaluation: Annotated[
        Path | None,
        typer.Option(
            help="An evaluation of the checkpoint by `srt evaluate`; its card shows the win rates.",
            show_default=False,
        ),
    ] = None,
    allow: AllowedChecks = None,
    reason: Reasons = None,
    collection: Annotated[
        str | None, typer.Option(help="The slug of a collection to add the repository to.")
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Delete and overwrite files there that no version of the repository published.",
        ),
    ] = False,
    replace_card: Annotated[
        bool,
        typer.Option("--replace-card", help="Replace a README that is not the last version's."),
    ] = False,
    as_json: AsJson = False,
    yes: Annotated[bool, typer.Option("--yes", help="Publish without asking.")] = False,
) -> None:
    """Publish FOLDER: upload, commit once, download the commit to compare it, tag it last.

    After an interruption the same command completes the rest. The token is HF_TOKEN, or the one
    that `hf auth login` stored; HF_ENDPOINT is the address of another Hub.
    """
    from pipelines.cli import console
    from pipelines.cli.transfer import Transfer
    from pipelines.hub.patience import telling
    from pipelines.hub.publication import plan_publication

    _check_audit(folder, audit, allowances(allow, reason), attach=not dry_run, quiet=as_json)
    if evaluation is not None:
        _check_evaluation(folder, evaluation, attach=not dry_run)
    if dry_run and (audit or evaluation):
        console.notify(
            "note: the plan is of the checkpoint as it is; --audit and --evaluation would add "
            "their files, and change the card"
        )

    with telling(console.notify), console.working(f"comparing {folder} with {repo}"):
        publication = plan_publication(
            folder,
            repo,
            tag=tag,
            private=private,
            gated=gated,
            collection=collection,
            replace=replace,
            replace_card=replace_card,
        )
    plan = publication.plan
    if not as_json:
        print_plan(plan)
    if (base := publication.local_base_model) is not None:
        console.err.print(
            f"note: the adapter's base model is a folder on this machine ({base}); it cannot be "
            "loaded anywhere else"
        )
    if left := publication.left_out:
        more = f", and {len(left) - 3} more" if len(left) > 3 else ""
        console.notify(
            f"note: not published, as no checkpoint is made of it: {', '.join(left[:3])}{more}"
        )
    if dry_run:
        if as_json:
            console.print_json(publication.facts())
        return
    if plan.todo != "nothing" and not yes and plan.package.manifest is None:
        _check_can_ask(folder)
    if plan.todo != "nothing" and not yes and sys.stdin.isatty():
        if plan.card_difference is not None and not replace_card:
            typer.confirm("replace the README as shown?", abort=True, err=True)
            publication = publication.replacing_card()
        typer.confirm(f"publish {publication.tag} to {repo}?", abort=True, err=True)
    publication.check_card()
    with Transfer(plan.upload_bytes) as transfer, telling(transfer.stage):
        commit = publication.carry_out(transfer)
    if as_json:
        console.print_json(publication.facts(commit))
        return
    state = "is complete" if plan.todo == "nothing" else "is published"
    console.out.print(f"{repo}@{publication.tag} {state}: commit {commit}")
    console.out.print(f"{publication.url}/tree/{publication.tag}")


def _check_can_ask(folder: Path) -> None:
    """BadInput off a terminal: unlike a release, a checkpoint's files passed no gate."""
    from builders.errors import BadInput

    if not sys.stdin.isatty():
        raise BadInput(
            f"{folder}: nobody can be asked whether to publish it; --dry-run shows what would be "
            "published, and --yes publishes it"
        )


def _check_audit(
    folder: Path,
    audit: Path | None,
    allowed: Mapping[str, str],
    *,
    quiet: bool,
    attach: bool = True,
) -> None:
    """Run the gate on a checkpoint's audit, and with `attach` put the audit on its card."""
    from builders.errors import BadInput
    from builders.gate.gate import refuse
    from pipelines.cli import console
    from pipelines.cli.check import print_checks

    is_checkpoint = (folder / "training.json").is_file() and not (folder / "manifest.json").exists()
    if not is_checkpoint:
        if audit is not None or allowed:
            raise BadInput(
                f"--audit, --allow: {folder} is no checkpoint; a release is made with them "
                "(`srt release`)"
            )
        return
    from pipelines.hub.audited import attach_audit, check_checkpoint

    checks = check_checkpoint(folder, audit, allowed=allowed)
    if not checks:
        console.notify("note: its judgment was not audited (srt audit run, then --audit)")
        return
    if not quiet:
        print_checks(check.model_dump() for check in checks)
    refuse(checks, "checkpoint")
    if attach and audit is not None:
        attach_audit(folder, audit)


def _check_evaluation(folder: Path, evaluation: Path, *, attach: bool) -> None:
    """BadInput if it is not of this checkpoint; with `attach` put it on the card."""
    from builders.errors import BadInput
    from pipelines.hub.checkpoint_card import attach_evaluation, evaluation_of

    if not (folder / "training.json").is_file() or (folder / "manifest.json").exists():
        raise BadInput(f"--evaluation: {folder} is no checkpoint")
    if attach:
        attach_evaluation(folder, evaluation)
    else:
        evaluation_of(folder, evaluation)


def print_plan(plan: "PublishPlan") -> None:
    """The state of the repository, each change, and how much there is to upload."""
    from pipelines.cli.console import out

    head, tags = plan.remote.head, sorted(plan.remote.tags)
    state = f"commit {head[:12]}, tags: {', '.join(tags) or 'none'}" if head else "a new repository"
    out.print(f"{plan.repo} ({plan.package.repo_type}): {state}")
    for sign, names in (("+", plan.new), ("~", plan.changed)):
        for name in names:
            size = plan.package.files[name].size
            out.print(f"  {sign} {name}  {readable(size)}")
    for name in plan.deleted:
        out.print(f"  - {name}  {readable(plan.remote.files[name].size)}")
    for name in plan.foreign:
        size = readable(plan.remote.files[name].size) if name in plan.remote.files else ""
        out.print(f"    {plain(name)}  {size}  (of no version: stays)")
    if plan.card_difference is not None:
        print_difference(plan.card_difference)
    files = len(plan.package.files)
    todo = {
        "nothing": f"{plan.package.tag} has these {files} files already: nothing to do",
        "tag": f"these {files} files are uploaded: to be verified, then tagged {plan.package.tag}",
        "commit": (
            f"{len(plan.new)} new, {len(plan.changed)} changed, {len(plan.deleted)} deleted; "
            f"at most {readable(plan.upload_bytes)} to upload, then the tag {plan.package.tag}"
        ),
    }
    out.print(todo[plan.todo])


def print_difference(difference: str) -> None:
    """What the card in the repository has that the new one lacks, and how much is new.

    The whole difference is in `--json`.
    """
    from pipelines.cli.console import out

    lines = difference.splitlines()[2:]
    lost = [line for line in lines if line.startswith("-")]
    new = sum(line.startswith("+") for line in lines)
    out.print("  README.md is not the card of the last version. It would lose:")
    for line in lost[:_SHOWN_LINES]:
        out.print(f"    {plain(line)}")
    if len(lost) > _SHOWN_LINES:
        out.print(f"    … {counted(len(lost) - _SHOWN_LINES, 'more line')}")
    out.print(f"    and get {counted(new, 'new line')}")


def readable(size: int) -> str:
    """A size in bytes, kB, MB or GB."""
    value, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
