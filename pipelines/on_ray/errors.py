"""What Ray raises, as the errors that the rest of this package knows."""

from collections.abc import Iterator
from contextlib import contextmanager

from ray.exceptions import RayError, RayTaskError

from builders.errors import RunFailed, SrtError
from pipelines.llms.http_replies import one_line


@contextmanager
def plain_errors() -> Iterator[None]:
    """Raise an SrtError of another process as it was there, and RunFailed where one has died."""
    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, SrtError):
            raise error.cause from None
        raise
    except RayError as error:
        # The first line names the kind of death, those behind it the actor, node and job.
        said = one_line(str(error).strip().partition("\n")[0], 160)
        raise RunFailed(f"a Ray worker was lost ({said}); the same command continues") from None
