"""The blocks `execution:` and `budget:`: how a run is executed, and what it may cost."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.recipe.block import Block
from pipelines.recipe.models import AnyModel, OpenAIModel, Price


class LocalExecution(Block):
    """This process does the work, and sends each request when its row is ready."""

    kind: Literal["local"] = "local"


class BatchExecution(Block):
    """Requests to models of kind openai go through the endpoint's batch API: half the price, up
    to a day later."""

    kind: Literal["batch"]
    poll: float = Field(
        default=60.0, gt=0, description="Seconds between two looks at a batch, with `wait`."
    )
    wait: bool = Field(
        default=False,
        description=(
            "Keep the command running until the run is complete. By default it ends when a batch "
            "is submitted, and the same command picks up the results."
        ),
    )
    discount: float = Field(
        default=0.5, gt=0, le=1, description="What a batch costs, as a share of `price`."
    )


class RayExecution(Block):
    """Replicas on a Ray cluster call the models; ledger, store and budget stay in this process."""

    kind: Literal["ray"]
    address: str = Field(
        default="local",
        description=(
            "local starts a Ray on this machine; auto and HOST:PORT join the cluster that this "
            "machine is a node of."
        ),
    )
    replicas: int = Field(
        default=1, ge=1, le=1000, description="Replicas of each model that the recipe names."
    )

    @field_validator("address")
    @classmethod
    def _is_of_this_machine(cls, value: str) -> str:
        if value.startswith("ray://"):
            raise ValueError("a Ray client has no store: run the command on a node, with HOST:PORT")
        if not re.fullmatch(r"local|auto|[^\s/]+:\d{1,5}", value):
            raise ValueError("has to be local, auto or HOST:PORT")
        return value


AnyExecution = LocalExecution | BatchExecution | RayExecution
Execution = Annotated[AnyExecution, Field(discriminator="kind")]


def price_of(model: AnyModel, execution: AnyExecution) -> Price | None:
    """The price of a model's calls; those of a batch are cheaper."""
    price = model.price
    if price and isinstance(model, OpenAIModel) and isinstance(execution, BatchExecution):
        share = execution.discount
        return Price(input=price.input * share, output=price.output * share)
    return price


class BudgetLimit(Block):
    """What a run may spend at models of kind openai: either money or tokens. The run stops before
    it would exceed the limit, and the same command with a higher one continues it."""

    money: float | None = Field(
        default=None,
        gt=0,
        description="In the currency of the prices, which every openai model then needs.",
    )
    tokens: int | None = Field(default=None, gt=0, description="Input and output tokens together.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.money is None) == (self.tokens is None):
            raise ValueError("needs either money or tokens")
        return self


class ExecutionSettings(Block):
    """The keys of a recipe that concern only how the work is done, for work without a recipe."""

    execution: Execution = LocalExecution()
    budget: BudgetLimit | None = None
