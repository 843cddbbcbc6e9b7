"""The YAML file of people: what it may say."""

import pytest

from builders.errors import BadInput
from pipelines.review.people import People, check_workspace, read_people


def written(tmp_path, text):
    path = tmp_path / "people.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def test_names_and_a_workspace(tmp_path):
    path = written(tmp_path, "workspace: team-1\nannotators: [ann, Bén 漢, '1']\n")
    assert read_people(path) == People("team-1", ("ann", "Bén 漢", "1"))
    assert read_people(written(tmp_path, "annotators: []")) == People(None, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file: Input should be a valid dictionary"),
        ("- ann", "the file: Input should be"),
        ("annotators: [ann\n", "not YAML"),
        ("\udcff", "not UTF-8"),
        ("workspace: w", "annotators: Field required"),
        ("annotators: ann", "annotators: Input should be a valid list"),
        ("annotators: [yes]", r"annotators.0: Input should be a valid string"),
        ("annotators: [a]\nreviewers: [b]", "reviewers: Extra inputs .*; its keys are workspace"),
        ("annotators: [a, b, a]", r"annotators.2: 'a' is there twice"),
        ("annotators: ['']", "annotators.0: '' is no name to sign in with"),
        ('annotators: ["a\\nb"]', "annotators.0: .* is no name to sign in with"),
        ("annotators: [' a']", "annotators.0: ' a' is no name"),
        ("workspace: a b\nannotators: [a]", "workspace: a workspace is named with letters"),
    ],
)
def test_anything_else_is_one_clear_line(tmp_path, text, said):
    with pytest.raises(BadInput, match=said) as error:
        read_people(written(tmp_path, text))
    assert str(error.value).startswith(str(tmp_path / "people.yaml"))
    assert "\n" not in str(error.value)


def test_no_file_says_so(tmp_path):
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_people(tmp_path / "nobody.yaml")


@pytest.mark.parametrize("name", ["", "a/b", "é", "a.b"])
def test_a_workspaces_name_is_plain(name):
    with pytest.raises(BadInput, match="--workspace: "):
        check_workspace(name, "--workspace")
