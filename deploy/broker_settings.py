"""The settings of the broker: one server, or one for each shard of the log. They are a part of all settings."""

from __future__ import annotations

from urllib.parse import urlsplit

from faust_redis.log.address import split_urls
from faust_redis.log.cluster import Cluster
from faust_redis.log.sentinels import Sentinels
from pydantic import Field, field_validator

from deploy.sink_settings import SinkSettings
from streams.connect.kafka.address import address_of

LOG_SCHEMES = ("redis", "rediss", "unix")
BROKER_SCHEMES = (*LOG_SCHEMES, "kafka")
SHARDS_MAX = 64


class BrokerSettings(SinkSettings):
    """Where the log is, on how many servers, and which of them a worker serves."""

    broker_url: str | None = Field(
        None,
        repr=False,
        description="the broker: redis://, rediss://, unix:// or kafka://, or a list with the broker of each shard; "
        "unset for the embedded server",
    )
    views_url: str | None = Field(
        None,
        repr=False,
        description="where the views are kept when the broker is Kafka: redis://, rediss:// or unix://; "
        "unset for the embedded server",
    )
    shards: int = Field(
        1,
        ge=1,
        le=SHARDS_MAX,
        description="embedded servers that share the partitions, 1 to 64; servers of your own are counted in "
        "ASTRA_BROKER_URL",
    )
    shard: int = Field(
        0, ge=0, lt=SHARDS_MAX, description="the shard that a worker serves, from 0; each needs workers of its own"
    )

    @field_validator("broker_url")
    @classmethod
    def _known_scheme(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in BROKER_SCHEMES:
            raise ValueError(f"its scheme is {urlsplit(url).scheme!r}")
        if url is not None and is_kafka(url):
            address_of(url)
        elif url is not None:
            _check_log_urls(url)
        return url

    @field_validator("views_url")
    @classmethod
    def _known_log_scheme(cls, url: str | None) -> str | None:
        if url is not None:
            _check_log_urls(url)
        return url

    @property
    def on_kafka(self) -> bool:
        """Return whether the workers' broker is Kafka."""
        return self.broker_url is not None and is_kafka(self.broker_url)

    @property
    def configured_log_url(self) -> str | None:
        """Return the URL of the configured server of the log, or on Kafka of the views. None means the embedded one."""
        return self.views_url if self.on_kafka else self.broker_url

    @property
    def shard_count(self) -> int:
        """Return how many brokers hold the log."""
        url = self.configured_log_url
        return self.shards if url is None else len(split_urls(url))

    @property
    def embedded(self) -> bool:
        """Return whether this installation runs the embedded server."""
        return self.configured_log_url is None


def is_kafka(url: str) -> bool:
    """Return whether the URL of a broker names Kafka."""
    return url.partition(":")[0].lower() == "kafka"


def _check_log_urls(text: str) -> None:
    """Check the URL of each shard.

    Raises:
        ValueError: one has another scheme, or names Sentinels in a wrong way.
    """
    for url in split_urls(text):
        if urlsplit(url).scheme not in LOG_SCHEMES:
            raise ValueError(f"its scheme is {urlsplit(url).scheme!r}")
        Sentinels.of(url)
        Cluster.of(url)
