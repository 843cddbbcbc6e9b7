"""A Hub that offers Xet: the embedded one behind a proxy, with a store of chunks in a folder.

The real Xet client uploads to it, as to huggingface.co; only that the store is a folder. What the
Hub does when a commit names files that came by Xet, having them as LFS objects, is done here from
the files that the test knows.
"""

import json
import shutil
import time
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path

import hf_xet

from pipelines.hub.package import hashed
from tests.pipelines.hub.proxy import Proxy, on, response
from tests.running_hub import RunningHub

TOKEN = "GET .*/xet-write-token/"


class XetHub:
    """`url` is the value for HF_ENDPOINT; `requests` are those that came."""

    def __init__(self, hub: RunningHub, proxy: Proxy, store: Path) -> None:
        self._hub, self._proxy, self.store = hub, proxy, store
        self.url = proxy.url
        proxy.answers[TOKEN] = self._token

    @property
    def requests(self) -> list[str]:
        return self._proxy.requests

    def expect(self, files: Iterable[Path]) -> None:
        """Have these files as LFS objects once the next commit is made."""
        self._proxy.fault = on("/commit/", None, lambda: self._keep(list(files)))

    def lacks(self, files: Iterable[Path]) -> int:
        """How many bytes of these files the store has not got."""
        commit = hf_xet.XetSession().new_upload_commit(endpoint=f"local://{self.store}")
        for path in files:
            commit.start_upload_file(str(path))
        return commit.wait_to_finish().dedup_metrics.new_bytes

    def _token(self) -> bytes:
        given = {"casUrl": f"local://{self.store}", "accessToken": "t", "exp": time.time() + 3600}
        body = json.dumps(given | {"exp": int(given["exp"])}).encode()
        return response(body, Content_Type="application/json")

    def _keep(self, files: list[Path]) -> None:
        for path in files:
            sha256 = hashed(path).sha256
            kept = self._hub.folder / "lfs" / sha256[:2] / sha256[2:4] / sha256
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, kept)


@contextmanager
def xet_hub(hub: RunningHub, store: Path):
    store.mkdir(parents=True, exist_ok=True)
    with Proxy(hub.url) as proxy:
        yield XetHub(hub, proxy, store)
