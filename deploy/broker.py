"""Which broker a process talks to: the configured one, or the embedded server that runs on the data directory."""

from __future__ import annotations

from urllib.parse import urlsplit

from deploy.errors import BrokerError
from deploy.meeting import running_url
from deploy.settings import Settings


def broker_url(settings: Settings) -> str:
    """The broker's URL.

    Raises:
        BrokerError: when none is configured and no embedded server runs on the data directory.
    """
    url = settings.broker_url or running_url(settings.data_dir)
    if url is None:
        raise BrokerError(
            f"no server runs on {settings.data_dir}; start `astratrade dev` there, or set --data-dir or ASTRA_DATA_DIR "
            "to where it runs, or ASTRA_BROKER_URL to a server"
        )
    return url


def log_url(settings: Settings) -> str:
    """The broker's URL, for what reads the log of Redis directly: the API, `topics`, `tables`, `reset`.

    Raises:
        BrokerError: also when the broker is Kafka, which keeps no snapshots to read.
    """
    url = broker_url(settings)
    if urlsplit(url).scheme == "kafka":
        raise BrokerError("this reads the log on Redis; on Kafka, use Kafka's own tools (docs/operations.md)")
    return url
