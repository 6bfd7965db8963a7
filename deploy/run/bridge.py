"""The bridge process: choose the topics to carry between Kafka and the views, and stop at a signal."""

from __future__ import annotations

import asyncio

from faust_redis.log import Log

from deploy.broker import broker_url, log_of
from deploy.declared_topics import changelog_topics, event_topics
from deploy.errors import BrokerError
from deploy.run.single_service import forwarding, run_until_signal
from deploy.settings import Settings
from streams.connect.kafka.address import address_of
from streams.connect.kafka.bridge import Bridge, Plan
from streams.services import Kind, Service, ServiceLease, name_here
from tables.domains import TOPOLOGY


def plan(settings: Settings) -> Plan:
    """Return the topics to carry. What comes from outside of the domains goes to Kafka; all else comes from it."""
    events = tuple(event_topics(settings).values())
    return Plan(
        groups=TOPOLOGY.consumed(settings.app_id),
        forwarded=[spec for spec in events if spec.name in TOPOLOGY.fed_topics],
        copied=[
            *(spec for spec in events if spec.name not in TOPOLOGY.fed_topics),
            *changelog_topics(settings),
        ],
    )


def run_bridge(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        BrokerError: when the broker is not Kafka.
        BridgeError: when Kafka and the views do not belong together, or the views belong to another application.
    """
    if not settings.on_kafka:
        raise BrokerError(
            "the bridge carries between Kafka and the views, and ASTRA_BROKER_URL is no kafka:// URL; on Redis the "
            "workers keep the views themselves"
        )
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    log = log_of(settings, transit="bridge")
    bridge = Bridge(log, address_of(broker_url(settings)), plan(settings))
    try:
        await run_until_signal(_serve(log, bridge, _lease(settings, log, bridge)))
    finally:
        await log.close()


async def _serve(log: Log, bridge: Bridge, lease: ServiceLease) -> None:
    async with lease.held(), forwarding(log):
        await bridge.run()


def _lease(settings: Settings, log: Log, bridge: Bridge) -> ServiceLease:
    async def why_not() -> str | None:
        return "; ".join(sorted(map(str, bridge.forwarder.damaged.values()))) or None

    service = Service(Kind.BRIDGE, name_here(bridge.announcement.member), domains=TOPOLOGY.names)
    every_s = settings.heartbeat_ms / 1_000
    return ServiceLease(log, service, why_not, lease_ms=settings.lease_ms, every_s=every_s)
