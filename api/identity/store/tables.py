"""The tables of the identity store. Times are Unix microseconds (`..._us`); ids are UUIDv7 text unless stated.

Secrets are never stored: passwords as Argon2id hashes, refresh tokens and API keys as SHA-256 digests, signing keys
sealed under the installation's secret.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from streams.connect.outbox.tables import outbox_tables
from streams.connect.webhooks.tables import webhook_tables

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID = String(64)


def _account(**options: Any) -> Column[str]:
    return Column("account_id", ID, ForeignKey("accounts.id"), nullable=False, **options)


ACCOUNTS: Final = Table(
    "accounts",
    METADATA,
    Column("id", ID, primary_key=True),  # the user id in tokens, topics and tables
    Column("parent_id", ID, ForeignKey("accounts.id"), nullable=True, index=True),  # the owner of a sub-account
    Column("label", String(64), nullable=True),  # of a sub-account, for its owner
    Column("username", String(64), nullable=True),
    Column("username_key", String(64), nullable=True, unique=True),  # casefolded
    Column("email", String(320), nullable=True),
    Column("email_key", String(320), nullable=True, unique=True),  # casefolded
    Column("role", String(16), nullable=False),  # api.auth.Role
    Column("status", String(16), nullable=False),  # active, suspended, closed
    Column("verification", String(16), nullable=False),  # unverified, email, phone, identity, premium
    Column("verified_us", BigInteger, nullable=True),  # when the tier was confirmed last; null for unverified
    Column("is_private", Boolean, nullable=False),  # off the public boards' names
    Column("created_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False, index=True),
)
CREDENTIALS: Final = Table(
    "credentials",
    METADATA,
    _account(primary_key=True),
    Column("password_hash", String(256), nullable=False),
    Column("changed_us", BigInteger, nullable=False),
)
WALLETS: Final = Table(
    "wallets",
    METADATA,
    Column("chain_id", String(32), primary_key=True),
    Column("address", String(66), primary_key=True),  # 0x and 64 hexadecimal digits
    _account(index=True),
    Column("public_key", String(66), nullable=True),  # a registered key; None where the chain is asked each time
    Column("linked_us", BigInteger, nullable=False),
)
CHALLENGES: Final = Table(
    "challenges",
    METADATA,
    Column("nonce", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),  # sign-in, link, unlink
    Column("chain_id", String(32), nullable=False),
    Column("address", String(66), nullable=False),
    Column("account_id", ID, nullable=True),  # who may use a challenge to link or unlink
    Column("issued_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False, index=True),
    Column("used_us", BigInteger, nullable=True),
)
SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("id", ID, primary_key=True),  # a family of refresh tokens; the claim `sid` of access tokens
    _account(index=True),
    Column("method", String(16), nullable=False),  # password, wallet
    Column("address", String(64), nullable=False),  # of the client, when it signed in
    Column("user_agent", String(256), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("last_used_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger, nullable=True),
    Column("ended_why", String(32), nullable=True),  # logout, password-change, wallet-unlinked, reuse, suspended, …
)
REFRESH_TOKENS: Final = Table(
    "refresh_tokens",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("session_id", ID, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("issued_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("used_us", BigInteger, nullable=True),
)
API_KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("id", ID, primary_key=True),
    _account(index=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("name", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("addresses", JSON, nullable=False),  # CIDR networks; empty for all
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("last_used_us", BigInteger, nullable=True),
    Column("revoked_us", BigInteger, nullable=True),
)
SIGNING_KEYS: Final = Table(
    "signing_keys",
    METADATA,
    Column("kid", String(64), primary_key=True),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("signs_from_us", BigInteger, nullable=False),  # the newest key that may sign by now signs
    Column("verifies_until_us", BigInteger, nullable=True),  # set when a newer key takes over
)
REVOCATIONS: Final = Table(
    "revocations",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("kind", String(16), nullable=False),  # session, account, api-key
    Column("subject", ID, nullable=False),
    Column("before_us", BigInteger, nullable=False),  # tokens issued before this time are void
    Column("created_us", BigInteger, nullable=False, index=True),
    Column("expires_us", BigInteger, nullable=False, index=True),  # by then every such token has expired
)
SIGN_IN_FAILURES: Final = Table(
    "sign_in_failures",
    METADATA,
    Column("subject", String(128), primary_key=True),  # account:, wallet: or address: and a digest
    Column("count", Integer, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("blocked_until_us", BigInteger, nullable=False),
)
AUDIT_LOG: Final = Table(
    "audit_log",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # dense, from 1
    Column("time_us", BigInteger, nullable=False),
    Column("actor", ID, nullable=False),  # an account's id, or `system`
    Column("action", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("previous", LargeBinary(32), nullable=False),  # digest of the entry before; 32 zero bytes for the first
    Column("digest", LargeBinary(32), nullable=False),
)
Index("ix_audit_log_subject", AUDIT_LOG.c.subject, AUDIT_LOG.c.number)
AUDIT_HEAD: Final = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("number", BigInteger, nullable=False),  # of the last entry; 0 before the first
    Column("digest", LargeBinary(32), nullable=False),  # of the last entry; 32 zero bytes before the first
)

OUTBOX: Final = outbox_tables(METADATA)
WEBHOOKS: Final = webhook_tables(METADATA)
