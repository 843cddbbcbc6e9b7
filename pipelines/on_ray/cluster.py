"""Joins a Ray cluster or starts one, and computes the size of a replica that fits into it."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from builders.errors import BadInput, reason_of
from builders.files.scratch import scratch_folder
from pipelines.recipe.execution import RayExecution
from pipelines.recipe.models import AnyModel

# Seconds, of which Ray's own command takes ten on a busy machine. Ray itself waits for 20 to 60 of
# them, and fills the terminal meanwhile.
_HEALTH_TIMEOUT = 30
# The path of a socket may have about 100 characters, of which Ray takes 70.
_SHORT = Path("/tmp")  # noqa: S108 - the folder in it is this user's alone
_WITHOUT_WEIGHTS = ("openai", "scripted")


@contextmanager
def joined(execution: RayExecution) -> Iterator[None]:
    """Make this process a driver of a Ray. BadInput if it does not run, or refuses us."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    local = execution.address == "local"
    if local:
        _keep_to_this_machine()
    try:
        import ray
    except ImportError:
        raise BadInput("execution.kind: ray needs pip install 'srt-feedback[ray]'") from None
    with ExitStack() as ending:
        options: dict[str, Any] = {}
        if local:
            # Ray's own folder of sockets and logs is open to every user of the machine.
            folder = ending.enter_context(scratch_folder("ray", _SHORT))
            options = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
            options["_temp_dir"] = str(folder)
        else:
            _require_answer(execution.address)
        try:
            ray.init(execution.address, log_to_driver=False, logging_level="ERROR", **options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise BadInput(f"execution.address: {execution.address}: {reason_of(error)}") from None
        ending.callback(ray.shutdown)
        yield


def _keep_to_this_machine() -> None:
    """Settings for a Ray of our own, which reads them when it is imported."""
    # Despite its name it applies to any system: Ray stays on the loopback interface instead of
    # listening on all of them.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if not any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _require_answer(address: str) -> None:
    """Ask in another process, because Ray's client exits its process when it gives up."""
    if address != "auto":
        host, port = address.rsplit(":", 1)
        try:
            socket.create_connection((host, int(port)), _HEALTH_TIMEOUT).close()
        except (OSError, OverflowError) as error:
            raise BadInput(f"execution.address: no Ray at {address}: {error}") from None
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        health = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_HEALTH_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        where = "on this machine" if address == "auto" else f"at {address}"
        raise BadInput(f"execution.address: no Ray answers {where}") from None
    if "AuthToken" in health.stderr:
        raise BadInput(
            f"execution.address: the Ray at {address} refuses our token; RAY_AUTH_MODE and "
            "RAY_AUTH_TOKEN must be those that it was started with"
        )
    if health.returncode:
        reason = (health.stderr.strip().splitlines() or ["it is not healthy"])[-1]
        raise BadInput(f"execution.address: no Ray at {address}: {reason[:200]}")


def resources(
    models: Sequence[AnyModel], replicas: int, nodes: Sequence[dict[str, float]]
) -> list[dict[str, int]]:
    """`cpus` and `gpus` of one replica of each model; BadInput if they do not all fit.

    A replica that calls an endpoint reserves nothing. One with the weights gets a GPU, or an
    equal share of the CPUs if the Ray has no GPU or the model cannot use it. `nodes` are the
    nodes' resources. Ray itself would wait silently for resources that do not exist.
    """
    if not any(node.get("CPU", 0) >= 1 for node in nodes):
        raise BadInput("execution: no node of this Ray has a CPU")
    has_gpus = any(node.get("GPU", 0) >= 1 for node in nodes)
    kinds = [_kind(model, has_gpus) for model in models]
    needed = {kind: kinds.count(kind) * replicas for kind in ("GPU", "CPU")}
    for kind, count in needed.items():
        available = sum(int(node.get(kind, 0)) for node in nodes)
        if count > available:
            raise BadInput(
                f"execution.replicas: {replicas} need {count} {kind}s, and this Ray has {available}"
            )
    share = _share(needed["CPU"], [int(node.get("CPU", 0)) for node in nodes])
    sizes = {"GPU": {"gpus": 1}, "CPU": {"cpus": share}, None: {}}
    return [sizes[kind] for kind in kinds]


def _kind(model: AnyModel, has_gpus: bool) -> str | None:
    if model.kind in _WITHOUT_WEIGHTS:
        return None
    on_cpu = model.kind == "llamacpp" or getattr(model, "device", None) == "cpu"
    return "GPU" if has_gpus and not on_cpu else "CPU"


def _share(count: int, cpus: Sequence[int]) -> int:
    """The most CPUs that each of `count` replicas can have, with none across two nodes."""
    shares = range(max(cpus), 0, -1)
    return next(share for share in shares if sum(node // share for node in cpus) >= count)
