"""Counters of the product during a step: the metrics of workers, and the commands of the broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
from faust_redis.log import Log
from prometheus_client.parser import text_string_to_metric_families

SAMPLES = {
    "astra_worker_events_total": "events",
    "astra_worker_batches_total": "batches",
    "astra_worker_commit_records_total": "commit_records",
    "astra_worker_commit_seconds_sum": "commit_s",
    "astra_worker_commit_seconds_count": "commits",
    "astra_worker_cpu_seconds_total": "cpu_s",
}


@dataclass(frozen=True, slots=True)
class Counters:
    """What was counted so far.

    Attributes:
        domains: By domain: events, batches, commits and what they carried, the seconds of commits, and CPU seconds.
        commands: By command of the broker: how often it was called, and the microseconds that it took.
    """

    domains: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    commands: Mapping[str, tuple[int, int]] = field(default_factory=dict)


async def read(ports: Mapping[str, int], log: Log) -> Counters:
    """Read the counters of all workers, by the ports of their metrics, and of the broker."""
    domains: dict[str, dict[str, float]] = {}
    async with httpx.AsyncClient(timeout=10) as client:
        for port in ports.values():
            answer = await client.get(f"http://127.0.0.1:{port}/metrics")
            for name, values in of_domains(answer.text).items():
                domains.setdefault(name, {}).update(values)
    stats = await log.redis.info("commandstats")
    commands = {name.removeprefix("cmdstat_"): (int(one["calls"]), int(one["usec"])) for name, one in stats.items()}
    return Counters(domains, commands)


def of_domains(text: str) -> dict[str, dict[str, float]]:
    """Return the counters of each domain from metrics in Prometheus' text format."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in SAMPLES:
                mine = found.setdefault(sample.labels["domain"], {})
                mine[SAMPLES[sample.name]] = mine.get(SAMPLES[sample.name], 0.0) + sample.value
    return found


def between(before: Counters, after: Counters) -> Counters:
    """Return what was counted between two moments."""
    domains = {
        name: {key: value - before.domains.get(name, {}).get(key, 0.0) for key, value in values.items()}
        for name, values in after.domains.items()
    }
    commands = {}
    for name, (calls, microseconds) in after.commands.items():
        earlier = before.commands.get(name, (0, 0))
        if calls > earlier[0]:
            commands[name] = calls - earlier[0], microseconds - earlier[1]
    return Counters(domains, commands)
