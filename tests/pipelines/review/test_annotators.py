"""The YAML file of people: what it may say."""

import pytest

from builders.errors import BadInput
from pipelines.review.annotators import AnnotatorList, check_workspace_name, read_annotators


def written(tmp_path, text):
    path = tmp_path / "people.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def test_names_and_a_workspace(tmp_path):
    path = written(tmp_path, "workspace: team-1\nannotators: [ann, Bén 漢, '1']\n")
    assert read_annotators(path) == AnnotatorList(
        workspace="team-1", annotators=["ann", "Bén 漢", "1"]
    )
    assert read_annotators(written(tmp_path, "annotators: []")) == AnnotatorList(annotators=[])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file: Input should be a valid dictionary"),
        ("- ann", "the file: Input should be"),
        ("annotators: [ann\n", "not YAML"),
        ("\udcff", "not UTF-8"),
        ("workspace: w", "annotators: Field required"),
        ("annotators: ann", "annotators: Input should be a valid list"),
        ("annotators: [yes]", r"annotators.0: Input should be a valid string"),
        ("annotators: [a]\nreviewers: [b]", "reviewers: Extra inputs .*; the keys are workspace"),
        ("annotators: [a, b, a]", r"annotators.2: 'a' is listed twice"),
        ("annotators: ['']", "annotators.0: '' cannot be a user name"),
        ('annotators: ["a\\nb"]', "annotators.0: .* cannot be a user name"),
        ("annotators: [' a']", "annotators.0: ' a' cannot be a user name"),
        (
            "workspace: a b\nannotators: [a]",
            "workspace: 'a b' cannot be a workspace's name, which has letters",
        ),
    ],
)
def test_anything_else_is_one_clear_line(tmp_path, text, message):
    with pytest.raises(BadInput, match=message) as error:
        read_annotators(written(tmp_path, text))
    assert str(error.value).startswith(str(tmp_path / "people.yaml"))
    assert "\n" not in str(error.value)


def test_no_file_says_so(tmp_path):
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_annotators(tmp_path / "nobody.yaml")


@pytest.mark.parametrize("name", ["", "a/b", "é", "a.b"])
def test_a_workspaces_name_is_plain(name):
    with pytest.raises(BadInput, match="--workspace: "):
        check_workspace_name(name, "--workspace")
