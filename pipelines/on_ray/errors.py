"""Ray's exceptions, as the errors of this package."""

from collections.abc import Iterator
from contextlib import contextmanager

from ray.exceptions import RayError, RayTaskError

from builders.errors import RunFailed, SrtError
from pipelines.llms.endpoint.text import one_line


@contextmanager
def plain_errors() -> Iterator[None]:
    """Raise another process's SrtError unchanged, and RunFailed if that process has died."""
    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, SrtError):
            raise error.cause from None
        raise
    except RayError as error:
        # The first line names the cause, the others the actor, node and job.
        cause = one_line(str(error).strip().partition("\n")[0], 160)
        raise RunFailed(f"a Ray worker was lost ({cause}); the same command continues") from None
