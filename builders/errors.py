"""Errors a user can act on, with the exit status each one ends a command with."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class SrtError(Exception):
    """One line for the user: what is wrong, where, and what to do about it."""

    exit_code = 1


class BadInput(SrtError):
    """The recipe, a key, a path, a model or a token is wrong; nothing was started."""

    exit_code = 2


class RunFailed(SrtError):
    """The run began and could not finish; the same command continues it."""

    exit_code = 1


class GateRefused(SrtError):
    """The data fell short of what a release requires."""

    exit_code = 3


def reason_of(error: object) -> str:
    """An error's own text on one line, at most 300 characters; its type's name if it has none.

    >>> reason_of(ValueError("two\\n lines")), reason_of(TimeoutError())
    ('two lines', 'TimeoutError')
    """
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]} …"


def first_problem(error: "ValidationError") -> str:
    """The first problem that pydantic found in a file: the key and what is wrong with it."""
    problem = error.errors()[0]
    where = ".".join(map(str, problem["loc"])) or "the file"
    return f"{where}: {problem['msg']}"
