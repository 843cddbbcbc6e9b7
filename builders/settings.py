"""What a recipe may ask for: of the filters, of the gate, and of people's reviews."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Handling = Literal["refuse", "redact", "warn"]
Share = Annotated[float, Field(ge=0, le=1)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Settings(BaseModel):
    """A block of the recipe. An unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def of(cls, recorded: Mapping[str, Any] | None) -> Self:
        """The settings that a manifest records.

        A missing key has its default, and a key of a later version is ignored.
        """
        return cls.model_validate(cls.known(recorded))

    @classmethod
    def known(cls, recorded: Any) -> Any:
        """`recorded` without the keys of later versions; what is no mapping stays as it is."""
        if not isinstance(recorded, Mapping):
            return {} if recorded is None else recorded
        return {key: value for key, value in recorded.items() if key in cls.model_fields}


class FilterSettings(Settings):
    """Which rows a run keeps: the paper's two rules (arXiv 2406.07168, section 3.2)."""

    min_margin: int = Field(
        default=0,
        description="How many points the refinement's independent score must be above the draft's.",
    )
    keep_no_change: bool = Field(
        default=False,
        description=(
            "Keep rows whose critic found nothing to change. They teach a model to leave a good "
            "answer alone; the paper drops them."
        ),
    )
    keep_truncated_drafts: bool = Field(
        default=False,
        description=(
            "Keep drafts that reached the token limit. Training on them teaches a model to stop "
            "in the middle."
        ),
    )
    scorers_agree: bool = Field(
        default=False,
        description=(
            "With several scorers, drop a row if another one does not give the higher score to the "
            "same answer as the first, or scores them equal where the first does not."
        ),
    )


class PairFilterSettings(FilterSettings):
    """Which rows become preference pairs: the refinement must differ from the draft, and win."""

    min_margin: int = Field(
        default=1,
        ge=1,
        description="How many points the refinement's independent score must be above the draft's.",
    )
    keep_no_change: Literal[False] = Field(
        default=False, description="Always false: two equal answers are no pair."
    )


class GateSettings(Settings):
    """What a release has to pass. docs/gate.md describes each check."""

    secrets: Handling = Field(
        default="refuse",
        description=(
            "What happens when a row contains a key or a token: refuse the release, redact the "
            "text, or warn."
        ),
    )
    personal_data: Handling = Field(
        default="refuse",
        description=(
            "What happens when a row contains personal data: refuse the release, redact the text, "
            "or warn."
        ),
    )
    phone_regions: tuple[Country, ...] = Field(
        default=("US",),
        description="Countries (ISO 3166) whose phone numbers are recognized without their +.",
    )
    evaluation: tuple[str, ...] = Field(
        default=(),
        description=(
            "Files of evaluation prompts that no kept row may repeat, as FILE or FILE:FIELD, "
            "relative to the recipe."
        ),
    )
    benchmarks: bool = Field(
        default=True,
        description=(
            "Also compare with the known benchmarks that are in this machine's Hugging Face cache."
        ),
    )
    overlap: Literal["fail", "warn"] = Field(
        default="fail", description="What an overlap with an evaluation set leads to."
    )
    foreign_text: Literal["fail", "warn"] = Field(
        default="fail",
        description=(
            "What it leads to if a kept row's answers or critique have a chat template's token, a "
            "model's thinking, a turn that nobody asked for or text that speaks to the critic."
        ),
    )
    max_duplicates: Share = Field(
        default=0.0,
        description="Share of kept rows that may repeat the instruction of another kept row.",
    )
    warn_near_duplicates: Share = Field(
        default=0.05,
        description="Share of kept rows with a near-duplicate instruction above which to warn.",
    )
    warn_length_d: float = Field(
        default=0.8,
        description="Cohen's d of refinement length over draft length above which to warn.",
    )
    warn_share_longer: Share = Field(
        default=0.9,
        description="Share of kept rows with a longer refinement above which to warn.",
    )
    min_agreement: Share | None = Field(
        default=None,
        description="The least agreement of the model with people, as a share of pairs.",
    )
    min_balanced: Share | None = Field(
        default=None,
        description=(
            "The least balanced agreement: the mean of the model's agreement with the people who "
            "chose the refinement and with those who chose the draft. A rule without judgment has "
            "0.5."
        ),
    )
    min_over_always_refinement: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description=(
            'How much more often the model has to agree with people than the rule "the refinement '
            'is always better" does, as a difference of shares: 0.05 is 5 points.'
        ),
    )
    min_alpha: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description="The least agreement between people, as Krippendorff's alpha.",
    )
    min_verdicts: int | None = Field(
        default=None,
        ge=1,
        description="The least number of verdicts that count for the model against people.",
    )

    audit_margin: Share = Field(
        default=0.05,
        gt=0,
        description="The fall of agreement with people that an audit has to exclude, as a share.",
    )
    audit_alpha: Share = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        description="How likely a fall may be reported by mistake.",
    )
    min_audit_agreement: Share | None = Field(
        default=None,
        description="The least agreement of an audited model with people, as a share of pairs.",
    )
    max_unreadable: Share = Field(
        default=0.05,
        description="Share of an audited model's scores that may be unreadable.",
    )

    @property
    def redacts(self) -> bool:
        """Whether rows are changed before anything is made of them."""
        return "redact" in (self.secrets, self.personal_data)

    def published(self) -> Self:
        """The settings as a release publishes them: a path means nothing on another machine."""
        names = tuple(Path(name).name for name in self.evaluation)
        return self.model_copy(update={"evaluation": names})


class ReviewSettings(Settings):
    """What a release does with people's verdicts."""

    wrong: Literal["drop", "correct", "keep"] = Field(
        default="drop",
        description=(
            "What happens to a row that people found wrong: drop it, put a person's correction in "
            "its place (and drop it where there is none), or keep it."
        ),
    )
    wrong_votes: int | None = Field(
        default=None,
        ge=1,
        description=(
            "How many people must say that a row is wrong, besides being more than half of those "
            "asked about it. By default 2 if several people check each row, and 1 otherwise."
        ),
    )
    people: Literal["experts", "crowd"] | None = Field(
        default=None,
        description=(
            "Who the annotators are, for the card's `annotations_creators`; the Hub's word is "
            "`other` if this is not said."
        ),
    )

    def votes_needed(self, overlaps: Iterable[int]) -> int:
        """`wrong_votes`, or its default for reviews in which so many people check each row."""
        return self.wrong_votes or (2 if max(overlaps, default=1) >= 2 else 1)
