"""The settings of settlement. They are a part of all settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from contracts.indexer.addresses import address_of
from deploy.indexer_settings import PORT, IndexerSettings, Port
from streams.units import TOKEN_UNIT, Usd


class SettlementSettings(IndexerSettings):
    """Every setting that only settlement reads, beside the node's URL, the chain's id and the contracts."""

    settlement_host: str = Field("127.0.0.1", min_length=1, description="address of settlement's probes and metrics")
    settlement_port: Port = Field(0, description=f"port of settlement's probes and metrics, {PORT}")
    settlement_account: str = Field("", description="the account that settles: 0x…; it has the role SETTLER")
    settlement_keystore: Path | None = Field(
        None, description="encrypted keystore of this account's key, in Ethereum's format"
    )
    settlement_password: SecretStr | None = Field(None, description="the keystore's password")
    settlement_amount_usd: str = Field(
        "0", description="fees that close a batch before its day is over, such as 500.00; 0 for the day alone"
    )
    settlement_audit_s: int = Field(
        60, ge=1, le=86_400, description="how often ledger, log and contracts are compared, 1 to 86400 seconds"
    )
    settlement_send_again_s: int = Field(
        30,
        ge=1,
        le=3_600,
        description="when a transaction that the node does not know is sent again, 1 to 3600 seconds",
    )
    settlement_poll_ms: int = Field(
        1_000, ge=50, le=60_000, description="how often settlement looks for fees and facts, 50 to 60000 ms"
    )

    @field_validator("settlement_account")
    @classmethod
    def _account(cls, text: str) -> str:
        return text and address_of(text)

    @field_validator("settlement_amount_usd")
    @classmethod
    def _amount(cls, text: str) -> str:
        if Usd.parse(text) < 0:
            raise ValueError("expected an amount of at least 0")
        return text

    @property
    def settlement_units(self) -> int:
        """Return the amount that closes a batch, in units of the settlement token."""
        return Usd.parse(self.settlement_amount_usd) // TOKEN_UNIT
