"""Free ports for the servers that tests start, while several test processes share one machine."""

import secrets
import socket
from contextlib import suppress

PORTS = range(20_000, 32_000)
"""These lie below the ports that Linux gives to outgoing connections."""

_given: set[int] = set()


def free_port() -> int:
    """Return a port on which nothing listens.

    The choice is random, so that test processes which ask at the same time get different ports. A process gets each
    port once, because a server may not have bound its port yet.
    """
    while True:
        port = secrets.choice(PORTS)
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
