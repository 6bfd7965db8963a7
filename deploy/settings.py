"""All settings of the project in one frozen, validated object: environment `ASTRA_*` over a TOML file over defaults."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from api.identity.limits import ACCESS_TTL_S, ACCESS_TTL_S_MAX, SECRET_BYTES_MIN
from api.identity.store import urls
from api.identity.wallets import config as wallets
from api.limits.caps import Caps
from api.limits.client_address import FORWARDED_FOR, ClientAddresses, ForwardedHeader
from api.origins import origins_of
from deploy.errors import SettingsError
from deploy.indexer_settings import PORT, Port
from deploy.retention_settings import DEV_INTERVAL_S, DIRECTORY, NO_ARCHIVE, RetentionSettings, has_archive
from deploy.run import worker_plan
from deploy.secret_files import SUFFIX, SecretFiles
from deploy.setting_errors import explain, refuse_unknown
from streams import topics

ENV_PREFIX = "ASTRA_"
CONFIG_VARIABLE = "ASTRA_CONFIG"
CONFIG_FILE = Path("astratrade.toml")
PARTITIONS_MAX = 1024
STANDBYS_MAX = 8
DATA_DIR_DEFAULT = Path("data")
CAPS = Caps()
CAP = "1 to 1000000"
FACTOR_MAX = 10_000
DATABASE_FILE = "identity.db"
SECRET_FIELDS = (
    "secret", "log_key", "broker_url", "views_url", "database_url", "starknet_node_url", "indexer_socket_url",
    "settlement_password", "sink_password",
)  # fmt: skip

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["console", "json"]
Milliseconds = Annotated[int, Field(ge=100, le=600_000)]
Cap = Annotated[int, Field(ge=1, le=1_000_000)]


class Settings(RetentionSettings):
    """Every setting. Error messages and the documentation use the description of a field."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    database_url: SecretStr | None = Field(
        None,
        description="the database of accounts: postgresql:// or sqlite:// with a file; unset for identity.db in the "
        "data directory",
    )
    server_binary: Path | None = Field(None, description="path of the valkey-server or redis-server to embed")
    data_dir: Path = Field(DATA_DIR_DEFAULT, description="directory for everything kept on disk")
    rulebook: Path | None = Field(None, description="path of a rule book, a TOML file; unset for the packaged one")
    namespace: Name = Field(
        topics.NAMESPACE, description="prefix of all keys on the broker: a-z, 0-9, _ and -, at most 40"
    )
    app_id: Name = Field("astratrade", description="prefix of groups and tables: a-z, 0-9, _ and -, at most 40")
    partitions: int = Field(4, ge=1, le=PARTITIONS_MAX, description="partitions of each topic, 1 to 1024")
    workers: str = Field("1", description=f"worker processes that `dev` starts: {worker_plan.ACCEPTED}")
    standbys: int = Field(0, ge=0, le=STANDBYS_MAX, description="warm copies of each partition's tables, 0 to 8")
    api_host: str = Field("127.0.0.1", min_length=1, description="address that the API listens on")
    api_port: Port = Field(8000, description=f"port of the API, {PORT}")
    metrics_host: str = Field("127.0.0.1", min_length=1, description="address of the API's metrics")
    metrics_port: Port = Field(0, description=f"port of the API's metrics, {PORT}")
    cors_origins: str = Field(
        "", description="origins whose pages may call the API, with commas: https://app.example.com"
    )
    hsts_s: int = Field(
        0, ge=0, le=63_072_000, description="how long browsers shall use TLS alone, 0 to 63072000 seconds; 0 is off"
    )
    drain_s: int = Field(
        0, ge=0, le=300, description="how long the API serves on after a signal to end, 0 to 300 seconds"
    )
    trusted_proxies: str = Field(
        "",
        description="networks of the proxies that name a client's address, CIDR separated by commas; none by default",
    )
    forwarded_header: ForwardedHeader = Field(
        FORWARDED_FOR, description="the header in which trusted proxies do so: x-forwarded-for or forwarded"
    )
    rate_limit_factor: int = Field(
        1, ge=1, le=FACTOR_MAX, description=f"multiplies every rate limit of the API, 1 to {FACTOR_MAX}"
    )
    connections_max: Cap = Field(CAPS.connections_max, description=f"open connections of an API process, {CAP}")
    connections_per_address_max: Cap = Field(
        CAPS.connections_per_address_max, description=f"of these, connections from one address, {CAP}"
    )
    feeds_max: Cap = Field(CAPS.feeds_max, description=f"open feeds of an API process, {CAP}")
    feeds_anonymous_max: Cap = Field(CAPS.feeds_anonymous_max, description=f"of these, feeds without a token, {CAP}")
    feeds_per_account_max: Cap = Field(CAPS.feeds_per_account_max, description=f"open feeds of one account, {CAP}")
    feeds_per_address_max: Cap = Field(
        CAPS.feeds_per_address_max, description=f"open feeds without a token from one address, {CAP}"
    )
    worker_host: str = Field("127.0.0.1", min_length=1, description="address of a worker's probes and metrics")
    worker_port: Port = Field(0, description=f"port of a worker's probes and metrics, {PORT}")
    relay_host: str = Field("127.0.0.1", min_length=1, description="address of the relay's probes and metrics")
    relay_port: Port = Field(0, description=f"port of the relay's probes and metrics, {PORT}")
    clock_host: str = Field("127.0.0.1", min_length=1, description="address of the clock's probes and metrics")
    clock_port: Port = Field(0, description=f"port of the clock's probes and metrics, {PORT}")
    webhooks_host: str = Field("127.0.0.1", min_length=1, description="address of the webhooks' probes and metrics")
    webhooks_port: Port = Field(0, description=f"port of the webhooks' probes and metrics, {PORT}")
    webhooks_private: bool = Field(False, description="let webhooks use http and addresses that are not public")
    outbox_retention_days: int = Field(
        14, ge=1, le=3_650, description="how long the outbox keeps published events, 1 to 3650 days"
    )
    lease_ms: Milliseconds = Field(
        10_000, description="how long a silent worker keeps its partitions, 100 to 600000 ms"
    )
    heartbeat_ms: Milliseconds = Field(
        2_000, description="how often a worker renews its lease, at most a third of lease_ms"
    )
    rebalance_ms: Milliseconds = Field(20_000, description="how long a rebalance waits for a member, 100 to 600000 ms")
    appendfsync: Literal["everysec", "always"] = Field(
        "everysec", description="when the embedded server syncs its file: everysec or always"
    )
    secret: SecretStr | None = Field(
        None,
        description=f"secret that seals the signing keys, at least {SECRET_BYTES_MIN} bytes; unset for a generated one",
    )
    token_ttl_s: int = Field(
        ACCESS_TTL_S,
        ge=1,
        le=ACCESS_TTL_S_MAX,
        description=f"life of a token that `astratrade token` issues, 1 to {ACCESS_TTL_S_MAX} seconds",
    )
    public_origin: str = Field(
        "", description="the API's public origin, which wallets sign: https://app.example.com; unset for the API's own"
    )
    grafana_url: str = Field(
        "", pattern=r"^(https?://\S*[^\s/])?$", description="Grafana, such as https://grafana.example.com, or unset"
    )
    starknet_chain_id: str = Field(wallets.CHAIN, description="the chain of wallets that sign in: SN_MAIN, SN_SEPOLIA")
    starknet_node_url: SecretStr | None = Field(
        None, description="a Starknet node, which checks wallets: http:// or https://; unset for none"
    )
    starknet_account_classes: str = Field(
        wallets.CLASSES,
        description="classes of accounts whose address proves their key: openzeppelin:0x… and argent:0x…, with commas",
    )
    idempotency_ttl_s: int = Field(
        86_400, ge=60, le=2_592_000, description="how long an Idempotency-Key is remembered, 60 to 2592000 seconds"
    )
    behind_max_s: int = Field(
        30,
        ge=0,
        le=86_400,
        description="how far a domain may be behind before its orders are refused, 0 to 86400 seconds; 0 never refuses",
    )
    log_level: LogLevel = Field("info", description="debug, info, warning or error")
    log_format: LogFormat = Field("console", description="console, for a person, or json, an object a line")
    trace_sample: float = Field(0, ge=0, le=1, description="the part of requests that is traced, 0 to 1; 0 is off")
    log_key: SecretStr | None = Field(
        None,
        description=f"key of the digests that replace the names of users in logs, at least {SECRET_BYTES_MIN} bytes; "
        "unset for one that no two processes share",
    )

    @field_validator("workers", mode="before")
    @classmethod
    def _a_worker_plan(cls, value: object) -> object:
        worker_plan.worker_plan(str(value))
        return str(value)

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, text: str) -> str:
        origins_of(text)
        return text

    @field_validator("public_origin")
    @classmethod
    def _an_origin(cls, text: str) -> str:
        return text and wallets.check_origin(text)

    @field_validator("starknet_chain_id")
    @classmethod
    def _a_chain(cls, text: str) -> str:
        return wallets.check_chain_id(text)

    @field_validator("starknet_node_url")
    @classmethod
    def _a_node(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            wallets.check_node_url(url.get_secret_value())
        return url

    @field_validator("starknet_account_classes")
    @classmethod
    def _classes_of_accounts(cls, text: str) -> str:
        wallets.account_classes_of(text)
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, networks: str) -> str:
        ClientAddresses(listed(networks))
        return networks

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            urls.check_url(url.get_secret_value())
        return url

    @field_validator("secret", "log_key")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value().encode()) < SECRET_BYTES_MIN:
            raise ValueError(f"it has {len(secret.get_secret_value().encode())} bytes")
        return secret

    @field_validator("data_dir", "rulebook")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    @model_validator(mode="after")
    def _lease_outlasts_heartbeats(self) -> Settings:
        if self.heartbeat_ms * 3 > self.lease_ms:
            raise ValueError(
                f"ASTRA_HEARTBEAT_MS={self.heartbeat_ms} and ASTRA_LEASE_MS={self.lease_ms} do not fit: "
                "a lease must outlast three heartbeats"
            )
        return self

    @model_validator(mode="after")
    def _each_shard_has_a_partition(self) -> Settings:
        if self.partitions < self.shard_count:
            raise ValueError(
                f"ASTRA_PARTITIONS={self.partitions} is less than the {self.shard_count} shards of the log"
            )
        return self

    @property
    def identity_url(self) -> str:
        """Return the URL of the database of accounts: the configured one, or the file in the data directory."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return urls.sqlite_url(self.data_dir / DATABASE_FILE)

    @model_validator(mode="after")
    def _wallets_have_an_origin(self) -> Settings:
        _ = self.wallet_config
        return self

    @property
    def wallet_config(self) -> wallets.WalletConfig:
        """Return the settings of wallets."""
        node = self.starknet_node_url
        return wallets.WalletConfig(
            origin=self.public_origin or wallets.origin_at(self.api_host, self.api_port),
            chain_id=self.starknet_chain_id,
            node_url=None if node is None else node.get_secret_value(),
            account_classes=wallets.account_classes_of(self.starknet_account_classes),
        )

    @property
    def archive_url(self) -> str | None:
        """Return where records are archived; None without an archive."""
        if not has_archive(self.archive, self.broker_url):
            return None
        return self.archive or str(self.data_dir / DIRECTORY)

    def with_archive(self) -> Settings:
        """Return the settings of `dev` with the archive that they mean, so that it stays when the server is named."""
        interval_s = self.archive_interval_s if "archive_interval_s" in self.model_fields_set else DEV_INTERVAL_S
        return self.model_copy(update={"archive": self.archive_url or NO_ARCHIVE, "archive_interval_s": interval_s})

    def with_log_url(self, url: str) -> Settings:
        """Return these settings with another server for the log, or on Kafka for the views."""
        return self.model_copy(update={"views_url" if self.on_kafka else "broker_url": url})

    def with_log_level(self, level: LogLevel) -> Settings:
        """Return these settings with a default log level."""
        return self if "log_level" in self.model_fields_set else self.model_copy(update={"log_level": level})

    def environment(self) -> dict[str, str]:
        """Return these settings as environment variables, for child processes."""
        values = self.model_dump(exclude_none=True)
        return {variable(name): _revealed(value) for name, value in values.items()}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments first, then the environment, then files that it names, then the TOML file."""
        secret_files = SecretFiles(settings_cls, ENV_PREFIX, SECRET_FIELDS)
        return init_settings, env_settings, secret_files, TomlConfigSettingsSource(settings_cls, config_file())


