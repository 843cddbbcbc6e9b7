"""The base of every mapping in a recipe."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """A mapping in a recipe. An unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
