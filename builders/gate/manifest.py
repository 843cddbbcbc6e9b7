"""A release's manifest, read from a folder that may be anybody's."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from builders.errors import BadInput
from builders.gate.settings import GateSettings


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Split(_Part):
    rows: int
    files: list[str]


class _Source(_Part):
    name: str
    licence: str
    rows: int
    kept: int


class _Recorded(_Part):
    name: str
    allowed: str | None = None


class _Redacted(_Part):
    by_kind: dict[str, int] = {}


class _Gate(_Part):
    settings: dict[str, Any] = {}
    checks: list[_Recorded] = []
    redacted: _Redacted | None = None


class _File(_Part):
    sha256: str


class _Manifest(_Part):
    """As far as the gate reads it."""

    configs: dict[str, dict[str, _Split]]
    files: dict[str, _File]
    sources: list[_Source]
    # Empty where the release was made without a gate.
    gate: Annotated[_Gate | None, BeforeValidator(lambda gate: gate or None)] = None


def read_release_manifest(release: Path) -> dict[str, Any]:
    """The manifest of the release in the folder; BadInput where there is none to be read."""
    path = release / "manifest.json"
    if not path.is_file():
        raise BadInput(f"{release}: not a release (it has no manifest.json)")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        checked = _Manifest.model_validate(manifest)
        if checked.gate:
            TypeAdapter(GateSettings).validate_python(checked.gate.settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "it"
        raise BadInput(f"{path}: not the manifest of a release ({key}: {first['msg']})") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON ({error})") from None
    return manifest
