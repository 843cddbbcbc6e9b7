"""A release's manifest, read from a folder that may be anybody's."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from builders.errors import BadInput
from builders.gate.settings import GateSettings

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class ReleasedFile(BaseModel):
    sha256: Sha256
    bytes: Count


class ReleasedSplit(BaseModel):
    rows: Count
    files: list[str]


class ReleasedSource(BaseModel):
    name: str
    licence: str
    rows: Count
    kept: Count


class GateResult(BaseModel):
    """What one check of the gate said when the release was made; `allowed` is a reason."""

    name: str
    status: str
    sentence: str
    allowed: str | None = None


class Redacted(BaseModel):
    by_kind: dict[str, Count] = {}


class GateRecord(BaseModel):
    settings: dict[str, Any] = {}
    checks: list[GateResult] = []
    redacted: Redacted | None = None

    @field_validator("settings")
    @classmethod
    def _are_settings(cls, values: dict[str, Any]) -> dict[str, Any]:
        TypeAdapter(GateSettings).validate_python(values)
        return values


class Manifest(BaseModel):
    """What is read of a manifest again; `facts` is the whole of it, as it stands there."""

    name: str
    version: str
    stage: Literal[1, 2]
    licence: str
    language: list[str]
    files: dict[str, ReleasedFile]
    configs: dict[str, dict[str, ReleasedSplit]]
    sources: list[ReleasedSource] = []
    # Empty where the release was made without a gate.
    gate: Annotated[GateRecord | None, BeforeValidator(lambda gate: gate or None)] = None
    _facts: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        return self._facts

    @property
    def tag(self) -> str:
        return f"v{self.version}"


def read_manifest(folder: Path) -> Manifest:
    """The manifest in `folder`; BadInput where there is none or it is not a release's."""
    path = folder / "manifest.json"
    try:
        text = path.read_bytes()
        manifest = Manifest.model_validate_json(text)
        manifest._facts = json.loads(text)
    except FileNotFoundError:
        raise BadInput(f"{folder}: not a release (it has no manifest.json)") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadInput(f"{path}: not a release's manifest ({where}: {first['msg']})") from None
    return manifest
