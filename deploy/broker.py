"""Find the servers of a process: the configured ones, or the embedded server that runs on the data directory."""

from __future__ import annotations

from deploy.errors import BrokerError
from deploy.server.endpoint import running_url
from deploy.settings import Settings


def broker_url(settings: Settings) -> str:
    """Return the URL of the workers' broker.

    Raises:
        BrokerError: when none is configured and no embedded server runs on the data directory.
    """
    return str(settings.broker_url) if settings.on_kafka else log_url(settings)


def log_url(settings: Settings) -> str:
    """Return the URL of the server that holds the log, or on Kafka the views.

    Raises:
        BrokerError: when none is configured and no embedded server runs on the data directory.
    """
    url = settings.configured_log_url or running_url(settings.data_dir)
    if url is None:
        name = "ASTRA_VIEWS_URL" if settings.on_kafka else "ASTRA_BROKER_URL"
        raise BrokerError(
            f"no server runs on {settings.data_dir}; start `astratrade dev` there, or set --data-dir or ASTRA_DATA_DIR "
            f"to where it runs, or {name} to a server"
        )
    return url
