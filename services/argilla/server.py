"""Argilla on a local port until a signal ends it: Redis, the worker and the web server."""

import secrets
import signal
import socket
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from services.argilla.environment import (
    INSIDE,
    Tell,
    clean_environment,
    environment_python,
    redis_server,
)
from services.argilla.folder import DataFolder, open_folder
from services.argilla.processes import ServerProcess, start, wait_until
from services.listening import HOST, listening

OWNER = "owner"
# A first start takes about 15 s, but the machine may be busy.
_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Serving:
    """What a user needs to sign in; `password` only on the first start of a folder."""

    url: str
    key_file: Path
    password_file: Path
    password: str | None
    owner: str = OWNER


def serve(root: Path, port: int, cache: Path, ready: Callable[[Serving], None], tell: Tell) -> None:
    """Serve `root` until SIGINT, SIGTERM or SIGHUP; port 0 picks a free port.

    `cache` is where the server's environment is installed. `ready` is called once the server
    answers. BadInput if the port or the folder is in use, RunFailed if the environment cannot be
    installed or one of the processes ends.
    """
    with open_folder(root) as folder, listening(port) as listener:
        python = environment_python(cache, tell)
        with _signals() as stop, ExitStack() as running:
            processes = _start(folder, python, listener, running)
            url = f"http://{HOST}:{listener.getsockname()[1]}"
            listener.close()
            wait_until(lambda: stop.is_set() or _answers(url), processes, _TIMEOUT_S)
            if not stop.is_set():
                password = folder.password if folder.is_new else None
                ready(Serving(url, folder.key_file, folder.password_file, password))
                folder.mark_password_shown()
            while not stop.wait(0.5):
                for process in processes:
                    process.check()


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that is set by SIGINT, SIGTERM and SIGHUP."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(
    folder: DataFolder, python: Path, listener: socket.socket, running: ExitStack
) -> list[ServerProcess]:
    """Start Redis, the worker and the web server; `running` ends them in the opposite order."""
    # The path of a Unix socket may have about 100 bytes, and the folder may be nested deeply.
    short = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="srt-")))
    password = secrets.token_urlsafe(24)
    env = _settings(folder, short / "redis", password, listener)
    inside = [str(python), str(INSIDE)]
    commands = {
        "redis": [str(redis_server(python)), str(_redis_settings(short, password))],
        "worker": [*inside, "work"],
        "server": [*inside, "serve"],
    }
    processes = []
    for name, command in commands.items():
        keep = listener.fileno() if name == "server" else None
        cwd = folder.root / "redis" if name == "redis" else folder.root
        process = start(name, command, folder.log(name), cwd, env, keep=keep)
        running.callback(process.end)
        processes.append(process)
        if name == "redis":
            wait_until((short / "redis").exists, processes, _TIMEOUT_S)
    return processes


def _redis_settings(short: Path, password: str) -> Path:
    """Write the settings to a private file: a command line is readable by every user."""
    path = short / "redis.conf"
    lines = {
        "port": "0",
        "unixsocket": f'"{short / "redis"}"',
        "unixsocketperm": "700",
        "requirepass": password,
        "appendonly": "yes",
        "save": '""',
    }
    path.write_text("".join(f"{key} {value}\n" for key, value in lines.items()))
    return path


def _settings(
    folder: DataFolder, redis: Path, password: str, listener: socket.socket
) -> dict[str, str]:
    """The processes' environment: without the user's own Argilla settings, and offline."""
    port = listener.getsockname()[1]
    return clean_environment() | {
        "ARGILLA_HOME_PATH": str(folder.root),
        "ARGILLA_AUTH_OAUTH_CFG": str(folder.root / "oauth.yaml"),
        "ARGILLA_AUTH_SECRET_KEY": folder.secret("session.key"),
        # Pages of other origins must not call a server on this machine.
        "ARGILLA_CORS_ORIGINS": f'["http://{HOST}:{port}", "http://localhost:{port}"]',
        # Relative, since the folder's name may contain characters that a URL or Alembic interprets.
        "ARGILLA_DATABASE_URL": "sqlite+aiosqlite:///argilla.db?check_same_thread=False",
        "ARGILLA_DATABASE_SQLITE_TIMEOUT": "60",
        "ARGILLA_ENABLE_TELEMETRY": "false",
        "ARGILLA_REDIS_URL": f"unix://:{password}@{quote(str(redis))}",
        "ARGILLA_SEARCH_ENGINE": "srt-sqlite",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONUNBUFFERED": "1",
        "SRT_OWNER": OWNER,
        "SRT_OWNER_FILES": str(folder.root),
        "SRT_SOCKET": str(listener.fileno()),
        "TMPDIR": str(folder.scratch),
    }


def _answers(url: str) -> bool:
    # Not through a proxy, since it is this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/api/v1/version", timeout=1) as response:
            return response.status == 200
    except OSError:
        return False
