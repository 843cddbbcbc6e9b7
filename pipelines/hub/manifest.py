"""A release's manifest as the Hub's side reads it: text of a stranger until it has been checked."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from builders.errors import BadInput

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]

_TAG = re.compile(r"v(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})", re.ASCII)


class ReleasedFile(BaseModel):
    sha256: Sha256
    bytes: Count


class ReleasedSplit(BaseModel):
    rows: Count
    files: list[str]


class GateResult(BaseModel):
    """What one check of the gate said when the release was made."""

    name: str
    status: str
    sentence: str


class GateRecord(BaseModel):
    checks: list[GateResult] = []


class Manifest(BaseModel):
    """The keys that publishing and verifying read; a manifest has others."""

    name: str
    version: str
    files: dict[str, ReleasedFile]
    configs: dict[str, dict[str, ReleasedSplit]]
    gate: GateRecord | None = None

    @property
    def tag(self) -> str:
        return f"v{self.version}"


def read_manifest(folder: Path) -> Manifest:
    """The manifest in `folder`; BadInput where there is none or it is not a release's."""
    path = folder / "manifest.json"
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise BadInput(f"{folder}: not a release (it has no manifest.json)") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadInput(f"{path}: not a release's manifest ({where}: {first['msg']})") from None


def version_of(tag: str) -> tuple[int, int, int] | None:
    """(X, Y, Z) of `vX.Y.Z`; None for any other tag."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return None
    major, minor, patch = map(int, found.groups())
    return major, minor, patch
