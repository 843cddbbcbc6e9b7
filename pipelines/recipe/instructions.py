"""The blocks under `instructions:`: where the instructions of a run come from."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from pipelines.recipe.block import Block

_Limit = Annotated[
    int | None, Field(ge=1, description="Use only the first rows, this many; null uses all.")
]
_License = Annotated[
    str, Field(description="License of the data, as the Hub spells it; it is on every row.")
]


def _several_only_where_joined(columns: dict[str, Any]) -> dict[str, Any]:
    for part, column in columns.items():
        if isinstance(column, list) and part not in ("input", "system"):
            raise ValueError(f"{part} is one column; only input and system can be several")
    return columns


_Part = Literal["instruction", "input", "system", "draft", "history", "criteria"]
_Columns = Annotated[
    dict[_Part, str | list[str]],
    AfterValidator(_several_only_where_joined),
    Field(
        description=(
            "The file's columns (dots lead into nested values). `instruction` is a text or a "
            "conversation that ends with one; `input`, a column or a list of them, is appended to "
            "it; `history` is a list of the turns before it, and `criteria` says what a good "
            "answer has to do. Without `instruction`, the usual names and shapes are recognized: "
            "[building.md](building.md) has them."
        ),
    ),
]
_Ignore = Annotated[
    list[str],
    Field(
        description=(
            "Columns that are no part of the task. Any other column with text that is not read "
            "ends the run before anything is generated."
        )
    ),
]
_BadRows = Annotated[
    Literal["fail", "drop"],
    Field(
        description="What an unusable row leads to: end the run, or drop the row with the reason."
    ),
]


class BuiltinInstructions(Block):
    """The instructions that come with this package."""

    builtin: Literal["stage1", "stage2"] = Field(
        description="Which half to use. The halves share no instruction."
    )
    languages: list[str] | None = Field(
        default=None, description="Use only these languages (ISO 639 codes); null uses all."
    )
    limit: _Limit = None


class FileInstructions(Block):
    """A file of JSON, CSV or parquet, compressed or not, or a folder from `save_to_disk`."""

    path: Path = Field(description="The file or folder, relative to the recipe.")
    license: _License
    name: str | None = Field(
        default=None, description="The name of the source on rows and cards; null: the file's name."
    )
    sha256: str | None = Field(
        default=None,
        description=(
            "SHA-256 of the file, filled in when the recipe is read. If given, the file must "
            "match it."
        ),
    )
    columns: _Columns = Field(default_factory=dict)
    ignore: _Ignore = Field(default_factory=list)
    bad_rows: _BadRows = "fail"
    limit: _Limit = None


class HubInstructions(Block):
    """The data files of a dataset on the Hub, at a fixed revision."""

    hub: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="The dataset, as ORG/NAME.")
    revision: str = Field(description="A tag, branch or commit. It is resolved to a commit.")
    license: _License
    files: str = Field(default="**", description="Pattern of the data files to read.")
    columns: _Columns = Field(default_factory=dict)
    ignore: _Ignore = Field(default_factory=list)
    bad_rows: _BadRows = "fail"
    limit: _Limit = None


class VerifiableInstructions(Block):
    """Generated problems whose right answer can be computed."""

    verifiable: int = Field(ge=1, description="How many problems to generate.")
    seed: int = Field(default=0, description="Another seed gives other problems.")
    families: list[str] | None = Field(
        default=None, description="Use only these families of problems; null uses all."
    )
    split: Literal["train", "test"] = Field(
        default="train", description="Problems of the two splits are disjoint."
    )


class RefinementInstructions(Block):
    """The kept rows of a complete run, with their refinements as drafts."""

    refinements: Path = Field(description="The run folder, relative to the working directory.")


SOURCES = {
    "builtin": BuiltinInstructions,
    "path": FileInstructions,
    "hub": HubInstructions,
    "verifiable": VerifiableInstructions,
    "refinements": RefinementInstructions,
}


def _source_key(value: Any) -> str | None:
    """The key that says which kind of source a mapping describes."""
    has = value.__contains__ if isinstance(value, dict) else lambda key: hasattr(value, key)
    return next((key for key in SOURCES if has(key)), None)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


AnySource = Annotated[
    Annotated[BuiltinInstructions, Tag("builtin")]
    | Annotated[FileInstructions, Tag("path")]
    | Annotated[HubInstructions, Tag("hub")]
    | Annotated[VerifiableInstructions, Tag("verifiable")]
    | Annotated[RefinementInstructions, Tag("refinements")],
    Discriminator(
        _source_key,
        custom_error_type="source",
        custom_error_message=f"needs one of the keys {', '.join(SOURCES)}",
    ),
]
# A single source may be written without the list.
Instructions = Annotated[list[AnySource], BeforeValidator(_as_list), Field(min_length=1)]
