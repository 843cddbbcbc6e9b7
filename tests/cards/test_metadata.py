"""What a card's front matter may say, by the Hub's own lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.metadata import (
    LICENSES,
    annotators,
    language_problem,
    languages,
    license_problem,
    metadata_problems,
    size_categories,
)


@pytest.mark.parametrize("license", ["apache-2.0", "cc-by-sa-4.0", "llama3.1", "gemma", "unknown"])
def test_licenses_that_the_hub_lists(license):
    assert license_problem(license) is None


@pytest.mark.parametrize(
    ("license", "name", "link", "reason"),
    [
        ("CC-BY-4.0", None, None, "'CC-BY-4.0' is written 'cc-by-4.0' on the Hub"),
        ("cc by 4.0", None, None, "is written 'cc-by-4.0'"),
        ("proprietary", None, None, "write `license: other` with `license_name`"),
        ("gpl-2.0-or-later", None, None, "is no license of the Hub's list"),
        ("other", None, None, "`other` needs `license_name` and `license_link`"),
        ("other", "mine", None, "`other` needs"),
        ("other", "My Terms", "https://example.org", "license_name 'My Terms': use small letters"),
        ("other", "mine", "javascript:alert(1)", "is neither a web address nor a file's name"),
        ("other", "mine", "https://example.org/a b", "is neither a web address"),
        ("mit", "mine", None, "are for `license: other`, not for mit"),
    ],
)
def test_licenses_that_no_card_of_ours_has(license, name, link, reason):
    assert reason in license_problem(license, name, link)


@pytest.mark.parametrize("link", ["https://example.org/terms?v=1", "LICENSE", "legal/TERMS.md"])
def test_other_terms_with_a_name_and_a_link(link):
    assert license_problem("other", "my-terms-1.0", link) is None


@pytest.mark.parametrize("code", ["en", "no", "zh", "yue", "tlh", "code", "multilingual"])
def test_languages_that_the_hub_lists(code):
    assert language_problem(code) is None


@pytest.mark.parametrize("code", ["english", "EN", "en-US", "zz", "", "xx1", "e n"])
def test_languages_that_it_does_not(code):
    assert "is no ISO 639 code that the Hub knows" in language_problem(code)


def test_a_card_that_the_hub_takes():
    card = {
        "license": "other",
        "license_name": "mine",
        "language": ["en", "no"],
        "size_categories": ["1B<n<10B"],
        "annotations_creators": ["machine-generated", "expert-generated"],
        "source_datasets": ["original", "extended|org/name", "org/name", "squad"],
        "tags": ["anything"],
    }
    assert list(metadata_problems(card)) == []
    assert list(metadata_problems({})) == []
    assert list(metadata_problems({"license": ["mit", "apache-2.0"], "language": "en"})) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("license", "CC-BY-4.0"),
        ("license", ["mit", "mine"]),
        ("language", ["en", "english"]),
        ("language", "EN"),
        ("language", [False]),
        ("size_categories", ["n>1B"]),
        ("size_categories", "1000"),
        ("annotations_creators", ["people"]),
        ("source_datasets", ["seed tasks"]),
        ("source_datasets", ["extends|a"]),
    ],
)
def test_a_value_that_the_hub_refuses_is_named(key, value):
    (problem,) = metadata_problems({key: value})
    assert problem.startswith(f'"{key}" with value ')


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("license", "language", "size_categories", "annotations_creators", "source_datasets")


@given(st.dictionaries(st.sampled_from(KEYS), json_values))
def test_any_values_are_judged(data):
    assert all(len(problem) < 5000 for problem in metadata_problems(data))


def test_the_lists_are_the_hubs():
    assert {"apache-2.0", "other", "llama4", "openmdw-1.0"} <= LICENSES
    assert len(languages()) > 8000
    assert size_categories()[0] == "n<1K"
    assert "no-annotation" in annotators()
