"""The program of a real Starknet node for tests. Needs only the standard library, so that a bare clone can build it."""

from __future__ import annotations

from typing import Final

from contracts.toolchain.tools import Tool

DEVNET: Final = Tool(
    name="starknet-devnet",
    version="0.8.1",
    crate_sha256="c6e9284bb9106d223289f923b30a6240a1052e264e0c9e543597fb4d8f517f2e",
    variable="DEVNET_BIN",
    minutes=25,
)
