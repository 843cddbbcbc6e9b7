import pytest

from builders.gate.checks.licenses import Licenses, conflict
from tests.ledger_rows import ledger_row, ledger_table


@pytest.mark.parametrize(
    ("source", "release"),
    [
        ("mit", "apache-2.0"),
        ("MIT", "CC-BY-4.0"),
        ("CC BY 4.0", "apache-2.0"),
        ("cc-by-4.0", "cc-by-sa-4.0"),
        ("cc-by-nc-4.0", "cc-by-nc-sa-4.0"),
        ("cc-by-sa-3.0", "CC-BY-SA-4.0"),
        ("cc0-1.0", "mit"),
        ("odc-by", "odc-by"),
        ("odc-by", "cc0-1.0"),
        ("GPL-3.0-or-later", "gpl-3.0"),
        ("openrail", "openrail"),
        ("openrail++", "openrail++"),
        ("llama3.1", "llama3.1"),
    ],
)
def test_what_may_be_released(source, release):
    assert conflict(source, release) is None


@pytest.mark.parametrize(
    ("source", "release", "says"),
    [
        ("cc-by-nc-4.0", "apache-2.0", "no commercial use"),
        ("CC-BY-NC-SA-4.0", "cc-by-nc-4.0", "its own terms"),
        ("cc-by-sa-4.0", "cc-by-4.0", "its own terms"),
        ("cc-by-sa-4.0", "cc-by-nc-sa-4.0", "its own terms"),
        ("cc-by-nd-4.0", "cc-by-nd-4.0", "no derived works"),
        ("cc-by-nc-nd-4.0", "cc-by-nc-4.0", "no derived works"),
        ("llama3", "mit", "its own terms"),
        ("openrail", "llama3", "its own terms"),
        ("gpl-3.0", "mit", "its own terms"),
        ("other", "mit", "the terms of 'other' are not known"),
        ("unknown", "mit", "not known"),
        ("", "mit", "not known"),
        ("mit", "other", "the release's license 'other'"),
        ("ミット", "mit", "not known"),
    ],
)
def test_what_may_not(source, release, says):
    assert says in conflict(source, release)


def result(release, *sources):
    check = Licenses(release)
    rows = [
        ledger_row(number, source=name, license=license)
        for number, (name, license) in enumerate(sources)
    ]
    check.see(ledger_table(rows[:2]))
    check.see(ledger_table(rows[2:]))
    return check.result()


def test_credit_is_listed_where_it_is_due():
    passed = result("mit", ("a", "cc-by-4.0"), ("b", "cc0-1.0"), ("a", "cc-by-4.0"))
    assert passed.status == "pass"
    assert passed.sentence == "2 sources may be released under mit. Credit is due to a."
    assert passed.figures["rows_by_license"] == {"cc-by-4.0": 2, "cc0-1.0": 1}
    warned = result("cc0-1.0", ("a", "cc-by-4.0"))
    assert warned.status == "warn"
    assert "due to a" in warned.sentence


def test_a_conflict_names_source_and_rows():
    failed = result("mit", ("a", "mit"), ("b", "cc-by-nc-4.0"))
    assert failed.status == "fail"
    assert failed.sentence == "b: cc-by-nc-4.0 allows no commercial use, and mit does."
    assert failed.rows == (ledger_row(1)["id"],)
