"""Nothing of test is much like anything of train, in any version."""

from itertools import count

from builders.release.splits import Splits
from tests.builders.release.releases import SPLITS, all_rows, ids, manifest_of, read, release_of
from tests.ledger_rows import ledger_row, ledger_rows

ASKED = (
    "Explain in two short paragraphs why leap years exist, who introduced them, and which years "
    "that can be divided by one hundred are exceptions to the rule, for reader"
)


def asked(split, start):
    """A wording of one question that its hash alone would put into `split`."""
    return next(
        text for number in count(start) if Splits().of(text := f"{ASKED} {number}") == split
    )


def row(number, instruction, **columns):
    return ledger_row(number, reason=None, instruction=instruction, id=f"row-{number}", **columns)


def split_of(release, row_id):
    return next(split for split in SPLITS if row_id in ids(release, "feedback", split))


def test_a_test_row_that_is_like_a_train_row_is_for_training(tmp_path):
    rows = [row(1, asked("test", 0)), row(2, asked("train", 0)), row(3, asked("test", 500))]
    release = release_of(tmp_path, [*rows, *ledger_rows(100, first=1000)])
    assert {split_of(release, f"row-{number}") for number in (1, 2, 3)} == {"train"}
    found = manifest_of(release)
    assert found["near_instructions"] == 2
    assert found["moved_instructions"] == 0
    card = (release / "README.md").read_text(encoding="utf-8")
    assert "it is in `train` as well (2 instructions)" in card


def test_alike_rows_that_are_all_for_testing_stay_there(tmp_path):
    rows = [row(1, asked("test", 0)), row(2, asked("test", 500))]
    release = release_of(tmp_path, [*rows, *ledger_rows(50, first=1000)])
    assert {split_of(release, f"row-{number}") for number in (1, 2)} == {"test"}


def test_rows_move_from_test_to_train_and_never_back(tmp_path):
    base = list(ledger_rows(100, first=1000))
    one, two, three = (
        row(1, asked("test", 0)),
        row(2, asked("train", 0)),
        row(3, asked("test", 500)),
    )
    first = release_of(tmp_path, [*base, one])
    assert split_of(first, "row-1") == "test"
    second = release_of(tmp_path, [*base, one, two], version="1.1.0")
    assert split_of(second, "row-1") == "train"
    assert "| feedback | train | 1 | 0 | 0 | 1 |" in (second / "CHANGELOG.md").read_text()
    # What made it move is gone; whoever trained on the second version has seen it.
    third = release_of(tmp_path, [*base, one, three], version="1.2.0")
    assert split_of(third, "row-1") == "train"
    assert split_of(third, "row-3") == "train"
    for older, newer in ((first, second), (second, third)):
        for config in ("ledger", "feedback", "sft"):
            assert not set(ids(older, config)) & set(ids(newer, config, "test"))


def test_problems_are_alike_where_they_are_the_same_problem(tmp_path):
    rows = [
        row(1, asked("test", 0), task='{"a":1}'),
        row(2, asked("train", 0), task='{"a":2}'),
        row(3, asked("test", 500), task='{"a":2}'),
    ]
    release = release_of(tmp_path, [*rows, *ledger_rows(50, first=1000)])
    assert [split_of(release, f"row-{number}") for number in (1, 2, 3)] == [
        "test",
        "train",
        "train",
    ]


def test_two_alike_rows_alone_are_for_training(tmp_path):
    release = release_of(tmp_path, [row(1, asked("train", 0)), row(2, asked("train", 500))])
    assert read(release, "feedback", "test") == []
    assert len(all_rows(release, "feedback")) == 2
