"""A consumer's check of a release on the Hub: downloaded by SHA, compared with its manifest."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

from builders.errors import BadInput, GateRefused
from builders.files.scratch import scratch_folder
from builders.gate.gate import recheck
from builders.manifest import FILE as MANIFEST
from builders.manifest import Check, Manifest, parse_manifest
from builders.versions import version_of_tag
from builders.wording import counted
from pipelines.hub.client import check_repo, connect
from pipelines.hub.errors import hub_errors
from pipelines.hub.foreign import foreign_in, in_the_way
from pipelines.hub.package import hashed
from pipelines.hub.remote import file_at, files_at, withdrawal_of
from pipelines.hub.snapshot import download, loaded_beside, wrong_configs, wrong_files

_RELEASE = re.compile(r"([^@]+)@(v[^@]+)")


@dataclass(frozen=True)
class VerifyFinding:
    """One comparison with the manifest. `holds` is what is true if `wrong` is empty."""

    name: str
    holds: str
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verified:
    repo: str
    tag: str
    commit: str
    manifest: Manifest
    findings: tuple[VerifyFinding, ...]
    # Files in the repository that are not of the release.
    foreign: tuple[str, ...] = ()

    @property
    def gate(self) -> list[Check]:
        """The results of the gate in the manifest; the finding `gate` ran it again."""
        return self.manifest.gate.checks if self.manifest.gate else []

    @property
    def release(self) -> str:
        return f"{self.repo}@{self.tag}"

    def refuse(self) -> None:
        """Raise GateRefused where something does not hold."""
        if names := [finding.name for finding in self.findings if finding.wrong]:
            raise GateRefused(f"{self.release} does not hold: {', '.join(names)}")

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
            "foreign": list(self.foreign),
            "gate": [result.model_dump(mode="json") for result in self.gate],
        }


def read_address(text: str) -> tuple[str, str]:
    """The repository and the tag of `ORG/NAME@vX.Y.Z`; BadInput for any other text."""
    match = _RELEASE.fullmatch(text)
    if match is None or version_of_tag(match[2]) is None:
        raise BadInput(f"{text!r} is not ORG/NAME@vX.Y.Z")
    return check_repo(match[1]), match[2]


def verify(release: str, folder: Path | None = None, *, api: HfApi | None = None) -> Verified:
    """Download the release ORG/NAME@vX.Y.Z and compare every file and row with its manifest.

    Other files in the repository are not downloaded; what does not hold of them is that they would
    be read as part of the release.

    The files are kept in `folder`, a new or an empty one, if it is given. `api` defaults to the
    Hub at HF_ENDPOINT. What does not hold is in the result; BadInput where there is no such
    release, RunFailed where the Hub cannot be reached.
    """
    repo, tag = read_address(release)
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"--dir: {folder} is not an empty folder")
    api = api or connect()
    with scratch_folder("verify") as scratch:
        with hub_errors(api, repo):
            commit = api.dataset_info(repo, revision=tag).sha
            kept = folder or scratch / "files"
            there = files_at(api, repo, "dataset", commit)
            manifest = _manifest_at(api, repo, commit, tag)
            withdrawal = withdrawal_of(api, repo, tag.removeprefix("v"))
            foreign = foreign_in(there, {*manifest.files, MANIFEST})
            snapshot = download(api, repo, "dataset", commit, kept, foreign)
        findings = [*_findings(repo, snapshot, tag, manifest, foreign, scratch)]
        if not any(finding.wrong for finding in findings):
            findings.append(_gate(snapshot))
        if withdrawal is not None:
            why = f"withdrawn on {withdrawal.date}: {withdrawal.reason}"
            findings.append(VerifyFinding("withdrawn", "", (why,)))
    return Verified(repo, tag, commit, manifest, tuple(findings), tuple(sorted(foreign)))


def _manifest_at(api: HfApi, repo: str, commit: str, tag: str) -> Manifest:
    content = file_at(api, repo, "dataset", commit, MANIFEST)
    if content is None:
        raise BadInput(f"{repo}@{tag}: not a release (it has no {MANIFEST})")
    return parse_manifest(content, f"{MANIFEST} of {repo}@{tag}")


def _findings(
    repo: str,
    snapshot: Path,
    tag: str,
    manifest: Manifest,
    foreign: Collection[str],
    scratch: Path,
) -> Iterator[VerifyFinding]:
    other = f"the manifest is of version {manifest.version}, and the tag is {tag}"
    yield VerifyFinding("version", manifest.tag, () if manifest.tag == tag else (other,))
    hashes = {name: file.sha256 for name, file in manifest.files.items()}
    # It cannot contain its own hash.
    hashes[MANIFEST] = hashed(snapshot / MANIFEST).sha256
    size = sum(file.bytes for file in manifest.files.values())
    beside = f"; {counted(len(foreign), 'other file')} in the repository" if foreign else ""
    wrong = [*wrong_files(snapshot, hashes)]
    wrong += in_the_way(hashes, manifest.configs, repo, foreign)
    yield VerifyFinding(
        "files",
        f"{counted(len(hashes), 'file')}, {size / 1e6:,.1f} MB, with the manifest's hashes{beside}",
        tuple(wrong),
    )
    rows = sum(split.rows for splits in manifest.configs.values() for split in splits.values())
    configs = list(wrong_configs(snapshot, manifest.configs, scratch / "cache"))
    if not configs:
        configs = list(loaded_beside(snapshot, foreign, scratch / "listing"))
    yield VerifyFinding(
        "configs",
        f"{counted(len(manifest.configs), 'config')}, {counted(rows, 'row')}, as on the card and "
        "in the manifest",
        tuple(configs),
    )


def _gate(snapshot: Path) -> VerifyFinding:
    """The gate, run again here. Failures that the manifest allows with a reason are not wrong."""
    failed = [
        check
        for check in recheck(snapshot).checks
        if check.status == "fail" and check.allowed is None
    ]
    return VerifyFinding(
        "gate",
        "every check ran again, and none failed that is not allowed",
        tuple(f"{check.name}: {check.sentence}" for check in failed),
    )
