"""`srt publish`: a release, or a checkpoint, to the Hub in one commit, tagged last."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer


def publish(
    folder: Annotated[Path, typer.Argument(help="A release folder, or a trained checkpoint.")],
    repo: Annotated[str, typer.Option(help="The repository, as ORG/NAME.")],
    tag: Annotated[
        str | None, typer.Option(help="A checkpoint's tag, vX.Y.Z; a release has its own.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Make the repository private.")
    ] = False,
    gated: Annotated[
        str | None, typer.Option(help="Readers ask for access: auto (all get it) or manual.")
    ] = None,
    collection: Annotated[
        str | None, typer.Option(help="The slug of a collection to add the repository to.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before publishing.")] = False,
) -> None:
    """Publish FOLDER: uploads, one commit, a reload to compare it, and the tag last.

    The same command, run again, completes what was cut, or says that it is complete.

    The token is the one that `hf auth login` stored, or HF_TOKEN; HF_ENDPOINT names another Hub.
    """
    from pipelines.cli import console
    from pipelines.cli.transfer import Transfer
    from pipelines.hub import client
    from pipelines.hub.package import local_base_model, read_package
    from pipelines.hub.publish import Wishes, plan_publishing
    from pipelines.hub.publish import publish as carry_out

    client.check_repo(repo)
    wishes = Wishes(private, _gated(gated), collection)
    api = client.connect()
    with console.working(f"reading {folder}"):
        package = read_package(folder, tag)
    with console.working(f"looking at {repo}"):
        plan = plan_publishing(api, package, repo, wishes, _check(package))
    if not as_json:
        print_plan(plan)
    if (base := local_base_model(package)) is not None:
        console.err.print(
            f"note: the adapter's base model is a folder of this machine ({base}); nobody else "
            "can load it with that",
            markup=False,
        )
    if dry_run:
        if as_json:
            console.print_json(plan.facts())
        return
    if plan.todo != "nothing" and not yes and sys.stdin.isatty():
        typer.confirm(f"publish {package.tag} to {repo}?", abort=True, err=True)
    with Transfer(plan.upload_bytes) as transfer:
        commit = carry_out(api, plan, wishes, transfer)
    where = _url(api.endpoint, repo, package.repo_type)
    if as_json:
        console.print_json({**plan.facts(), "commit": commit, "url": where})
        return
    said = "is complete" if plan.todo == "nothing" else "is published"
    console.out.print(f"{repo}@{package.tag} {said}: commit {commit}")
    console.out.print(f"{where}/tree/{package.tag}")


def _check(package: Any) -> Callable[[Path], None] | None:
    """The gate, for a release; a checkpoint has none."""
    from builders.gate.gate import recheck

    return (lambda folder: recheck(folder).refuse()) if package.manifest is not None else None


def _gated(wanted: str | None) -> Literal["auto", "manual"] | None:
    from builders.errors import BadInput

    if wanted not in (None, "auto", "manual"):
        raise BadInput(f"--gated: {wanted!r} is neither auto nor manual")
    return wanted


def _url(endpoint: str, repo: str, repo_type: str) -> str:
    return f"{endpoint}/datasets/{repo}" if repo_type == "dataset" else f"{endpoint}/{repo}"


def print_plan(plan: Any) -> None:
    """What is there, what would change, and how much is to be sent."""
    from pipelines.cli.console import out

    head, tags = plan.remote.head, sorted(plan.remote.tags)
    there = f"commit {head[:12]}, tags: {', '.join(tags) or 'none'}" if head else "not there yet"
    out.print(f"{plan.repo} ({plan.package.repo_type}): {there}", markup=False)
    for sign, names in (("+", plan.new), ("~", plan.changed)):
        for name in names:
            size = plan.package.files[name].size
            out.print(f"  {sign} {name}  {readable(size)}", markup=False)
    for name in plan.deleted:
        out.print(f"  - {name}  {readable(plan.remote.files[name].size)}", markup=False)
    files = len(plan.package.files)
    todo = {
        "nothing": f"{plan.package.tag} is there with these {files} files: nothing to do",
        "tag": f"these {files} files are there: to be verified, then the tag {plan.package.tag}",
        "commit": (
            f"{len(plan.new)} new, {len(plan.changed)} changed, {len(plan.deleted)} deleted; "
            f"{readable(plan.upload_bytes)} to send at most, then the tag {plan.package.tag}"
        ),
    }
    out.print(todo[plan.todo])


def readable(size: int) -> str:
    """Bytes as people read them."""
    value, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
