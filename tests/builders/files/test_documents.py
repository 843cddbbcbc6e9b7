import pytest

from builders.errors import BadInput
from builders.files.documents import read_json, read_yaml


@pytest.mark.parametrize("read", [read_json, read_yaml])
@pytest.mark.parametrize("content", [b"{", b"[1]", b"3", b"\xff\xfe{}", b"{]: *a", None])
def test_a_damaged_file_is_named_in_one_line(tmp_path, read, content):
    path = tmp_path / "training.json"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"training\.json: ") as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_a_whole_file_is_read(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text('{"name": "it"}')
    assert read_json(path) == read_yaml(path) == {"name": "it"}
    path.write_text("")
    assert read_yaml(path) == {}
