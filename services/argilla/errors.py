"""The one error that callers treat on its own; all others are BadInput or RunFailed."""

from builders.errors import RunFailed


class NotInstalled(RunFailed):
    """pip could not fetch the server's environment."""
