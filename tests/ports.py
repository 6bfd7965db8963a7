"""Free ports for the servers that tests start, while several test processes share one machine."""

import secrets
import socket
from contextlib import suppress

PORTS = range(20_000, 32_000)
"""These lie below the ports that Linux gives to outgoing connections."""
TRIES = 1_000


def free_port() -> int:
    """Return a TCP port on which nothing listens, and which no other call returns while this process lives.

    The caller's server binds the port later. Until then the UDP port of the same number, which this process binds,
    tells other test processes that the port is taken.
    """
    for _ in range(TRIES):
        port = secrets.choice(PORTS)
        if _hold(port) and _is_free(port):
            return port
    raise OSError(f"none of {TRIES} ports between {PORTS.start} and {PORTS.stop} is free")


def _hold(port: int) -> bool:
    """Bind the UDP port until this process ends. Return whether no other call has it."""
    mark = socket.socket(type=socket.SOCK_DGRAM)
    try:
        mark.bind(("127.0.0.1", port))
    except OSError:
        mark.close()
        return False
    mark.detach()  # the descriptor stays open: the system closes it when this process ends
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False
