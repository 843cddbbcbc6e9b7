"""Repeats a change to a Hub's folder, killed at a later step each time, until it completes.

`python killed.py FOLDER CHANGE` prints, after each attempt, what a reader sees in the folder. A
step is one of Python's audit events: a file that is opened, renamed, removed or created. Each
attempt is a fork, so that it starts with the same memory and ends as with kill -9.
"""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

from services.hub.access import Tokens
from services.hub.names import RepoId
from services.hub.storage.operations import AddFile, AddLfs, CommitHeader
from services.hub.storage.reading import BRANCHES, TAGS
from services.hub.storage.staging import staging
from services.hub.storage.state import open_hub
from services.hub.storage.writing import stage_operation

REPO = RepoId("datasets", "org", "name")
NEW, DOOMED = RepoId("models", "org", "new"), RepoId("models", "org", "doomed")
STEPS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "os.truncate")


def upload(hub, content):
    oid = hashlib.sha256(content).hexdigest()
    with hub.objects.receive(oid, len(content)) as incoming:
        incoming.write(content)
        incoming.keep()
    return AddLfs(f"{oid[:4]}.bin", oid, len(content))


def commit(hub):
    repo = hub.catalog.get(REPO)
    head = repo.read.resolve("main")
    operations = [
        upload(hub, head.encode() * 100),
        AddFile("a.txt", head.encode()),
        AddFile("folder/below/b.txt", head.encode() * 2),
    ]
    with staging(hub.scratch) as staged:
        changes = [stage_operation(staged, one, hub.objects.size) for one in operations]
        repo.write.commit("main", CommitHeader(f"after {head}", "", head), changes, staged)


def tag(hub):
    repo = hub.catalog.get(REPO)
    if "new" not in repo.read.refs(TAGS):
        repo.write.create_tag("new", "main", "noted")


def delete_tag(hub):
    repo = hub.catalog.get(REPO)
    if "doomed" in repo.read.refs(TAGS):
        repo.write.delete_tag("doomed")


def squash(hub):
    hub.catalog.get(REPO).write.squash("main", "one")


def create(hub):
    if NEW not in hub.catalog.ids():
        hub.catalog.create(NEW, {})


def delete(hub):
    if DOOMED in hub.catalog.ids():
        hub.catalog.delete(DOOMED)


def settings(hub):
    hub.catalog.change(REPO, {"private": True})


def shown(hub):
    """What a reader sees; this reads every file of every commit completely."""
    seen = {}
    for repo_id in hub.catalog.ids():
        repo = hub.catalog.get(repo_id)
        history = [commit for commit, _ in repo.read.history(repo.read.resolve("main"))]
        for one in history:
            for entry in repo.read.listing(one, recursive=True):
                if not entry.is_folder:
                    check(hub, repo, entry)
        refs = {**repo.read.refs(BRANCHES), **repo.read.refs(TAGS)}
        seen[str(repo_id)] = {"history": history, "refs": refs, "private": repo.settings.private}
    seen["left over"] = sorted(path.name for path in hub.scratch.iterdir())
    return seen


def check(hub, repo, entry):
    content = repo.read.content(entry)
    assert hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == entry.oid
    if entry.lfs:
        stored = hub.objects.path(entry.lfs.oid).read_bytes()
        assert hashlib.sha256(stored).hexdigest() == entry.lfs.oid


def live(folder, change, last_step):
    """Make the change in a fork that is killed at `last_step`; whether it completed."""
    child = os.fork()
    if child == 0:
        taken = 0

        def hook(event, _):
            nonlocal taken
            if event in STEPS:
                taken += 1
                if taken == last_step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        with open_hub(folder, Tokens()) as hub:
            change(hub)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0 or os.WIFSIGNALED(status), status
    return status == 0


def main():
    folder, change = Path(sys.argv[1]), globals()[sys.argv[2]]
    with open_hub(folder, Tokens()) as hub:
        hub.catalog.create(REPO, {})
        commit(hub)
        hub.catalog.get(REPO).write.create_tag("doomed", "main", "noted")
        hub.catalog.create(DOOMED, {})
        print(json.dumps([False, shown(hub)]), flush=True)
    for last_step in range(1, 1_000):
        ended = live(folder, change, last_step)
        with open_hub(folder, Tokens()) as hub:
            print(json.dumps([ended, shown(hub)]), flush=True)
        if ended:
            break


if __name__ == "__main__":
    main()
