"""What every mapping of a recipe has in common."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """A mapping of the recipe; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
