"""The settings of the sink. They are a part of all settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from contracts.indexer.addresses import address_of
from deploy.indexer_settings import PORT, Port
from deploy.settlement_settings import SettlementSettings


class SinkSettings(SettlementSettings):
    """Every setting that only the sink reads, beside the node's URL, the chain's id and the contracts."""

    sink_host: str = Field("127.0.0.1", min_length=1, description="address of the sink's probes and metrics")
    sink_port: Port = Field(0, description=f"port of the sink's probes and metrics, {PORT}")
    sink_account: str = Field(
        "",
        description="the account that mints, records and sponsors: 0x…; it has the roles MINTER, RECORDER and SPONSOR",
    )
    sink_keystore: Path | None = Field(
        None, description="encrypted keystore of this account's key, in Ethereum's format"
    )
    sink_password: SecretStr | None = Field(None, description="the keystore's password")
    sink_metadata_url: str = Field(
        "",
        pattern=r"^((https|ipfs)://\S{1,200}/)?$",
        description="where tokens have their metadata, such as https://meta.example.com/genesis/; frozen in each token",
    )
    sink_gas_price: int = Field(
        0,
        ge=0,
        le=1_000_000_000,
        description="units of the settlement token (1e-6 USD) that the paymaster pays the account back for a million "
        "Cairo steps of users' calls; at most the paymaster's price",
    )
    sink_send_again_s: int = Field(
        30,
        ge=1,
        le=3_600,
        description="when a transaction that the node does not know is sent again, 1 to 3600 seconds",
    )
    sink_poll_ms: int = Field(
        1_000, ge=50, le=60_000, description="how often the sink looks for something to do, 50 to 60000 ms"
    )

    @field_validator("sink_account")
    @classmethod
    def _sender(cls, text: str) -> str:
        return text and address_of(text)
