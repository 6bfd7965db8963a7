"""Find the servers of a process: the configured ones, or the embedded server that runs on the data directory."""

from __future__ import annotations

from faust_redis.archive import client_of
from faust_redis.log import Log
from faust_redis.log.sharded import open_log

from deploy.errors import BrokerError
from deploy.server.endpoint import running_urls
from deploy.settings import Settings


def broker_url(settings: Settings) -> str:
    """Return the URL of the workers' broker.

    Raises:
        BrokerError: when none is configured and no embedded server runs on the data directory.
    """
    return str(settings.broker_url) if settings.on_kafka else log_url(settings)


def log_url(settings: Settings) -> str:
    """Return the URL of the server that holds the log, or on Kafka the views; those of all shards, with commas between.

    Raises:
        BrokerError: when none is configured and no embedded server runs on the data directory.
    """
    url = settings.configured_log_url or ",".join(running_urls(settings.data_dir) or ())
    if not url:
        name = "ASTRA_VIEWS_URL" if settings.on_kafka else "ASTRA_BROKER_URL"
        raise BrokerError(
            f"no server runs on {settings.data_dir}; start `astratrade dev` there, or set --data-dir or ASTRA_DATA_DIR "
            f"to where it runs, or {name} to a server"
        )
    return url


def log_of(settings: Settings, *, owned: bool = True, transit: str = "", compacted: bool = False) -> Log:
    """Return a client of the log, which reads trimmed records from the archive.

    Args:
        settings: The settings.
        owned: Whether to claim the namespace for the application.
        transit: A name for the transit topics of a process that writes to several shards at once.
        compacted: Whether to read earlier changes of tables from the archive, too.

    Raises:
        BrokerError: when none is configured and no embedded server runs on the data directory.
    """
    name = f"{settings.app_id}-{transit}" if transit else ""
    owner = settings.app_id if owned else ""
    client = client_of(settings.archive_url, compacted=compacted)
    return open_log(log_url(settings), settings.namespace, owner=owner, transit=name, client=client)


def own_shard(settings: Settings) -> Log:
    """Return a client of the shard that a worker serves. It needs no other shard.

    Raises:
        BrokerError: there is no such shard, or no server.
    """
    shards = log_of(settings).shards
    if settings.shard >= len(shards):
        raise BrokerError(f"ASTRA_SHARD={settings.shard} names no shard: the log has {len(shards)}, from 0 on")
    return shards[settings.shard]
