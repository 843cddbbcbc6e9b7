"""A consumer's check of a release on the Hub: downloaded by SHA, and held against its manifest."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

from builders.errors import BadInput
from builders.gate.gate import recheck
from builders.release.manifest import GateResult, Manifest, read_manifest
from pipelines.hub.client import check_repo, hub_errors
from pipelines.hub.package import hashed
from pipelines.hub.snapshot import download, wrong_configs, wrong_files
from pipelines.hub.tags import version_of

_RELEASE = re.compile(r"([^@]+)@(v[^@]+)")


@dataclass(frozen=True)
class Finding:
    """One thing that was held against the manifest; `wrong` names what does not hold."""

    name: str
    holds: str
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verified:
    repo: str
    tag: str
    commit: str
    manifest: Manifest
    findings: tuple[Finding, ...]

    @property
    def gate(self) -> list[GateResult]:
        """What the manifest records of the gate; the finding of that name has run it again."""
        return self.manifest.gate.checks if self.manifest.gate else []

    @property
    def wrong(self) -> list[str]:
        return [sentence for finding in self.findings for sentence in finding.wrong]

    def facts(self) -> dict[str, Any]:
        return {
            "repo": self.repo,
            "tag": self.tag,
            "commit": self.commit,
            "holds": not self.wrong,
            "findings": [
                {"name": finding.name, "holds": not finding.wrong, "wrong": list(finding.wrong)}
                for finding in self.findings
            ],
            "gate": [result.model_dump() for result in self.gate],
        }


def read_address(text: str) -> tuple[str, str]:
    """The repository and the tag of `ORG/NAME@vX.Y.Z`; BadInput where it is not that."""
    found = _RELEASE.fullmatch(text)
    if found is None or version_of(found[2]) is None:
        raise BadInput(f"{text!r} is not ORG/NAME@vX.Y.Z")
    return check_repo(found[1]), found[2]


def verify(api: HfApi, repo: str, tag: str, folder: Path | None = None) -> Verified:
    """Download the release that `tag` is on into `folder`, or a passing one, and look at it.

    BadInput where there is no such release, RunFailed where the Hub cannot be reached.
    """
    with tempfile.TemporaryDirectory(prefix="srt-verify-") as name:
        with hub_errors(api, repo):
            commit = api.dataset_info(repo, revision=tag).sha
            snapshot = download(api, repo, "dataset", commit, folder or Path(name) / "files")
        manifest = read_manifest(snapshot)
        findings = [*_findings(snapshot, tag, manifest, Path(name) / "cache")]
        if not any(finding.wrong for finding in findings):
            findings.append(_gate(snapshot))
    return Verified(repo, tag, commit, manifest, tuple(findings))


def _findings(snapshot: Path, tag: str, manifest: Manifest, cache: Path) -> Iterator[Finding]:
    named = f"the manifest is of version {manifest.version}, and the tag is {tag}"
    yield Finding("version", manifest.tag, () if manifest.tag == tag else (named,))
    hashes = {name: file.sha256 for name, file in manifest.files.items()}
    # It cannot hold its own.
    hashes["manifest.json"] = hashed(snapshot / "manifest.json").sha256
    size = sum(file.bytes for file in manifest.files.values())
    yield Finding(
        "files",
        f"{len(hashes)} files, {size / 1e6:,.1f} MB, with the manifest's hashes and no others",
        tuple(wrong_files(snapshot, hashes)),
    )
    rows = sum(split.rows for splits in manifest.configs.values() for split in splits.values())
    yield Finding(
        "configs",
        f"{len(manifest.configs)} configs, {rows:,} rows, as the card and the manifest say",
        tuple(wrong_configs(snapshot, manifest.configs, cache)),
    )


def _gate(snapshot: Path) -> Finding:
    """The gate, run again here; a failure that the manifest gives a reason for may stand."""
    failed = [
        check
        for check in recheck(snapshot).checks
        if check.status == "fail" and check.allowed is None
    ]
    return Finding(
        "gate",
        "every check was run again here, and none failed that was not allowed",
        tuple(f"{check.name}: {check.sentence}" for check in failed),
    )
