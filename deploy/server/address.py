"""The address of the API: a free port to listen on, and the URL for clients."""

from __future__ import annotations

import socket

from deploy.errors import DeployError
from deploy.settings import Settings

HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here


def api_url(settings: Settings) -> str:
    """Return the API's URL, as seen from this machine."""
    host = HERE.get(settings.api_host, settings.api_host)
    return f"http://[{host}]:{settings.api_port}" if ":" in host else f"http://{host}:{settings.api_port}"


def free_port(host: str, port: int) -> int:
    """Return the port if it is free, or any free port for 0.

    Raises:
        DeployError: when the port is in use, or the host is not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as exc:
            raise DeployError(f"cannot listen on {host}:{port} ({exc.strerror}); choose another with --port") from exc
        return int(attempt.getsockname()[1])
