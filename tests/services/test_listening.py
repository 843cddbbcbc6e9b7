import resource
import socket

import pytest

from builders.errors import BadInput
from services.listening import listening


def test_connections_end_whose_client_reads_nothing():
    """How long that takes is the system's to keep; here, that connections have the setting."""
    with listening(0) as listener:
        address = listener.getsockname()
        assert address[0] == "127.0.0.1"
        with socket.create_connection(address), listener.accept()[0] as accepted:
            set_ms = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert 60_000 <= set_ms <= 600_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == hard


def test_a_port_in_use_is_one_line():
    with listening(0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port}: it is in use"):
            listening(port)
