"""`--allow` and `--reason`: one for each, and the names that checks had in version 1."""

import pytest

from builders.errors import BadInput
from builders.gate.check import CHECKS
from builders.renamed import CHECKS as RENAMED
from pipelines.cli.options import allowances


def test_each_check_has_its_reason(capsys):
    assert allowances(["duplicates", "licenses"], ["on purpose", "asked"]) == {
        "duplicates": "on purpose",
        "licenses": "asked",
    }
    assert allowances(None, None) == {}
    assert capsys.readouterr().err == ""


def test_the_old_name_of_a_check_is_accepted_with_one_line(capsys):
    assert allowances(["licences"], ["asked"]) == {"licenses": "asked"}
    assert capsys.readouterr().err == (
        "--allow licences: 'licences' is now 'licenses'; the old name still works\n"
    )


@pytest.mark.parametrize("twice", [["licences", "licenses"], ["secrets", "secrets"]])
def test_a_check_is_allowed_once(twice):
    with pytest.raises(BadInput, match=f"the check {twice[1]} is allowed twice"):
        allowances(twice, ["one", "other"])


def test_every_renamed_check_exists():
    assert {*RENAMED.values()} <= {*CHECKS}
    assert not RENAMED.keys() & {*CHECKS}
