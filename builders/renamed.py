"""Names of version 1 that have changed since, by their old spelling.

A user may still write them, and folders made by version 1 contain them. The columns of rows are
not here: `builders.rows` reads rows of schema 1.x.
"""

# Keys of a recipe and of the blocks under its `instructions:`.
RECIPE_KEYS = {"licence": "license"}
# Values of a recipe, by the key that has them.
RECIPE_VALUES = {"scores": {"review": "critique"}}
# Checks of the gate.
CHECKS = {"licences": "licenses"}
