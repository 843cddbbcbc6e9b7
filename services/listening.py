"""A socket on a local port, for clients who may connect in numbers and then not read."""

import errno
import resource
import socket

from builders.errors import BadInput

HOST = "127.0.0.1"
_BACKLOG = 2048
# How long a client may take no byte of its response, in milliseconds, until it is cut off.
_IDLE_MS = 120_000


def listening(port: int) -> socket.socket:
    """A socket that listens on a local port; 0 picks a free one. BadInput if it cannot be had.

    This process may then have as many connections as the system allows it; by default it is a
    thousand, after which nobody is served.
    """
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Connections have it from the socket that accepts them.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _IDLE_MS)
        listener.bind((HOST, port))
        # Until then, another process can have the same port.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "it is in use; choose another with --port" if taken else error.strerror
        raise BadInput(f"port {port}: {reason}") from None
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return listener
