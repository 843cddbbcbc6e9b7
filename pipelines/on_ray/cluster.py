"""Joins a Ray, or starts one, and says how many replicas of what size it has room for."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from builders.errors import BadInput
from pipelines.recipe import AnyModel, RayExecution

# Seconds. Ray itself waits for 20 to 60 of them, and fills the terminal meanwhile.
_TO_ANSWER = 10
_CALLS_AN_ENDPOINT = ("openai", "scripted")


@contextmanager
def joined(execution: RayExecution) -> Iterator[None]:
    """This process as a driver of that Ray. BadInput where there is none, or it refuses us."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    local = execution.address == "local"
    if local:
        _keep_to_this_machine()
    try:
        import ray
    except ImportError:
        raise BadInput("execution.kind: ray needs pip install 'srt-feedback[ray]'") from None
    options = {}
    if local:
        options = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    else:
        _require_answer(execution.address)
    try:
        ray.init(execution.address, log_to_driver=False, logging_level="ERROR", **options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(f"execution.address: {execution.address}: {reason[:200]}") from None
    try:
        yield
    finally:
        ray.shutdown()


def _keep_to_this_machine() -> None:
    """Settings of a Ray of our own; it reads them when it is imported."""
    # The name says Windows or OSX; what it does, on any system, is to stay on the loopback
    # interface, where Ray would otherwise listen on all of them.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if not any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _require_answer(address: str) -> None:
    """Ask in another process, because Ray's client exits the one in which it gives up."""
    if address != "auto":
        host, port = address.rsplit(":", 1)
        try:
            socket.create_connection((host, int(port)), _TO_ANSWER).close()
        except (OSError, OverflowError) as error:
            raise BadInput(f"execution.address: no Ray at {address}: {error}") from None
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        asked = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_TO_ANSWER, check=False
        )
    except subprocess.TimeoutExpired:
        where = "on this machine" if address == "auto" else f"at {address}"
        raise BadInput(f"execution.address: no Ray answers {where}") from None
    if "AuthToken" in asked.stderr:
        raise BadInput(
            f"execution.address: the Ray at {address} refuses our token; RAY_AUTH_MODE and "
            "RAY_AUTH_TOKEN have to be those that it was started with"
        )
    if asked.returncode:
        said = (asked.stderr.strip().splitlines() or ["it is not healthy"])[-1]
        raise BadInput(f"execution.address: no Ray at {address}: {said[:200]}")


def resources(
    models: Sequence[AnyModel], replicas: int, nodes: Sequence[dict[str, float]]
) -> list[dict[str, int]]:
    """`cpus` and `gpus` of one replica of each model; BadInput where they do not all fit.

    A replica that asks an endpoint reserves nothing. One that holds the weights gets a GPU, or,
    where the Ray has none or the model cannot use it, an equal share of the CPUs. `nodes` are
    the nodes' resources. Ray itself would wait in silence for what does not exist.
    """
    if not any(node.get("CPU", 0) >= 1 for node in nodes):
        raise BadInput("execution: no node of this Ray has a CPU")
    has_gpus = any(node.get("GPU", 0) >= 1 for node in nodes)
    kinds = [_kind(model, has_gpus) for model in models]
    wanted = {kind: kinds.count(kind) * replicas for kind in ("GPU", "CPU")}
    for kind, count in wanted.items():
        there = sum(int(node.get(kind, 0)) for node in nodes)
        if count > there:
            raise BadInput(
                f"execution.replicas: {replicas} need {count} {kind}s, and this Ray has {there}"
            )
    share = _share(wanted["CPU"], [int(node.get("CPU", 0)) for node in nodes])
    sizes = {"GPU": {"gpus": 1}, "CPU": {"cpus": share}, None: {}}
    return [sizes[kind] for kind in kinds]


def _kind(model: AnyModel, has_gpus: bool) -> str | None:
    if model.kind in _CALLS_AN_ENDPOINT:
        return None
    on_cpu = model.kind == "llamacpp" or getattr(model, "device", None) == "cpu"
    return "GPU" if has_gpus and not on_cpu else "CPU"


def _share(count: int, cpus: Sequence[int]) -> int:
    """The most CPUs that each of `count` replicas can have, none of which spans two nodes."""
    shares = range(max(cpus), 0, -1)
    return next(share for share in shares if sum(node // share for node in cpus) >= count)
