"""What clients of the local Hub and of the local Argilla get while somebody attacks the server.

    python -m bench.hostile --clients 100 --seconds 15

A hundred clients ask again and again for what readers ask for. Meanwhile ten attackers send texts
that take long to read, requests that they never finish, or take no byte of their responses. Beside
it is the same without an attack. Claims: everybody else is served, and each attack by itself is
answered or refused in a second. A last table has files that are small and unpack to more than the
machine has, and texts that take libraries minutes.
"""

import asyncio
import gzip
import io
import json
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import HfApi

from bench.common import options, show, verdict
from builders.errors import BadInput
from builders.files.tables import read_rows
from cards.front_matter import FrontMatterError, bounded_yaml
from pipelines.hub.xet import without_xet
from services.argilla.launch import running_argilla
from services.hub.storage.lfs_rules import UploadRules
from services.model.embedded import cache_dir
from tests.running_hub import running_hub

_ATTACKERS = 10
_TOKEN = {"Authorization": "Bearer hf_write"}
_MERGE_KEYS = "\n".join(
    ["l0: &l0 {x: 1}"]
    + [f"l{n}: &l{n}\n  <<: [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
)
_BASE_60 = "a: 1" + ":1" * 20_000
_MANY_VALUES = "[" + "a," * 55_000 + "]"
_STARS = "a*a*a*a*a*a*a*b"
_LINKS = "![" * 149_000
_numbers = count()

# One attack: the status of its response, or a word.
Attack = Callable[[aiohttp.ClientSession], Awaitable[object]]


@dataclass
class Served:
    """What clients got: requests, good responses, and the seconds that each took."""

    asked: int = 0
    seconds: list[float] = field(default_factory=list)
    statuses: set[object] = field(default_factory=set)

    @property
    def share(self) -> float:
        return len(self.seconds) / self.asked * 100 if self.asked else 0.0

    @property
    def slowest(self) -> float:
        return max(self.seconds, default=float("nan"))


@dataclass(frozen=True)
class Target:
    """A server: what clients ask it for, and the attacks by name."""

    url: str
    paths: tuple[str, ...]
    headers: dict[str, str]
    attacks: dict[str, Attack]
    # Those who connect and then take or send nothing more, by name: what they send first.
    idle: dict[str, bytes]


def hub_target(url: str) -> Target:
    """A Hub with a dataset, a card of each bad kind and a large file in it."""
    api = HfApi(endpoint=url, token="hf_write")
    for name in ("good", "stars", "links"):
        api.create_repo(f"org/{name}", repo_type="dataset")
    card = b"---\nlicense: mit\nlanguage: [en]\n---\n# Good\n\nRows.\n"
    _upload(api, "good", {"README.md": card, "rows.bin": bytes(32 * 2**20)})
    _upload(api, "stars", {".gitattributes": f"{_STARS} filter=lfs\n".encode() * 500})
    repo = "/api/datasets/org"
    files = [{"path": "a" * 250 + f"{n}", "size": 1, "sample": ""} for n in range(256)]

    def validated(text: str) -> Attack:
        body = {"content": f"---\n{text}\n---\n"}
        return lambda session: _status(session, "POST", f"{url}/api/validate-yaml", json=body)

    async def page(session: aiohttp.ClientSession) -> object:
        # A new card each time: one that was rendered before is remembered.
        content = f"# {next(_numbers)}\n{_LINKS}"
        lines = [
            {"key": "header", "value": {"summary": "A card"}},
            {
                "key": "file",
                "value": {"path": "README.md", "content": content, "encoding": "utf-8"},
            },
        ]
        body = "".join(json.dumps(line) + "\n" for line in lines)
        address = f"{url}{repo}/links/commit/main"
        await _status(session, "POST", address, data=body, headers=_TOKEN)
        return await _status(session, "GET", f"{url}/datasets/org/links")

    return Target(
        url,
        (
            "/datasets/org/good/resolve/main/README.md",
            f"{repo}/good",
            f"{repo}/good/tree/main",
            "/datasets/org/good",
            "/",
        ),
        {},
        {
            "545 bytes of YAML's merge keys": validated(_MERGE_KEYS),
            "a number of 20,000 digits in base 60": validated(_BASE_60),
            "a card of 55,000 values": lambda session: _status(
                session,
                "POST",
                f"{url}/api/validate-yaml",
                json={"content": f"---\n{_MANY_VALUES}\n---\n"},
                headers=_TOKEN,
            ),
            "500 patterns of seven stars": lambda session: _status(
                session,
                "POST",
                f"{url}{repo}/stars/preupload/main",
                json={"files": files},
                headers=_TOKEN,
            ),
            "a page of 300 kB of ![": page,
            "a form of 100,000 paths": lambda session: _status(
                session,
                "POST",
                f"{url}{repo}/good/paths-info/main",
                data="paths=a&" * 100_000,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            ),
        },
        {
            "200 who read no byte of 32 MB": (
                b"GET /datasets/org/good/resolve/main/rows.bin HTTP/1.1\r\nHost: localhost\r\n\r\n"
            ),
            "200 who send half a request": b"GET / HTTP/1.1\r\nHost: loc",
        },
    )


def argilla_target(url: str, key: str, asset: str) -> Target:
    """An Argilla server; `asset` is the path of its page's largest script."""
    request = f"GET {asset} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    ranges = {"Range": "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 24_000, 2))}
    wrong = {"username": "owner", "password": "wrong" * 1000}
    return Target(
        url,
        ("/api/v1/version", "/api/v1/me", "/api/v1/me/workspaces", "/api/v1/me/datasets"),
        {"X-Argilla-Api-Key": key},
        {
            "a Range header of 12,000 ranges": lambda session: _status(
                session, "GET", url + asset, headers=ranges
            ),
            "wrong passwords": lambda session: _status(
                session, "POST", f"{url}/api/v1/token", data=wrong
            ),
        },
        {
            "200 who read no byte of the page": request * 20,
            "200 who send half a body": (
                b"POST /api/v1/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx"
            ),
        },
    )


