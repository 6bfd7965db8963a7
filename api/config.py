"""The configuration of the API: plain values, which the composition root (`deploy`) takes from its settings."""

from __future__ import annotations

from collections.abc import KeysView
from dataclasses import dataclass, field

from api.identity.limits import SECRET_BYTES_MIN
from api.identity.wallets.config import WalletConfig
from api.limits.caps import Caps
from api.limits.client_address import FORWARDED_FOR, ForwardedHeader
from api.rules import Rules

IDEMPOTENCY_TTL_S = 86_400
MARK_AHEAD_MAX_S = 2
BEHIND_MAX_S = 30
LEASE_MS = 10_000
HEARTBEAT_MS = 2_000


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Settings of one API process.

    Attributes:
        log_url: Where the log is: redis://, rediss:// or unix://.
        database_url: The database of accounts: postgresql:// or sqlite:// with a file.
        secret: Seals the signing keys of tokens in the store, and signs cursors; at least 32 bytes.
        rules: The rule book, as clients see it.
        rulebook: Identity of the rule book: version and digest.
        namespace: Prefix of all keys of the log.
        app_id: The application whose groups and tables are served.
        archive: Where trimmed records are, see `faust_redis.archive`; None without an archive.
        partitions: Lets the API create the topics it writes to; None waits for a worker to create them.
        idempotency_ttl_s: How long an Idempotency-Key is remembered, in seconds.
        mark_ahead_max_s: How far ahead of the API's clock the time of a mark price may lie, in seconds. The newest
            mark of a market wins, so that a mark far ahead would keep out all others until its time has come.
        behind_max_s: How far a domain may be behind before its commands are answered by their policy, in seconds; 0
            accepts all commands always.
        lease_ms: How long this process counts as a live service after it has said so.
        heartbeat_ms: How often it says so.
        cors_origins: Origins whose pages may call the API from a browser; see `api.cross_origin`.
        hsts_s: How long browsers shall use TLS alone, in seconds; 0 unless clients reach the API by TLS.
        rate_limit_factor: How many times the units of `api.limits.policies` each caller has.
        caps: How many connections and feeds may be open.
        trusted_proxies: Networks (CIDR) of the proxies whose word for a client's address counts.
        forwarded_header: The header in which these proxies name their client.
        wallets: The chain and the node of wallets that sign in.
        sponsor: The account that sends sponsored calls; empty where there is none.
        webhooks_private: Whether webhooks may use http and addresses that are not public.
        grafana_url: Where the installation's Grafana is, without a slash at the end; empty where there is none.
    """

    log_url: str = field(repr=False)
    database_url: str = field(repr=False)
    secret: str = field(repr=False)
    rules: Rules
    rulebook: str
    namespace: str = "astra"
    app_id: str = "astratrade"
    archive: str | None = None
    partitions: int | None = None
    idempotency_ttl_s: int = IDEMPOTENCY_TTL_S
    mark_ahead_max_s: int = MARK_AHEAD_MAX_S
    behind_max_s: int = BEHIND_MAX_S
    lease_ms: int = LEASE_MS
    heartbeat_ms: int = HEARTBEAT_MS
    cors_origins: tuple[str, ...] = ()
    hsts_s: int = 0
    rate_limit_factor: int = 1
    caps: Caps = field(default_factory=Caps)
    trusted_proxies: tuple[str, ...] = ()
    forwarded_header: ForwardedHeader = FORWARDED_FOR
    wallets: WalletConfig = field(default_factory=WalletConfig)
    sponsor: str = ""
    webhooks_private: bool = False
    grafana_url: str = ""

    def __post_init__(self) -> None:
        if len(self.secret.encode()) < SECRET_BYTES_MIN:
            raise ValueError(f"secret needs at least {SECRET_BYTES_MIN} bytes")
        if not self.rules.markets:
            raise ValueError("markets is empty; name at least one")

    @property
    def markets(self) -> KeysView[str]:
        """Return the symbols that can be traded; anything else is refused."""
        return self.rules.markets.keys()

    @property
    def rules_version(self) -> int:
        """Return the version of the rule book, which every command carries."""
        return self.rules.version
