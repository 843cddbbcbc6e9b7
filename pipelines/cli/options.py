"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
StorePath = Annotated[
    Path | None,
    typer.Option(
        envvar="SRT_STORE",
        help="The file in which paid answers are kept.",
        show_default="responses.sqlite in the user's cache",
    ),
]
EvaluationSets = Annotated[
    list[str] | None,
    typer.Option(
        "--evaluation",
        metavar="EVALUATION|FILE[:FIELD]",
        help="Prompts that models are evaluated on, in addition to the recipe's: those of an "
        "evaluation by `srt evaluate`, or in a file; may be repeated.",
        show_default=False,
    ),
]
AllowedChecks = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="CHECK",
        help="Let this check fail, for the --reason that follows; may be repeated.",
    ),
]
Reasons = Annotated[
    list[str] | None,
    typer.Option("--reason", metavar="TEXT", help="Why; the card prints it. One for each --allow."),
]

# A run's folder begins otherwise.
EXECUTION_KEYS = "execution."


def allowances(checks: list[str] | None, reasons: list[str] | None) -> dict[str, str]:
    """The reason for each allowed check; BadInput unless there is one for each.

    The name that a check had in version 1 is accepted, with a line on stderr.
    """
    from builders.errors import BadInput
    from builders.gate.gate import check_allowed
    from builders.renamed import CHECKS
    from pipelines.cli.console import notify

    checks, reasons = checks or [], reasons or []
    if len(checks) != len(reasons):
        raise BadInput(
            f"{len(checks)} --allow and {len(reasons)} --reason: each needs the other, as in "
            '--allow duplicates --reason "paraphrases on purpose"'
        )
    allowed: dict[str, str] = {}
    for check, reason in zip(checks, reasons, strict=True):
        name = CHECKS.get(check, check)
        if name in allowed:
            raise BadInput(f"--allow {check}: the check {name} is allowed twice")
        if name != check:
            notify(f"--allow {check}: {check!r} is now {name!r}; the old name still works")
        allowed[name] = reason
    check_allowed(allowed)
    return allowed