def _upload(api: HfApi, name: str, files: dict[str, bytes]) -> None:
    with without_xet:
        for path, content in files.items():
            api.upload_file(
                path_or_fileobj=content,
                path_in_repo=path,
                repo_id=f"org/{name}",
                repo_type="dataset",
            )


async def _status(session: aiohttp.ClientSession, method: str, url: str, **request) -> object:
    async with session.request(method, url, **request) as response:
        await response.read()
        return response.status


def _session(headers: dict[str, str] | None = None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=60),
        max_line_size=2**17,
    )


async def _ask(target: Target, clients: int, seconds: float, served: Served) -> None:
    """Have so many clients ask, each for one path after the other, until the time is over."""
    deadline = time.monotonic() + seconds

    async def client(session: aiohttp.ClientSession, number: int) -> None:
        for turn in count(number):
            if time.monotonic() > deadline:
                return
            served.asked += 1
            began = time.monotonic()
            with suppress(aiohttp.ClientError, TimeoutError):
                path = target.paths[turn % len(target.paths)]
                status = await _status(session, "GET", target.url + path)
                if status == 200:
                    served.seconds.append(time.monotonic() - began)
            # As readers do, who look at what they get.
            await asyncio.sleep(0.2)

    async with _session(target.headers) as session:
        await asyncio.gather(*(client(session, number) for number in range(clients)))


async def _attacked(target: Target, attack: Attack, clients: int, seconds: float) -> list[object]:
    """(requests, share served, slowest answer, responses to the attack)."""
    served, attacks = Served(), Served()

    async def attacker(session: aiohttp.ClientSession) -> None:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                attacks.statuses.add(await attack(session))

    async with _session() as session:
        tasks = [asyncio.create_task(attacker(session)) for _ in range(_ATTACKERS)]
        await _ask(target, clients, seconds, served)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    statuses = " ".join(sorted(map(str, attacks.statuses)))
    return [served.asked, served.share, served.slowest, statuses]


async def _alone(attack: Attack) -> float:
    """How long one attack takes that nobody is beside, in seconds."""
    async with _session() as session:
        began = time.monotonic()
        await attack(session)
        return time.monotonic() - began


@contextmanager
def _idle(url: str, sent: bytes, number: int) -> Iterator[None]:
    """So many connections that have sent this, and take nothing."""
    address = urlsplit(url)
    connections = []
    try:
        for _ in range(number):
            connection = socket.socket()
            # As little as the system allows on the way.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            connection.connect((address.hostname, address.port))
            connection.setblocking(False)
            with suppress(BlockingIOError):
                connection.send(sent)
            connections.append(connection)
        yield
    finally:
        for connection in connections:
            connection.close()


async def _beside_idle(target: Target, sent: bytes, clients: int, seconds: float) -> list[object]:
    served = Served()
    with _idle(target.url, sent, 2 * clients):
        await _ask(target, clients, seconds, served)
    return [served.asked, served.share, served.slowest, None, "-"]


