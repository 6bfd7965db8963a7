"""The settings of what the log keeps, how long, and of its archive. They are a part of all settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from faust_redis.log.retention import RETENTION_MS, TAIL_MS
from pydantic import Field, field_validator, model_validator

from deploy.broker_settings import BrokerSettings, is_kafka
from deploy.indexer_settings import PORT, Port

Retention = Annotated[int, Field(ge=1_000, le=315_360_000_000)]
HOT_MS: Final = 6 * 3_600_000
"""How long the log keeps events by default when an archive has the older ones."""
DEV_INTERVAL_S: Final = 10
"""In `dev` the archiver writes files this often, so that a query soon finds a new event."""
NO_ARCHIVE: Final = "off"
DIRECTORY: Final = "archive"
"""Where the archive is in the data directory by default, beside the embedded server."""
OBJECT_STORES: Final = ("s3://", "gs://")


class RetentionSettings(BrokerSettings):
    """How long records are kept on the broker and in the archive, and every setting that only the archiver reads."""

    clock_retention_ms: Retention = Field(
        3_600_000, description="how long processed ticks are kept, 1000 ms to 10 years"
    )
    retention_ms: Retention = Field(
        RETENTION_MS,
        description="how long the broker keeps events once they are processed, 1000 ms to 10 years; unset for 6 hours "
        "with an archive, 7 days without",
    )
    tail_ms: Retention = Field(
        TAIL_MS, description="how long changes of tables are kept beside their snapshots, 1000 ms to 10 years"
    )
    archive: str | None = Field(
        None,
        description="where records are archived: a directory, file://, s3://bucket/prefix, gs://bucket/prefix, or off; "
        "unset for archive/ in the data directory beside the embedded server, and off with another broker",
    )
    archive_retention_ms: Retention = Field(
        315_360_000_000, description="how long archived records are kept, 1000 ms to 10 years"
    )
    archive_interval_s: int = Field(
        600, ge=1, le=86_400, description="how long a record waits until it is archived, 1 to 86400 seconds"
    )
    archive_host: str = Field("127.0.0.1", min_length=1, description="address of the archiver's probes and metrics")
    archive_port: Port = Field(0, description=f"port of the archiver's probes and metrics, {PORT}")

    @field_validator("archive")
    @classmethod
    def _a_place(cls, url: str | None) -> str | None:
        if url is None or url == NO_ARCHIVE or url.startswith(OBJECT_STORES):
            return url
        path = url.removeprefix("file://")
        if "://" in path:
            raise ValueError(f"its scheme is {path.partition('://')[0]!r}")
        return str(Path(path).expanduser().absolute())

    @model_validator(mode="before")
    @classmethod
    def _shorter_with_an_archive(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Keep events for hours by default when the log has an archive."""
        broker_url = values.get("broker_url")
        archived = has_archive(values.get("archive"), None if broker_url is None else str(broker_url))
        if archived and "retention_ms" not in values:
            return values | {"retention_ms": HOT_MS}
        return values


def has_archive(named: str | None, broker_url: str | None) -> bool:
    """Return whether the log has an archive: a named one, or by default the one beside the embedded server."""
    if named == NO_ARCHIVE or (broker_url is not None and is_kafka(broker_url)):
        return False
    return named is not None or broker_url is None
