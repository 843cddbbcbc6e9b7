"""Keys to pseudonyms: one for a project, a copy in each review, and those of older reviews."""

import tempfile
from multiprocessing.pool import ThreadPool

import pytest

from builders.errors import BadInput
from builders.review.pseudonyms import (
    KEY,
    project_key,
    pseudonym,
    read_key,
    write_key,
    write_secret,
)


@pytest.fixture
def reviews(tmp_path):
    for name in ("first", "second"):
        (tmp_path / "reviews" / name).mkdir(parents=True)
    return tmp_path / "reviews"


def test_a_person_has_one_pseudonym_in_all_reviews_of_a_project(reviews, tmp_path):
    keys = [read_key(reviews / name) for name in ("first", "second", "first")]
    names = {pseudonym(key, "user-1") for key in keys}
    (name,) = names
    assert len(name) == 12
    assert name.startswith("a-")
    for path in (reviews / KEY, reviews / "first" / KEY):
        assert path.stat().st_mode & 0o777 == 0o600
    other = tmp_path / "elsewhere" / "first"
    other.mkdir(parents=True)
    assert pseudonym(read_key(other), "user-1") not in names


def test_the_key_of_an_older_review_becomes_that_of_its_project(reviews):
    write_secret(reviews / "first" / KEY, "0" * 64 + "\n")
    assert read_key(reviews / "first") == b"0" * 64
    assert not (reviews / KEY).exists()
    assert project_key(reviews / "first") == read_key(reviews / "second") == b"0" * 64


def test_a_review_that_was_moved_keeps_the_key_of_its_verdicts(reviews, tmp_path):
    key = read_key(reviews / "first")
    (tmp_path / "moved").mkdir()
    (reviews / "first").rename(tmp_path / "moved" / "first")
    assert read_key(tmp_path / "moved" / "first") == key
    write_key(reviews, b"1" * 64)
    (tmp_path / "moved" / "first").rename(reviews / "first")
    assert (read_key(reviews / "first"), project_key(reviews / "first")) == (key, b"1" * 64)


def test_where_nothing_can_be_written_beside_it_a_review_has_its_own(reviews, monkeypatch):
    create = tempfile.mkstemp

    def refused(*, dir, **names):  # noqa: A002
        # Whoever runs the tests may be root, who can write everywhere.
        if dir == reviews.resolve():
            raise PermissionError(dir)
        return create(dir=dir, **names)

    monkeypatch.setattr(tempfile, "mkstemp", refused)
    assert read_key(reviews / "first") == read_key(reviews / "first")
    assert not (reviews / KEY).exists()


def test_whoever_is_first_decides_the_key(reviews):
    folders = [reviews / str(number) for number in range(8)]
    for folder in folders:
        folder.mkdir()
    with ThreadPool(8) as pool:
        keys = set(pool.map(read_key, folders))
    assert keys == {project_key(reviews / "0")}


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_a_damaged_key_makes_no_pseudonyms(reviews, content):
    (reviews / "first" / KEY).write_bytes(content)
    with pytest.raises(BadInput, match=KEY):
        read_key(reviews / "first")
