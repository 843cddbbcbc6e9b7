"""kill -9 at random moments of each command that takes long; then the same command goes on.

    python -m bench.kills --kills 200

Each command is run once to its end, and then again and again in a new folder: killed at a moment
drawn from the time that it takes, begun again, until it ends or was killed five times. Half of the
kills of a training script are between its last checkpoint and its end. Claims: nothing is lost and
nothing is half (after each kill, what is there by its final name is whole), what comes out equals
what the undisturbed command made, and of paid calls, at most those in flight are repeated.

The commands are `srt build` (live, and by the batch API), `srt release`, `srt publish`, `srt review
push` into Argilla, and both training scripts, with servers on this machine and a tiny model. They
are forks of a process that has imported what they need, so that most kills hit their work; one that
is killed leaves what a process leaves that was started by itself.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.common import ROOT, options, show, verdict
from bench.faults import IN_FLIGHT, Counting, comparable, write_recipe

# How often one command is killed at most until it may end.
_IN_A_ROW = 5
# The shares of all kills.
_SHARES = {
    "build": 0.25,
    "build by batch": 0.15,
    "release": 0.2,
    "publish": 0.15,
    "review push": 0.1,
    "train stage 1": 0.08,
    "train stage 2": 0.07,
}
_STEPS, _SAVE_STEPS = 12, 4


@dataclass(frozen=True)
class Job:
    """A command that makes something in a folder. `words` are those of `srt`, or of a script.

    `result` is what is compared, `half` says what is there by its final name and is not whole, and
    `near_end` whether the command is past the last point that it continues from.
    """

    name: str
    words: Callable[[Path], list[str]]
    result: Callable[[Path], Any]
    half: Callable[[Path], list[str]] = lambda _: []
    near_end: Callable[[Path], bool] | None = None
    # Whether a command that was killed had nothing left to do. It would refuse what is there.
    is_done: Callable[[Path], bool] = lambda _: False
    script: str | None = None
    # Counts paid calls; a batch has as many in flight as it has lines.
    paid: Counting | None = None
    in_flight: int = 0


@dataclass
class Outcome:
    """How the kills of one command went."""

    runs: int = 0
    kills: int = 0
    half: list[str] = field(default_factory=list)
    different: int = 0
    failed: list[str] = field(default_factory=list)
    repeated: int = 0


class Zygote:
    """A process with everything imported, which forks for each command."""

    def __init__(self, script: str | None, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.kills", "--one", script or "srt"],
            cwd=ROOT,
            env={**os.environ, **env, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def run(self, words: list[str], log: Path, ends: Callable[[], bool]) -> int | None:
        """Run a command, and kill it once `ends`; its exit status, None if it was killed."""
        pid = self._ask({"words": words, "log": str(log)})
        while (status := self._ask({"wait": pid})) is None:
            if ends():
                os.kill(pid, signal.SIGKILL)
                while self._ask({"wait": pid}) is None:
                    time.sleep(0.01)
                return None
            time.sleep(0.005)
        return status

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(60)

    def _ask(self, task: dict[str, Any]) -> Any:
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that forks has ended")
        return json.loads(line)


def _zygote(script: str) -> None:
    """Import what the commands need, then fork for each line of input."""
    command = _imported(script)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(value: Any) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    say("ready")
    for line in sys.stdin:
        task = json.loads(line)
        if "wait" in task:
            pid, status = os.waitpid(task["wait"], os.WNOHANG)
            say(None if pid == 0 else os.waitstatus_to_exitcode(status))
        elif pid := os.fork():
            say(pid)
        else:
            _run(command, task["words"], Path(task["log"]))


def _imported(script: str) -> Callable[[list[str]], None]:
    if script != "srt":
        from importlib import import_module

        import torch

        torch.set_num_threads(1)
        return import_module(f"train.{script}").main
    import datasets  # noqa: F401 - slow, and part of no command's work
    import distilabel.pipeline  # noqa: F401 - the same
    from rich import progress, table  # noqa: F401 - the same

    import pipelines.audit.run
    import pipelines.generate.build
    import pipelines.hub.publication
    import pipelines.release
    import pipelines.review.push  # noqa: F401 - the same
    from pipelines.cli import main

    def srt(words: list[str]) -> None:
        sys.argv = ["srt", *words]
        main()

    return srt


def _run(command: Callable[[list[str]], None], words: list[str], log: Path) -> None:
    status = 1
    with log.open("ab") as output:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        try:
            command(words)
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def kill(job: Job, zygote: Zygote, folder: Path, kills: int, draw: random.Random) -> Outcome:
    """Kill the job so many times, in as many runs as that takes."""
    outcome = Outcome()
    expected, seconds = _undisturbed(job, zygote, folder)
    while outcome.kills < kills:
        run = folder / f"run-{outcome.runs}"
        run.mkdir(parents=True)
        outcome.runs += 1
        if job.paid is not None:
            job.paid.good.clear()
        killed = 0
        while True:
            last = outcome.kills >= kills or killed == _IN_A_ROW
            at_end = job.near_end is not None and draw.random() < 0.5
            ends = _never if last else _moment(job, run, seconds, draw, at_end=at_end)
            status = zygote.run(job.words(run), run / "log", ends)
            if status is not None:
                break
            killed += 1
            outcome.kills += 1
            outcome.half += job.half(run)
            if job.is_done(run):
                break
        if status:
            said = (run / "log").read_text(errors="replace").strip().splitlines()
            outcome.failed.append(f"{job.name}: {said[-1] if said else status}")
            continue
        outcome.different += job.result(run) != expected
        if job.paid is not None:
            outcome.repeated += job.paid.repeated
    return outcome


def _undisturbed(job: Job, zygote: Zygote, folder: Path) -> tuple[Any, float]:
    run = folder / "undisturbed"
    run.mkdir(parents=True)
    began = time.monotonic()
    if zygote.run(job.words(run), run / "log", _never):
        raise RuntimeError(f"{job.name}: {(run / 'log').read_text(errors='replace')[-2000:]}")
    return job.result(run), time.monotonic() - began


def _never() -> bool:
    return False


def _moment(
    job: Job, run: Path, seconds: float, draw: random.Random, *, at_end: bool
) -> Callable[[], bool]:
    """Whether it is time to kill: some time after the beginning, or after the last checkpoint."""
    began: list[float] = [] if at_end else [time.monotonic()]
    wait = draw.uniform(0, seconds * (0.05 if at_end else 0.9))

    def ends() -> bool:
        if not began and job.near_end(run):
            began.append(time.monotonic())
        return bool(began) and time.monotonic() - began[0] >= wait

    return ends


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@contextmanager
def builds(folder: Path, rows: int) -> Iterator[list[Job]]:
    """Stage 1, live and by batch, against servers that count what they are paid for."""
    from builders.ledger.run import Run
    from tests.batch_server import BatchServer
    from tests.openai_server import OpenAIServer

    draw = random.Random(2)
    live, batch = Counting({}), Counting({})
    with (
        OpenAIServer(live, latency=lambda: draw.expovariate(1 / 0.03)) as server,
        BatchServer(batch, polls=2) as batches,
    ):
        recipes = {}
        for name, url in (("live", server.url), ("batch", batches.url)):
            (folder / name).mkdir(parents=True)
            recipes[name] = write_recipe(folder / name, url, rows)

        def words(name: str, *more: str) -> Callable[[Path], list[str]]:
            return lambda run: [
                "build",
                "stage1",
                str(recipes[name]),
                *more,
                "--out",
                str(run / "run"),
                "--store",
                str(run / "store.sqlite"),
            ]

        def half(run: Path) -> list[str]:
            # Reading every row says whether each part is whole.
            return _complaints(lambda: list(Run(run / "run").iter_rows()))

        def result(run: Path) -> Any:
            return comparable(Run(run / "run"))

        yield [
            Job("build", words("live"), result, half, paid=live, in_flight=IN_FLIGHT),
            Job(
                "build by batch",
                words(
                    "batch", "execution.kind=batch", "execution.wait=true", "execution.poll=0.05"
                ),
                result,
                half,
                paid=batch,
                in_flight=rows,
            ),
        ]


def _complaints(check: Callable[[], Any]) -> list[str]:
    try:
        check()
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    return []


def release_job(run: Path) -> Job:
    from builders.gate.gate import recheck

    def words(folder: Path) -> list[str]:
        return ["release", str(run), "--name", "tiny", "--version", "1.0.0", "--out", str(folder)]

    def half(folder: Path) -> list[str]:
        there = folder / "tiny@v1.0.0"
        return _complaints(lambda: recheck(there).refuse()) if there.exists() else []

    def result(folder: Path) -> Any:
        left = [path.name for path in folder.iterdir() if path.name.startswith(".tiny")]
        return _hashes(folder / "tiny@v1.0.0"), left

    def is_done(folder: Path) -> bool:
        return (folder / "tiny@v1.0.0").exists()

    return Job("release", words, result, half, is_done=is_done)


def publish_job(release: Path, api: Any) -> Job:
    from pipelines.hub.verify import verify

    def repo(folder: Path) -> str:
        return f"org/{folder.name}"

    def words(folder: Path) -> list[str]:
        return ["publish", str(release), "--repo", repo(folder), "--yes"]

    def half(folder: Path) -> list[str]:
        if not api.repo_exists(repo(folder), repo_type="dataset"):
            return []
        tags = api.list_repo_refs(repo(folder), repo_type="dataset").tags
        return [
            problem
            for tag in tags
            for problem in verify(f"{repo(folder)}@{tag.name}", api=api).wrong
        ]

    def result(folder: Path) -> Any:
        refs = api.list_repo_refs(repo(folder), repo_type="dataset")
        commits = api.list_repo_commits(repo(folder), repo_type="dataset")
        tree = api.list_repo_tree(repo(folder), repo_type="dataset", recursive=True)
        # The card and the manifest name the repository.
        files = {
            entry.path: entry.blob_id
            for entry in tree
            if hasattr(entry, "blob_id") and entry.path not in ("README.md", "manifest.json")
        }
        return [tag.name for tag in refs.tags], [commit.title for commit in commits], files

    return Job("publish", words, result, half)


def review_job(run: Path, server: Any) -> Job:
    import requests

    def name(folder: Path) -> str:
        return f"review-{folder.name}"

    def words(folder: Path) -> list[str]:
        review = ["review", "push", str(run), "--sample", "30", "--overlap", "1"]
        return [*review, "--out", str(folder / name(folder))]

    def asked(path: str, **query: Any) -> Any:
        headers = {"X-Argilla-Api-Key": server.api_key}
        answer = requests.get(
            f"{server.url}/api/v1/{path}", headers=headers, params=query, timeout=60
        )
        answer.raise_for_status()
        return answer.json()

    def result(folder: Path) -> Any:
        datasets = [one for one in asked("me/datasets")["items"] if one["name"] == name(folder)]
        records = [
            record["external_id"]
            for one in datasets
            for record in asked(f"datasets/{one['id']}/records", limit=1000)["items"]
        ]
        # Counted: the ids of two reviews differ.
        return len(datasets), len(records), len(set(records))

    return Job("review push", words, result)


def train_job(stage: int, model: Path, release: Path) -> Job:
    from safetensors import safe_open

    def words(folder: Path) -> list[str]:
        keys = {
            "release": release,
            "revision": "null",
            "model_name_or_path": model,
            "output_dir": folder / "trained",
            "max_steps": _STEPS,
            "save_steps": _SAVE_STEPS,
            "max_length": 2048,
            "per_device_train_batch_size": 1,
            "logging_steps": 1,
        }
        recipe = ROOT / f"train/recipes/stage{stage}-embedded.yaml"
        return [str(recipe), *(f"--{key}={value}" for key, value in keys.items())]

    def result(folder: Path) -> Any:
        trained = folder / "trained"
        with safe_open(trained / "adapter_model.safetensors", "np") as file:
            weights = {name: file.get_tensor(name).tobytes() for name in sorted(file.keys())}
        metrics = json.loads((trained / "training.json").read_text())["metrics"]
        return weights, round(metrics["train_loss"], 4)

    def half(folder: Path) -> list[str]:
        return _complaints(lambda: result(folder)) if is_done(folder) else []

    def is_done(folder: Path) -> bool:
        return (folder / "trained/training.json").exists()

    def near_end(folder: Path) -> bool:
        return (folder / f"trained/checkpoint-{_STEPS}/trainer_state.json").is_file()

    script = f"stage{stage}"
    return Job(f"train stage {stage}", words, result, half, near_end, is_done, script=script)


def _trained_on(folder: Path) -> tuple[Path, Path, Path]:
    """A tiny model, and a release of each stage with short rows."""
    from builders.release.make import release_runs
    from tests.ledger_rows import make_run
    from tests.tiny_model import save_tiny_model
    from tests.train.conversations import short_rows

    releases = []
    for stage in (1, 2):
        run = make_run(folder / f"run{stage}", short_rows(24), stage=stage, test_share=0.2)
        releases.append(
            release_runs([run], name=f"stage{stage}", version="1.0.0", out=folder / "releases")
        )
    return save_tiny_model(folder / "tiny"), *releases


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--rows", type=int, default=200, help="rows of each run")
    parser.add_argument("--only", help="one of the commands, as the table names them")
    arguments = parser.parse_args()
    if arguments.one:
        _zygote(arguments.one)
        return
    kills, rows = (4, 30) if arguments.smoke else (arguments.kills, arguments.rows)
    names = [arguments.only] if arguments.only else list(_SHARES)
    if arguments.smoke:
        # Argilla's server takes minutes to install, and the training scripts to import.
        names = ["build", "release"]
    total = sum(_SHARES[name] for name in names)
    outcomes = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        for job, zygote in _jobs(names, Path(folder), rows, running):
            count = max(1, round(kills * _SHARES[job.name] / total))
            where = Path(folder) / "kills" / job.name.replace(" ", "-")
            outcome = kill(job, zygote, where, count, random.Random(job.name))
            outcomes[job.name] = (job, outcome)
            _show({job.name: (job, outcome)})
    _show(outcomes)
    found = [outcome for _, outcome in outcomes.values()]
    for outcome in found:
        for problem in [*outcome.failed, *outcome.half][:3]:
            print(problem[:300])
    failed = sum(len(outcome.failed) for outcome in found)
    half = sum(len(outcome.half) for outcome in found)
    different = sum(outcome.different for outcome in found)
    beyond = sum(
        max(0, outcome.repeated - job.in_flight * outcome.kills)
        for job, outcome in outcomes.values()
    )
    verdict("commands that could not go on", failed, "0", failed == 0)
    verdict("half after a kill", half, "0", half == 0)
    verdict("results that differ", different, "0", different == 0)
    verdict("calls paid twice beyond those in flight", beyond, "0", beyond == 0)


def _show(outcomes: Mapping[str, tuple[Job, Outcome]]) -> None:
    header = ["", "kills", "runs", "cannot go on", "half", "different", "repeated", "in flight"]
    lines = [
        [
            name,
            outcome.kills,
            outcome.runs,
            len(outcome.failed),
            len(outcome.half),
            outcome.different,
            outcome.repeated if job.paid else None,
            job.in_flight * outcome.kills if job.paid else None,
        ]
        for name, (job, outcome) in outcomes.items()
    ]
    show("kill -9", header, lines)


def _jobs(
    names: list[str], folder: Path, rows: int, running: ExitStack
) -> Iterator[tuple[Job, Zygote]]:
    """The jobs with these names, each when it is its turn, with the process that forks for it."""
    from builders.release.make import release_runs
    from pipelines.hub.client import connect
    from tests.ledger_rows import kept_rows, make_run
    from tests.running_hub import running_hub

    run = make_run(folder / "runs/tiny", kept_rows(rows), test_share=0.1)
    hub = running.enter_context(running_hub(folder / "hub", token="hf_write"))
    srt = Zygote(None, hub.env)
    running.callback(srt.close)
    if {"build", "build by batch"} & {*names}:
        for job in running.enter_context(builds(folder / "recipes", rows)):
            if job.name in names:
                yield job, srt
    if "release" in names:
        yield release_job(folder / "runs/tiny"), srt
    if "publish" in names:
        release = release_runs([run], name="tiny", version="1.0.0", out=folder / "releases")
        yield publish_job(release, connect(hub.url, "hf_write")), srt
    if "review push" in names:
        from services.argilla.launch import running_argilla
        from services.model.embedded import cache_dir

        server = running.enter_context(running_argilla(folder / "argilla", cache_dir()))
        zygote = Zygote(None, server.env)
        running.callback(zygote.close)
        yield review_job(folder / "runs/tiny", server), zygote
    if {"train stage 1", "train stage 2"} & {*names}:
        model, *releases = _trained_on(folder / "training")
        for stage, release in enumerate(releases, 1):
            if f"train stage {stage}" in names:
                zygote = Zygote(f"stage{stage}", {})
                yield train_job(stage, model, release), zygote
                zygote.close()


if __name__ == "__main__":
    main()
