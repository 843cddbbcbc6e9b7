"""A release's manifest: what `srt release` writes last, and everybody reads first."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import from_json

from builders.errors import BadInput, first_problem
from builders.files.atomic import write_json
from builders.files.folder import check_no_pointer, check_regular, files_in
from builders.files.hashes import sha256_of_files
from builders.rows.older import upgraded_manifest
from builders.settings import GateSettings

FILE = "manifest.json"
# Keys that are left out of the file where they are None or empty.
_OPTIONAL = (
    *("criteria", "review", "reserved", "audits", "evaluations"),
    *("license_name", "license_link", "parent_name"),
)

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class Recorded(BaseModel):
    """A block of a manifest. Keys of later versions are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)


class ReleasedFile(Recorded):
    sha256: Sha256
    bytes: Count


class ReleasedSplit(Recorded):
    rows: Count
    files: list[str]


class ReleasedSource(Recorded):
    name: str
    license: str
    rows: Count
    kept: Count


class ReleasedRun(Recorded):
    name: str
    rows: Count
    kept: Count
    recipe_sha256: str | None = None
    seed: int | None = None
    filters: dict[str, Any] = {}


class ReleasedModel(Recorded):
    """The model of one step and how it was called; `template` is the SHA-256 of its prompt."""

    step: str
    model: str
    endpoint: str
    template: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_new_tokens: int | None = None


class Check(Recorded):
    """What one check of the gate found.

    `sentence` states the figures, `rows` has the ids of the first rows concerned, and `allowed` the
    reason for which a failure is accepted.
    """

    name: str
    status: Literal["pass", "warn", "fail"]
    sentence: str
    figures: dict[str, Any] = {}
    rows: tuple[str, ...] = ()
    allowed: str | None = None


class Redacted(Recorded):
    """How many rows were redacted, and how many findings of each kind."""

    rows: Count = 0
    by_kind: dict[str, Count] = {}


class GateRecord(Recorded):
    settings: Annotated[GateSettings, BeforeValidator(GateSettings.known)] = GateSettings()
    checks: list[Check] = []
    redacted: Redacted | None = None


class Manifest(Recorded):
    """Where a release came from, what is in it, and the hash of every file but its own.

    `recipe_sha256` and `seed` are None if the runs differ in them. `criteria` has what the recipes
    say about good answers, if they do. `moved_instructions` and
    `near_instructions` count instructions that are not in the split of their hash. `funnel` has the
    counts of `builders.ledger.funnel`, `reserved` the frozen sets whose instructions are kept out
    of training, `audits` what audits found, `evaluations` the win rates of its checkpoints,
    `review` the figures on people's verdicts, and `gate` the checks; these are None if there are
    none.
    """

    name: str
    version: str
    schema_version: str
    stage: Literal[1, 2]
    license: str
    # For `license: other`, and left out with any other.
    license_name: str | None = None
    license_link: str | None = None
    language: list[str]
    about: str | None = None
    criteria: list[str] = []
    # If it is another than this release's.
    parent_name: str | None = None
    parent_version: str | None = None
    parent_manifest_sha256: Sha256 | None = None
    recipe_sha256: str | None = None
    seed: int | None = None
    test_share: float | None = None
    moved_instructions: Count = 0
    near_instructions: Count = 0
    runs: list[ReleasedRun] = []
    models: list[ReleasedModel] = []
    checkpoints: list[dict[str, Any]] = []
    filters: dict[str, Any] = {}
    sources: list[ReleasedSource] = []
    funnel: dict[str, Any] = {}
    statistics: dict[str, Any] = {}
    reserved: dict[str, Any] | None = None
    audits: list[dict[str, Any]] | None = None
    evaluations: list[dict[str, Any]] | None = None
    limits: dict[str, bool] = {}
    review: dict[str, Any] | None = None
    # An empty block is what a release without checks once recorded.
    gate: Annotated[GateRecord | None, BeforeValidator(lambda gate: gate or None)] = None
    configs: dict[str, dict[str, ReleasedSplit]]
    files: dict[str, ReleasedFile]
    created_by: dict[str, str] = {}

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest states, as JSON; with the keys of later versions."""
        return self.model_dump(mode="json", exclude_unset=True)

    @property
    def terms(self) -> str:
        """The license's name: that of the Hub, or the release's own for `other`."""
        return self.license_name or self.license

    @property
    def tag(self) -> str:
        return f"v{self.version}"


def parse_manifest(content: bytes, where: str) -> Manifest:
    """The manifest that a file has, which is at `where`; BadInput if it is damaged."""
    try:
        return Manifest.model_validate(upgraded_manifest(from_json(content, allow_inf_nan=False)))
    except ValidationError as error:
        raise BadInput(f"{where}: not a release's manifest ({first_problem(error)})") from None
    except ValueError as error:
        raise BadInput(f"{where}: not a release's manifest (not JSON: {error})") from None


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the release in `folder`.

    BadInput if it is missing or damaged, or if a file that it names is something else than a file,
    or a pointer of Git LFS.
    """
    path = folder / FILE
    check_regular(path)
    check_no_pointer(path)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(f"{folder}: not a release (it has no {FILE})") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    manifest = parse_manifest(content, str(path))
    for name, file in manifest.files.items():
        check_regular(folder / name)
        if file.bytes != _size(folder / name):
            check_no_pointer(folder / name)
    return manifest


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of the release in `folder`, with the hash of every file that it has."""
    paths = [path for _, path in files_in(folder)]
    files = {
        name: ReleasedFile(sha256=digest, bytes=(folder / name).stat().st_size)
        for name, digest in sha256_of_files(paths, folder).items()
    }
    whole = manifest.model_copy(update={"files": files})
    write_json(folder / FILE, whole.model_dump(mode="json", exclude=_absent(whole)))


def _absent(manifest: Manifest) -> set[str]:
    """The optional keys that say nothing here."""
    return {name for name in _OPTIONAL if getattr(manifest, name) in (None, [])}
