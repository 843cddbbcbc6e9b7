"""docs/recipe.md is what the definitions of the keys say, and its example is a recipe."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import Field

from pipelines.recipe.block import Block
from pipelines.recipe.file import RECIPES_FOLDER, parse_recipe
from pipelines.recipe.recipe import RECIPES
from pipelines.recipe.reference import EXAMPLE, _section, recipe_reference

PAGE = Path(__file__).parents[3] / "docs" / "recipe.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == recipe_reference()


def test_the_example_is_a_recipe():
    assert EXAMPLE in recipe_reference()
    recipe = parse_recipe(yaml.safe_load(EXAMPLE), "example")
    assert [type(block).__name__ for block in recipe.instructions] == [
        "FileInstructions",
        "BuiltinInstructions",
    ]


def keys_of(value, prefix=""):
    """The keys of a recipe's own values, without indices."""
    if isinstance(value, list):
        for item in value:
            yield from keys_of(item)
    elif isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from keys_of(child)


@pytest.mark.parametrize("path", sorted(RECIPES_FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_every_key_of_the_shipped_recipes_is_on_the_page(path):
    page = recipe_reference()
    values = yaml.safe_load(path.read_text())
    assert path.name in page
    for key in keys_of(values):
        assert f"`{key}`" in page or key == "kind"


def test_every_link_leads_to_a_heading():
    page = recipe_reference()
    anchors = {
        re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))
        for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    }
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert len(links) > 5
    assert links <= anchors


def test_every_key_of_both_stages_has_a_row():
    rows = re.findall(r"^\| `(\w+)` \|", recipe_reference(), re.MULTILINE)
    for recipe in RECIPES.values():
        assert recipe.model_fields.keys() <= {*rows}
    assert {"min_margin", "training_sha256", "in_flight", "poll", "min_alpha"} <= {*rows}


def test_a_key_without_a_description_fails_and_bounds_and_defaults_are_shown():
    class Undescribed(Block):
        """A block."""

        key: int = 1

    with pytest.raises(ValueError, match="key: its field has no description"):
        _section("block", Undescribed)

    class Described(Block):
        """A block."""

        share: float | None = Field(default=None, gt=0, le=1, description="A share | a part.")

    assert "| `share` | number > 0, ≤ 1 or `null` | `null` | A share \\| a part. |" in _section(
        "block", Described
    )
