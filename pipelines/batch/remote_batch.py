"""A batch as its endpoint describes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

FINISHED = ("completed", "failed", "expired", "cancelled")


@dataclass(frozen=True)
class RemoteBatch:
    """`files` are the ids of the output and the error file, if they exist.

    `seconds` is how long the batch took, 0 if unknown. `progress` and `errors` are for messages.
    """

    id: str
    status: str
    files: tuple[str, ...]
    seconds: float
    progress: str
    errors: str

    @classmethod
    def read(cls, value: Mapping[str, Any], printable: Callable[[str], str]) -> Self:
        """From a JSON object with an id, whose other values may be missing or of any type."""
        files = [value.get(name) for name in ("output_file_id", "error_file_id")]
        return cls(
            id=value["id"],
            status=printable(str(value.get("status"))),
            files=tuple(file for file in files if isinstance(file, str) and file),
            seconds=_seconds(value),
            progress=_progress(value),
            errors=printable(_errors(value)),
        )

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


def _progress(value: Mapping[str, Any]) -> str:
    counts = value.get("request_counts")
    if not isinstance(counts, dict) or not isinstance(counts.get("total"), int):
        return ""
    done = [counts.get(name) for name in ("completed", "failed")]
    done = sum(count for count in done if isinstance(count, int))
    return f" ({done:,} of {counts['total']:,} requests done)"


def _seconds(value: Mapping[str, Any]) -> float:
    start, end = value.get("created_at"), value.get("completed_at")
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        return 0.0
    return max(0.0, float(end - start))


def _errors(value: Mapping[str, Any]) -> str:
    errors = value.get("errors")
    data = errors.get("data") if isinstance(errors, dict) else None
    messages = [
        str(error.get("message") or error.get("code"))
        for error in (data if isinstance(data, list) else ())
        if isinstance(error, dict)
    ]
    return "; ".join(messages[:3]) or "no reason was given"
