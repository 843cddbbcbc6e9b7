"""What the gate is asked for: the values of a recipe's `gate:` block."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

Handling = Literal["refuse", "redact", "warn"]


@dataclass(frozen=True)
class GateSettings:
    """Thresholds and choices; docs/gate.md has a line on each.

    `secrets` and `personal_data`: refuse the release, redact its rows, or say it and go on.
    `phone_regions`: countries (ISO 3166) whose telephone numbers are known without their `+`.
    `evaluation`: FILE or FILE:FIELD, each a set of evaluation prompts; `benchmarks`: compare with
    those known ones that lie in this machine's Hugging Face cache as well.
    The shares are of kept rows; `warn_length_d` is Cohen's d. `min_agreement` is a share of pairs,
    `min_alpha` Krippendorff's; None asks for nothing.
    """

    secrets: Handling = "refuse"
    personal_data: Handling = "refuse"
    phone_regions: tuple[str, ...] = ("US",)
    evaluation: tuple[str, ...] = ()
    benchmarks: bool = True
    overlap: Literal["fail", "warn"] = "fail"
    max_duplicates: float = 0.0
    warn_near_duplicates: float = 0.05
    warn_length_d: float = 0.8
    warn_share_longer: float = 0.9
    min_agreement: float | None = None
    min_alpha: float | None = None
    min_verdicts: int | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any] | None) -> "GateSettings":
        """Of what a run's manifest recorded; what it lacks has its default."""
        known = {field.name for field in fields(cls)}
        return cls(
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in (values or {}).items()
                if key in known
            }
        )

    @classmethod
    def of_release(cls, values: Mapping[str, Any] | None) -> "GateSettings":
        """Of what a release recorded, which names the evaluation files and does not have them."""
        return replace(cls.of(values), evaluation=())

    @property
    def redacts(self) -> bool:
        """Whether rows are to be changed before anything is made of them."""
        return "redact" in (self.secrets, self.personal_data)

    def as_facts(self) -> dict[str, Any]:
        """The settings as a release publishes them: a path means nothing on another machine."""
        facts = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }
        return {**facts, "evaluation": [Path(name).name for name in self.evaluation]}
