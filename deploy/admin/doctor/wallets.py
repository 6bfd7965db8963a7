"""Check the Starknet node that checks wallets, if one is configured."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from faust_redis.admin.doctor import Finding, fail, ok, warn

from api.identity.wallets.config import WalletConfig
from api.identity.wallets.node import Node, NodeUnavailableError

NAME = "starknet node"


async def node_finding(config: WalletConfig) -> Finding:
    """Check that the node answers, is of the right chain, and is reached by TLS or on this machine."""
    if config.node_url is None:
        return ok(NAME, "none configured; wallets sign in by a registered key alone")
    node = Node(config.node_url, config.chain_id)
    try:
        await node.check_chain()
    except NodeUnavailableError as exc:
        advice = "check ASTRA_STARKNET_NODE_URL; until then wallets that need the chain cannot sign in"
        return fail(NAME, exc.reason, advice)
    finally:
        await node.close()
    if not _is_safe(config.node_url):
        return warn(
            NAME, "reached without TLS", "use https: a neighbour on the network could say that a signature is valid"
        )
    return ok(NAME, f"answers for {config.chain_id}")


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return parts.scheme == "https" or local
