"""Say whether the services of a container live: `python -m deploy.healthcheck`, with status 0 or 1.

A container runs one service, or all of them as `astratrade dev`. Each serves `/livez` at the port that its setting
names. Every port that is open must answer 200, and at least one must be open. Only the standard library is imported,
because this runs every few seconds.
"""

from __future__ import annotations

import os
import sys
from urllib.error import HTTPError
from urllib.request import urlopen

PORTS = (
    "ASTRA_METRICS_PORT",
    "ASTRA_WORKER_PORT",
    "ASTRA_RELAY_PORT",
    "ASTRA_CLOCK_PORT",
    "ASTRA_WEBHOOKS_PORT",
    "ASTRA_INDEXER_PORT",
    "ASTRA_SETTLEMENT_PORT",
    "ASTRA_SINK_PORT",
    "ASTRA_ARCHIVE_PORT",
)
TIMEOUT_S = 2.0


def answer(port: str) -> str | None:
    """Ask the service at a port whether it lives.

    Returns:
        An empty text when it does, the fault when it does not, and None when the port is closed.
    """
    try:
        with urlopen(f"http://127.0.0.1:{port}/livez", timeout=TIMEOUT_S):
            return ""
    except HTTPError as exc:
        return f"port {port} answers {exc.code}: {exc.read().decode(errors='replace')}"
    except TimeoutError:
        return f"port {port} does not answer within {TIMEOUT_S:g} s"
    except OSError as exc:
        if isinstance(getattr(exc, "reason", None), TimeoutError):
            return f"port {port} does not answer within {TIMEOUT_S:g} s"
        return None


def main() -> int:
    """Print `up` or the faults. Return 0 when every open port answers 200, else 1."""
    ports = {os.environ.get(name, "0") for name in PORTS} - {"0", ""}
    answers = [found for port in sorted(ports) if (found := answer(port)) is not None]
    wrong = [text for text in answers if text] if answers else ["no service of this container has its port open"]
    print("\n".join(wrong) or "up")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
