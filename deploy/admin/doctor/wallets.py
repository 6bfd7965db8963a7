"""Check the settings of wallets: the public origin, and the Starknet node if one is configured."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from faust_redis.admin.doctor import Finding, fail, ok, warn

from api.identity.wallets.config import WalletConfig
from api.identity.wallets.node import Node, NodeUnavailableError
from deploy.settings import Settings

NAME = "starknet node"
ORIGIN = "public origin"


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


def origin_finding(settings: Settings) -> Finding:
    """Check that wallets sign an origin that their users know."""
    origin = settings.wallet_config.origin
    if not settings.public_origin and not _is_local(settings.api_host):
        return warn(ORIGIN, f"unset, so that wallets sign {origin}", "set ASTRA_PUBLIC_ORIGIN to what users open")
    return ok(ORIGIN, origin)


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or _is_local(parts.hostname or "")


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
