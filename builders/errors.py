"""Errors a user can act on, with the exit status each one ends a command with."""


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
