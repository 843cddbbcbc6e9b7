"""The cost of storing each answer: our SQLite store compared with an append-only Arrow file.

    python -m bench.store --records 20000

Both hand a record to the operating system before the next one, so that kill -9 loses nothing that
was stored: SQLite in write-ahead mode with one insert per answer, and an Arrow IPC stream with one
record batch and one flush per answer. `synced` adds an fsync per record, which only matters for
power cuts. Reopening means opening the file and looking up every key, a thousand at a time; for
that, the Arrow file needs an index, which is built from the whole file.

The claim is a margin, not a ratio: an endpoint that answers 500 requests a second needs 500 writes
a second, and the store has to be far above that. The Arrow file may be faster, but it does not
support two writers, a torn tail or lookups; see `pipelines/llms/store.py`.
"""

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import orjson
import pyarrow as pa

from bench.common import options, prose, show, verdict
from pipelines.llms.messages import Completion
from pipelines.llms.store import CompletionStore

_SCHEMA = pa.schema([("key", pa.binary(32)), ("completion", pa.binary())])
_ENOUGH = 500  # writes per second for a fast endpoint


def _keys(count: int) -> list[bytes]:
    return [hashlib.sha256(str(number).encode()).digest() for number in range(count)]


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def sqlite(folder: Path, keys: list[bytes], completion: Completion) -> tuple[float, float, int]:
    """Seconds to write, seconds to reopen and read, bytes."""
    path = folder / "answers.sqlite"

    def write() -> None:
        store = CompletionStore(path)
        for key in keys:
            store.put(key, "model", "openai", completion)

    def read() -> None:
        store = CompletionStore(path)
        for start in range(0, len(keys), 1000):
            some = keys[start : start + 1000]
            assert store.get(some).keys() == set(some)

    return _seconds(write), _seconds(read), CompletionStore(path).stats().bytes


def arrow(
    folder: Path, keys: list[bytes], completion: Completion, synced: bool = False
) -> tuple[float, float, int]:
    """The same for an Arrow stream with an index that is built when it is opened."""
    path = folder / f"answers-{synced}.arrows"

    def write() -> None:
        with path.open("wb") as file, pa.ipc.new_stream(file, _SCHEMA) as writer:
            for key in keys:
                value = orjson.dumps(asdict(completion))
                writer.write_batch(pa.record_batch([[key], [value]], schema=_SCHEMA))
                file.flush()
                if synced:
                    os.fsync(file.fileno())

    def read() -> None:
        with pa.ipc.open_stream(path) as reader:
            table = reader.read_all().combine_chunks()
        values = table["completion"]
        places = {key: place for place, key in enumerate(table["key"].to_pylist())}
        for key in keys:
            fields = orjson.loads(values[places[key]].as_py())
            Completion(**{**fields, "failures": tuple(fields["failures"])})

    return _seconds(write), _seconds(read), path.stat().st_size


def on_a_loop(folder: Path, keys: list[bytes], completion: Completion) -> float:
    """The longest time that a write blocked an event loop, in milliseconds."""
    store, longest = CompletionStore(folder / "loop.sqlite"), 0.0

    async def write() -> None:
        nonlocal longest
        for key in keys:
            began = time.perf_counter()
            store.put(key, "model", "openai", completion)
            longest = max(longest, time.perf_counter() - began)
            await asyncio.sleep(0)

    asyncio.run(write())
    return longest * 1e3


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--characters", type=int, default=1500, help="length of each answer")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    arguments = parser.parse_args()
    count = 500 if arguments.smoke else arguments.records
    keys = _keys(count)
    completion = Completion(prose(0, arguments.characters), 400, 400, "stop", latency=1.25)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        few = keys[: max(1, count // 20)]
        measured = {
            "SQLite (ours)": (count, *sqlite(folder, keys, completion)),
            "Arrow stream": (count, *arrow(folder, keys, completion)),
            "Arrow stream, synced": (len(few), *arrow(folder, few, completion, synced=True)),
        }
        longest = on_a_loop(folder, keys, completion)
    lines = [
        [name, rows, rows / writing, writing / rows * 1e6, rows / reading, size / rows]
        for name, (rows, writing, reading, size) in measured.items()
    ]
    header = ["", "records", "writes/s", "µs/write", "reopen, lookups/s", "bytes/record"]
    show(f"Storing answers of {arguments.characters} characters", header, lines)
    ours, other = lines[0], lines[1]
    print(f"\nArrow / SQLite: writes {other[2] / ours[2]:.2f}, lookups {other[4] / ours[4]:.2f}")
    print(f"longest write on an event loop: {longest:.1f} ms")
    verdict("writes/s", ours[2], f">= {4 * _ENOUGH:,}", ours[2] >= 4 * _ENOUGH)


if __name__ == "__main__":
    main()
