"""Git's patterns: as dulwich reads them, and in linear time."""

import io
from contextlib import suppress

import pytest
from dulwich.attrs import Pattern, match_path, parse_git_attributes
from dulwich.ignore import IgnoreFilter, read_ignore_patterns
from dulwich.wildmatch import MalformedPattern
from hypothesis import given, settings
from hypothesis import strategies as st

from services.hub.errors import HubError
from services.hub.storage.lfs_rules import MAX_PATTERNS, UploadRules

PIECES = st.sampled_from(
    ["a", "b", "*", "**", "/", "?", "[ab]", "[!a]", "[/a]", "\\a", "**/", "/**", "["]
)
PATTERNS = st.lists(PIECES, min_size=1, max_size=6).map("".join)
PATHS = st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)
ATTRIBUTES = st.sampled_from(["filter=lfs", "-filter", "!filter", "text"])


@settings(max_examples=500)
@given(st.lists(st.tuples(PATTERNS, ATTRIBUTES), max_size=3), PATHS)
def test_attributes_are_gits(lines, path):
    text = "".join(f"{pattern} {attribute}\n" for pattern, attribute in lines).encode()
    patterns = []
    for line in text.splitlines():
        with suppress(ValueError, MalformedPattern):
            patterns += [
                (Pattern(pattern), given)
                for pattern, given in parse_git_attributes(io.BytesIO(line + b"\n"))
            ]
    expected = match_path(patterns, path.encode()).get(b"filter") == b"lfs"
    assert (UploadRules(text, b"").mode(path, 1, b"") == "lfs") == expected


@settings(max_examples=500)
@given(
    st.lists(
        st.tuples(st.sampled_from(["", "!"]), PATTERNS, st.sampled_from(["", "/"])), max_size=3
    ),
    PATHS,
)
def test_ignored_files_are_gits(lines, path):
    text = "".join(f"{no}{pattern}{slash}\n" for no, pattern, slash in lines).encode()
    expected = bool(IgnoreFilter(read_ignore_patterns(io.BytesIO(text))).is_ignored(path))
    assert UploadRules(b"", text).is_ignored(path) == expected


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [
        # A slash in brackets separates no folders.
        ("[/[ab]", ["a", "["], ["c/a", "/"]),
        ("x/[/a]/y", ["x/a/y"], ["x///y", "x/b/y"]),
        ("[!/]b", ["ab"], ["b", "a/b"]),
        # An escaped one does.
        (r"a\/b", ["a/b"], ["a", "b"]),
        (r"a\\/b", ["a\\/b"], ["a/b"]),
    ],
)
def test_slashes_that_separate_and_that_do_not(pattern, matched, others):
    rules = UploadRules(b"", f"{pattern}\n".encode())
    assert [path for path in [*matched, *others] if rules.is_ignored(path)] == matched


@pytest.mark.parametrize(
    "pattern", ["a*" * 100 + "b", "**/" + "a*" * 50 + "b", "**/a/" * 100 + "b", "[a]*?" * 60 + "b"]
)
def test_a_pattern_of_many_stars_takes_no_time(pattern):
    """The regular expressions of libraries would take longer than anybody lives."""
    text = f"{pattern} filter=lfs\n".encode()
    rules = UploadRules(text, pattern.encode())
    for path in ("a" * 250, "/".join(["a" * 250] * 4), "a/" * 500 + "c"):
        assert rules.mode(path, 1, b"") == "regular"
        assert not rules.is_ignored(path)


def test_more_patterns_than_any_repository_has_are_refused():
    for attributes, ignore in ((b"a x\n", b""), (b"", b"a\n")):
        with pytest.raises(HubError, match="patterns"):
            UploadRules(attributes * (MAX_PATTERNS + 1), ignore * (MAX_PATTERNS + 1))
    UploadRules(b"# a\n\n" * 5000, b"# a\n\n" * 5000)
