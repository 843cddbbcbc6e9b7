"""The license that a checkpoint takes over from its base model's card."""

import pytest

from train.checkpoint import license_of


@pytest.mark.parametrize(
    ("card", "found"),
    [
        ("---\nlicense: llama3.1\n---\n# A model\n", {"license": "llama3.1"}),
        (
            "---\nlicense: other\nlicense_name: mine\nlicense_link: TERMS.md\n---\n",
            {"license": "other", "license_name": "mine", "license_link": "TERMS.md"},
        ),
        ("---\nlicense: [mit, gpl]\n---\n", {}),
        ("---\nlicense: {\n---\n", {}),
        ("# No front matter\n", {}),
        (None, {}),
    ],
    ids=["the Hub's", "its own", "several", "broken", "none", "no card"],
)
def test_a_folder_says_it_on_its_card(tmp_path, card, found):
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert license_of(str(tmp_path)) == found


def test_names_on_the_hub():
    assert license_of("HuggingFaceTB/SmolLM2-135M-Instruct") == {"license": "apache-2.0"}
    for name in ("no-org/of-this-name-anywhere", "not a name", "a/b/c"):
        assert license_of(name) == {}