def listed(text: str) -> tuple[str, ...]:
    """Return the parts of a setting that are separated by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _revealed(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def variable(field: str) -> str:
    """Return the environment variable of a field."""
    return ENV_PREFIX + field.upper()


def config_file() -> Path:
    """Return the TOML file: the one that ASTRA_CONFIG names, or `astratrade.toml` here, which need not exist."""
    return Path(os.environ.get(CONFIG_VARIABLE) or CONFIG_FILE)


def load(**overrides: Any) -> Settings:
    """Load the settings. An override of None does not change a setting.

    Raises:
        SettingsError: at the first wrong setting. The message names it, the reason, and the accepted values.
    """
    known = {*map(variable, Settings.model_fields), CONFIG_VARIABLE}
    refuse_unknown(os.environ, ENV_PREFIX, known | {variable(field) + SUFFIX for field in SECRET_FIELDS})
    if CONFIG_VARIABLE in os.environ and not config_file().is_file():
        raise SettingsError(f"{CONFIG_VARIABLE} names {str(config_file())!r}, which is not a file")
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as exc:
        raise SettingsError(_explain(exc.errors(include_url=False)[0])) from exc
    except tomllib.TOMLDecodeError as exc:
        raise SettingsError(f"{config_file()} is not valid TOML: {exc}") from exc


def _explain(error: ErrorDetails) -> str:
    fields = {name: field.description or "" for name, field in Settings.model_fields.items()}
    return explain(error, fields, variable, config_file(), secret=SECRET_FIELDS)
