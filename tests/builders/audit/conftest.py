"""What the tests of audits share: a run of verifiable problems."""

import pytest

from builders.verifiable.registry import check, generate
from tests.builders.release.conftest import dropped, unasked  # noqa: F401
from tests.ledger_rows import ledger_row, make_run

WRONG = "I do not know."


@pytest.fixture(scope="session")
def verifiable_run(tmp_path_factory):
    """A complete run of problems with wrong drafts and the teacher's refinements."""
    folder = tmp_path_factory.mktemp("verifiable") / "problems"
    rows = []
    for number, problem in enumerate(generate(3, 20)):
        found = check(problem.task, WRONG)
        rows.append(
            ledger_row(
                number,
                reason=None,
                instruction=problem.instruction,
                task=problem.task,
                draft=WRONG,
                refinement=found.refinement,
            )
        )
    return make_run(folder, rows)[0].folder
