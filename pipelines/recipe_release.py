"""The recipe's blocks that say what becomes of a run's rows in its releases."""

from typing import Annotated, Literal

from pydantic import Field

from builders.gate.settings import GateSettings, Handling
from builders.release.verdicts import ReviewSettings
from pipelines.recipe_block import Block

# In no run's identity, and in every run's manifest.
OF_RELEASES = ("gate", "review")

_Share = Annotated[float, Field(ge=0, le=1)]
_Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class GateBlock(Block):
    """What a release of the run has to pass; see `builders.gate.settings.GateSettings`."""

    secrets: Handling = GateSettings.secrets
    personal_data: Handling = GateSettings.personal_data
    phone_regions: list[_Country] = Field(default_factory=lambda: [*GateSettings.phone_regions])
    # Files of evaluation prompts, FILE or FILE:FIELD, relative to the recipe.
    evaluation: list[str] = Field(default_factory=lambda: [*GateSettings.evaluation])
    benchmarks: bool = GateSettings.benchmarks
    overlap: Literal["fail", "warn"] = GateSettings.overlap
    max_duplicates: _Share = GateSettings.max_duplicates
    warn_near_duplicates: _Share = GateSettings.warn_near_duplicates
    warn_length_d: float = GateSettings.warn_length_d
    warn_share_longer: _Share = GateSettings.warn_share_longer
    min_agreement: _Share | None = GateSettings.min_agreement
    min_alpha: float | None = Field(default=GateSettings.min_alpha, ge=-1, le=1)
    min_verdicts: int | None = Field(default=GateSettings.min_verdicts, ge=1)


class ReviewBlock(Block):
    """What people's verdicts do; see `builders.release.verdicts.ReviewSettings`."""

    wrong: Literal["drop", "correct", "keep"] = ReviewSettings.wrong