async def measure(name: str, target: Target, clients: int, seconds: float) -> None:
    """Print a table of a server: without an attack, and with each."""
    calm = Served()
    await _ask(target, clients, seconds, calm)
    rows = [["no attack", calm.asked, calm.share, calm.slowest, None, "-"]]
    alone = {title: await _alone(attack) for title, attack in target.attacks.items()}
    for title, attack in target.attacks.items():
        *served, statuses = await _attacked(target, attack, clients, seconds)
        rows.append([title, *served, alone[title], statuses])
    for title, sent in target.idle.items():
        rows.append([title, *await _beside_idle(target, sent, clients, seconds)])
    header = ["", "asked", "served, %", "slowest, s", "attack alone, s", "its responses"]
    show(f"{name}, {clients} clients while {_ATTACKERS} attack", header, rows)
    least = min(row[2] for row in rows)
    verdict(f"{name}: served under each attack, %", least, "100", least == 100)
    longest = max((row[4] for row in rows if row[4] is not None), default=0.0)
    verdict(f"{name}: longest attack by itself, s", longest, "<= 1", longest <= 1)


def files(folder: Path) -> None:
    """Print how long it takes to refuse files and texts that are small and take very much."""
    for name, content in _bombs().items():
        (folder / name).write_bytes(content)
    rows: list[list[object]] = []
    for path in sorted(folder.iterdir()):
        began = time.perf_counter()
        try:
            for _ in read_rows(path):
                pass
            outcome = "read"
        except BadInput as error:
            outcome = "refused" if "unpack" in str(error) else str(error)
        rows.append([path.name, path.stat().st_size, time.perf_counter() - began, outcome])
    for name, text in {
        "merge keys": _MERGE_KEYS,
        "base 60": _BASE_60,
        "[ [ [": "[" * 400_000,
    }.items():
        began = time.perf_counter()
        try:
            bounded_yaml(text)
            outcome = "read"
        except FrontMatterError:
            outcome = "refused"
        rows.append([f"YAML: {name}", len(text), time.perf_counter() - began, outcome])
    began = time.perf_counter()
    UploadRules(f"{_STARS} filter=lfs\n".encode(), b"").mode("a" * 250, 1, b"")
    rows.append(["a pattern of seven stars", len(_STARS), time.perf_counter() - began, "read"])
    show("Small files and texts", ["", "bytes", "s", "outcome"], rows)
    longest = max(float(row[2]) for row in rows)
    verdict("longest of them, s", longest, "<= 5", longest <= 5)


def _bombs() -> dict[str, bytes]:
    row = json.dumps({"instruction": "x" * 1000}).encode() + b"\n"
    tables = {
        "repeated.parquet": (pa.table({"instruction": ["x" * 8_000_000] * 32}), True),
        "page.parquet": (pa.table({"instruction": ["x" * 80_000_000]}), False),
        "nulls.parquet": (pa.table({"instruction": pa.nulls(2_000_000, pa.string())}), True),
    }
    packed = {
        "rows.jsonl.gz": gzip.compress(row * 80_000),
        "line.jsonl.zst": pa.compress(b'{"a": "' + bytes(80_000_000), "zstd", asbytes=True),
        "keys.json": b"{" + b"".join(b'"k%d": 1, ' % n for n in range(100_000)) + b'"k0": 2}',
    }
    for name, (table, dictionary) in tables.items():
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd", use_dictionary=dictionary)
        packed[name] = sink.getvalue()
    return packed


async def _largest_script(url: str) -> str:
    """The path of the largest file that Argilla's page names."""
    async with _session() as session, session.get(url) as response:
        page = await response.text()
        paths = {part.split('"')[0] for part in page.split('src="') if part.startswith("/")}
        sizes = {}
        for path in paths:
            async with session.get(url + path) as asset:
                sizes[path] = len(await asset.read())
    return max(sizes, key=lambda path: sizes[path])


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=15, help="of each attack")
    arguments = parser.parse_args()
    clients, seconds = (5, 0.5) if arguments.smoke else (arguments.clients, arguments.seconds)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "files").mkdir()
        files(Path(folder) / "files")
        with running_hub(Path(folder) / "hub", token="hf_write") as hub:
            asyncio.run(measure("Hub", hub_target(hub.url), clients, seconds))
        if arguments.smoke:
            # Argilla's server takes minutes to install.
            return
        with running_argilla(Path(folder) / "argilla", cache_dir()) as argilla:
            asset = asyncio.run(_largest_script(argilla.url))
            target = argilla_target(argilla.url, argilla.api_key, asset)
            asyncio.run(measure("Argilla", target, clients, seconds))


if __name__ == "__main__":
    main()
