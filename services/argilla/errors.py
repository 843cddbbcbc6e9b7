"""Why there is no Argilla to talk to, in one line."""


class CannotStart(Exception):
    """The folder or the port cannot be had: what to change."""


class Failed(Exception):
    """The environment could not be made, or a part of the server ended by itself."""


class NotInstalled(Failed):
    """pip could not fetch the server's environment."""
