"""A Hub of its own for the tests of a process, releases to publish, and a look at what is there."""

import os
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import file_download
from huggingface_hub.utils import _http

from builders.release.make import release_runs
from pipelines.hub.client import connect
from pipelines.hub.package import addressed, read_package
from pipelines.hub.publish import RepositorySettings, plan_publishing, publish
from tests.ledger_rows import kept_rows, make_run
from tests.pipelines.hub.proxy import Proxy
from tests.running_hub import running_hub

ROOT = Path(__file__).parents[3]
_numbers = count()


class Watcher:
    """An observer that keeps what it is told."""

    def __init__(self):
        self.stages, self.bytes = [], {}

    def stage(self, sentence):
        self.stages.append(sentence)

    def sent(self, name, total):
        self.bytes[name] = total


class HubRepository:
    """What a repository of the test's own holds; `publish` as a user of `endpoint` does."""

    def __init__(self, hub, repo_type="dataset"):
        self.hub, self.repo, self.repo_type = hub, f"org/made-{next(_numbers)}", repo_type
        self.api = connect(hub.url, hub.token)

    def plan(self, folder, api=None, settings=None, tag=None, check=None):
        package = read_package(folder, tag)
        return plan_publishing(
            api or self.api, package, self.repo, settings or RepositorySettings(), check
        )

    def publish(self, folder, api=None, settings=None, tag=None, observer=None):
        plan = self.plan(folder, api, settings, tag)
        return publish(
            api or self.api, plan, settings or RepositorySettings(), observer or Watcher()
        )

    def commits(self):
        """The titles of the commits, the newest first."""
        found = self.api.list_repo_commits(self.repo, repo_type=self.repo_type)
        return [commit.title for commit in found]

    def tags(self):
        refs = self.api.list_repo_refs(self.repo, repo_type=self.repo_type)
        return {tag.name: tag.target_commit for tag in refs.tags}

    def as_sent(self, folder):
        """The bytes of every file of a release as it is sent here."""
        files = addressed(read_package(folder), self.repo).files
        return {name: file.content or file.path.read_bytes() for name, file in files.items()}

    def contents(self, revision, folder):
        path = self.api.snapshot_download(
            self.repo, repo_type=self.repo_type, revision=revision, local_dir=folder
        )
        return contents(Path(path))


def contents(folder):
    """The bytes of every file that is no dot file, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".")
    }


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    """A server that knows a token that writes and one that reads."""
    folder = tmp_path_factory.mktemp("hub")
    with running_hub(folder, token="hf_write", read_token="hf_read") as running:
        yield running


@pytest.fixture
def remote(hub):
    return HubRepository(hub)


@pytest.fixture
def proxy(hub):
    with Proxy(hub.url) as running:
        yield running


@pytest.fixture
def through(proxy, hub):
    """The client of a publisher who sits behind the proxy."""
    return connect(proxy.url, hub.token)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """The client tries again as often as it does, without waiting in between."""
    hurried = SimpleNamespace(**{**vars(time), "sleep": lambda _seconds: None})
    monkeypatch.setattr(_http, "time", hurried)
    monkeypatch.setattr(file_download, "time", hurried)


def tiny_release(folder, version, rows):
    """A stage-2 release of seven files."""
    run = make_run(folder / f"run-{version}", rows, stage=2, test_share=0)
    return release_runs([run], name="tiny", version=version, out=folder, parent="none")


@pytest.fixture(scope="session")
def releases(tmp_path_factory):
    """Versions of a small release, each with more rows than the last."""
    folder = tmp_path_factory.mktemp("releases")
    sizes = {"1.0.0": 20, "1.0.1": 24, "1.1.0": 30}
    return {version: tiny_release(folder, version, kept_rows(n)) for version, n in sizes.items()}


@pytest.fixture
def unsent(tmp_path):
    """A release of which the Hub of this process, which keeps each content once, has nothing."""
    return tiny_release(tmp_path, "1.0.0", kept_rows(5, first=1000 + 5 * next(_numbers)))


@pytest.fixture(scope="session")
def stage1_release(tmp_path_factory):
    """A release with every config of stage 1 and both splits."""
    folder = tmp_path_factory.mktemp("stage1")
    run = make_run(folder / "run", kept_rows(60))
    return release_runs([run], name="feedback", version="1.0.0", out=folder)


@pytest.fixture
def srt(hub, tmp_path):
    """Starts `srt` as a user does, on the Hub at `endpoint`; a running process."""

    def start(*words, endpoint=None, env=None, **options):
        environment = {**os.environ, **hub.env, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
        environment |= {"HF_ENDPOINT": endpoint or hub.url, "HF_HOME": str(tmp_path / "hf")}
        environment |= env or {}
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines", *map(str, words)],
            cwd=tmp_path,
            env={key: value for key, value in environment.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(*words, expect=0, **options):
        process = start(*words, **options)
        out, err = process.communicate(timeout=120)
        assert process.returncode == expect, out + err
        assert "Traceback" not in out + err
        assert "hf_write" not in out + err
        return SimpleNamespace(stdout=out, stderr=err)

    run.start = start
    return run
