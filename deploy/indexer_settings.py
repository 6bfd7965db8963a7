"""The settings of the indexer. They are a part of all settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from contracts.indexer.addresses import contracts_of, first_blocks_of

PORT = "1 to 65535; 0 takes a free one"
Port = Annotated[int, Field(ge=0, le=65_535)]


class IndexerSettings(BaseSettings):
    """Every setting that only the indexer reads, beside the node's URL and the chain's id."""

    indexer_host: str = Field("127.0.0.1", min_length=1, description="address of the indexer's probes and metrics")
    indexer_port: Port = Field(0, description=f"port of the indexer's probes and metrics, {PORT}")
    indexer_contracts: str = Field(
        "",
        description="contracts that the indexer reads: FeeCollector:0x…, FeeSplitter:0x… and so on, with commas; "
        "@BLOCK after one that is added later names the first block to read of it",
    )
    indexer_start: int = Field(
        0, ge=0, description="the first block that the indexer reads, not after the contracts' deployment"
    )
    indexer_final_after: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="after how many more blocks a block is final, 0 to 1000000; 0 waits for Ethereum",
    )
    indexer_poll_ms: int = Field(
        1_000, ge=50, le=60_000, description="how often the indexer asks for a new block, 50 to 60000 ms"
    )

    indexer_socket_url: SecretStr | None = Field(
        None,
        description="WebSocket of the node (ws:// or wss://) that tells the indexer of new blocks; polling goes on",
    )

    @field_validator("indexer_contracts")
    @classmethod
    def _contracts(cls, text: str) -> str:
        contracts_of(text)
        first_blocks_of(text)
        return text

    @field_validator("indexer_socket_url")
    @classmethod
    def _a_socket(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("ws://", "wss://")):
            raise ValueError("it does not begin with ws:// or wss://")
        return url
