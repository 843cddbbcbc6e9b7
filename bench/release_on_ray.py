"""A release made and checked by two workers of a Ray beside one process: the same bytes.

    python -m bench.release_on_ray --rows 200000

The run is that of `bench.release`. Each half runs in its own process; on Ray, the process starts
one on this machine, whose memory and CPU time are not counted.
"""

import json
import tempfile
from hashlib import file_digest
from pathlib import Path
from typing import Any

from bench.common import in_child, options, show, spending, verdict
from bench.release import make_run
from pipelines.recipe.execution import AnyExecution, LocalExecution, RayExecution
from pipelines.release import check, release

_EXECUTION: dict[str, AnyExecution] = {
    "one process": LocalExecution(),
    "two Ray workers": RayExecution(kind="ray", replicas=2),
}
# Words drawn by chance speak to the critic now and then; the finding has to be the same, too.
_ALLOWED = {"foreign-text": "words drawn by chance"}


def measure(folder: Path, where: str) -> dict[str, Any]:
    execution = _EXECUTION[where]
    with spending() as spent:
        made = release(
            [folder / "run"],
            name="bench",
            version="1.0.0",
            out=folder / where,
            allowed=_ALLOWED,
            execution=execution,
        )
    with spending() as checking:
        checked = check(made, execution=execution)
    digests = {}
    for path in sorted(made.rglob("*.*")):
        with path.open("rb") as file:
            digests[str(path.relative_to(made))] = file_digest(file, "sha256").hexdigest()
    return {
        "seconds": spent.seconds,
        "checking": checking.seconds,
        "files": digests,
        "checks": checked.facts,
    }


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    arguments = parser.parse_args()
    if arguments.one:
        what = json.loads(arguments.one)
        print(json.dumps(measure(Path(what["folder"]), what["where"])))
        return
    rows = 600 if arguments.smoke else arguments.rows
    with tempfile.TemporaryDirectory() as name:
        make_run(Path(name) / "run", rows)
        made = {
            where: in_child("bench.release_on_ray", {"folder": name, "where": where}, 3600).facts
            for where in _EXECUTION
        }
    lines = [
        [where, rows, rows / one["seconds"], rows / one["checking"], len(one["files"])]
        for where, one in made.items()
    ]
    header = ["", "candidates", "released/s", "checked/s", "files"]
    show("Releasing and checking, by tasks on the same functions", header, lines)
    alone, on_ray = made.values()
    print()
    for what in ("files", "checks"):
        same = alone[what] == on_ray[what]
        verdict(f"{what} that are the same", float(same), "1", same)


if __name__ == "__main__":
    main()
