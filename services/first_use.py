"""What the first use fetches with pip into the cache: once, atomically, with visible progress."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.text import Text

from services.leash import leashed


@contextmanager
def sole_use(lock_file: Path, partial: Path, *, waiting: str) -> Iterator[Path]:
    """Yield `partial`, an empty folder for unfinished files that no other process uses meanwhile.

    `waiting` is shown while another process has the lock. The folder is deleted at the end, and
    so is what a killed process left in it.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with spinner(waiting):
            lock.acquire()
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        lock.release()


@contextmanager
def spinner(note: str) -> Iterator[None]:
    """Show `note` while the block runs: a spinner on a terminal, one line elsewhere (stderr)."""
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(Text(note)):
            yield
    else:
        print(note, file=sys.stderr, flush=True)
        yield


def run_watched(
    command: Sequence[str], env: Mapping[str, str], log: Path, title: str, watched: Path, total: int
) -> str:
    """Run a command to its end, its output in `log`; returns why it failed, or "".

    On a terminal a bar shows how many of `total` bytes are below the folder `watched`.
    """
    with log.open("w") as output, _progress_bar(title, watched, total) as update:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            leashed(command), env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
                update()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    return last_error(log.read_text(errors="replace")) if process.returncode else ""


@contextmanager
def _progress_bar(title: str, watched: Path, total: int) -> Iterator[Callable[[], None]]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    columns = (
        TextColumn(title, markup=False),
        BarColumn(None),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total)

        def update() -> None:
            # pip moves and deletes files while it works; the bar never goes back.
            before = progress.tasks[task].completed
            progress.update(task, completed=max(before, min(_bytes_under(watched), total)))

        yield update


def _bytes_under(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # moved by pip in the meantime
                total += (Path(root) / name).lstat().st_size
    return total


def last_error(log: str) -> str:
    """The reason in the log of a failed program: its last ERROR line, or else its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["it gave no reason"])[-1].rstrip(".")
