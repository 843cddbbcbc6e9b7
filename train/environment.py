"""What a machine lacks for a training run, named before it is missed."""

import errno
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from builders.errors import BadInput

# The packages of which a value of `report_to` needs one, where they are called otherwise.
_REPORTERS = {
    "azure_ml": ("azureml",),
    "flyte": ("flytekit",),
    "tensorboard": ("tensorboard", "tensorboardX"),
}
_PIP = {"flash_attn": "flash-attn", "liger_kernel": "liger-kernel", "azureml": "azureml-mlflow"}
_DISK = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EIO),
}
# The errors of safetensors and tokenizers, written in Rust, have the number in their text.
_RUST = re.compile(r"\bos error (\d+)|\bOs \{ code: (\d+)")
# Those of Arrow and torch have none.
_DISK_WORDS = ("no space left", "read-only file", "failed writing file")


def check_packages(recipe: Path, values: Mapping[str, Any]) -> None:
    """BadInput if the value of a key needs a package that is not installed."""
    for key, value, packages in _needed(recipe, values):
        if all(find_spec(package) is None for package in packages):
            name = _PIP.get(packages[0], packages[0])
            raise BadInput(f"{recipe}: {key}: {value} needs pip install {name}")


def _needed(recipe: Path, values: Mapping[str, Any]) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """(key, value, the packages of which it needs one)."""
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    reporters = values.get("report_to") or []
    for name in [reporters] if isinstance(reporters, str) else reporters:
        if name in ("none", "all"):
            continue
        if name not in INTEGRATION_TO_CALLBACK:
            known = ", ".join(sorted(INTEGRATION_TO_CALLBACK))
            raise BadInput(f"{recipe}: report_to: {name!r} is not one of {known}, none, all")
        yield "report_to", name, _REPORTERS.get(name, (name,))
    for key in ("load_in_4bit", "load_in_8bit"):
        if values.get(key):
            yield key, "true", ("bitsandbytes",)
    optimizer = str(getattr(values.get("optim"), "value", values.get("optim")))
    if "8bit" in optimizer or "paged" in optimizer or "bnb" in optimizer:
        yield "optim", optimizer, ("bitsandbytes",)
    attention = values.get("attn_implementation") or ""
    if attention == "flash_attention_2":
        yield "attn_implementation", attention, ("flash_attn",)
    if values.get("deepspeed"):
        yield "deepspeed", values["deepspeed"], ("deepspeed",)
    if values.get("use_liger_kernel"):
        yield "use_liger_kernel", "true", ("liger_kernel",)


def disk_reason(error: BaseException) -> str | None:
    """One line about a file that could not be written; None if the error is another one."""
    cause: BaseException | None = error
    while cause is not None:
        text = " ".join(str(cause).split())
        if isinstance(cause, OSError) and cause.errno in _DISK:
            return f"{cause.filename}: {cause.strerror}" if cause.filename else text
        numbers = {int(number) for match in _RUST.findall(text) for number in match if number}
        if numbers & _DISK or any(words in text.lower() for words in _DISK_WORDS):
            return f"a file could not be written ({text})"
        cause = cause.__cause__ or cause.__context__
    return None
