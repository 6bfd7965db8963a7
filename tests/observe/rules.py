"""Write the recording and alerting rules of Prometheus: `python -m tests.observe.rules`.

A run of the real thing shortens all windows and waits by one factor, so that it sees an alert in seconds. Nothing else
differs: the queries and thresholds are those of production.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.observe.objectives import BEHIND_S, OBJECTIVES, WINDOWS, Objective
from tests.source import ROOT

RULES: Final = ROOT / "deploy" / "observe" / "rules"
RUNBOOKS: Final = "docs/runbooks"
NEEDED: Final = ("gateway", "worker", "relay", "clock", "webhooks")
CHAIN: Final = ("indexer", "settlement", "sink")
"""What an installation without a chain does not run."""
OPTIONAL: Final = (*CHAIN, "archive")
"""What an installation may do without."""
JOBS: Final = (*NEEDED, *OPTIONAL)
"""The values of the label `job` that scrapes of the product have: in `prometheus.yaml` as in the chart."""
OF_OPTIONAL: Final = f'up{{job=~"{"|".join(OPTIONAL)}"}}'
GONE: Final = f"(count by (job) (last_over_time({OF_OPTIONAL}[{{1h}}])) unless count by (job) ({OF_OPTIONAL}))"
ARCHIVE_BEHIND_S: Final = 7_200
"""Several intervals of the archiver. The broker keeps what is not archived, beyond its retention."""
TICK: Final = "astra_clock_last_tick_timestamp_seconds"
CHAIN_BEHIND_S: Final = 300
CHAIN_STILL_S: Final = 600
"""Networks make a block within seconds."""
HEAD_TIME: Final = "astra_indexer_head_timestamp_seconds"
GAS: Final = "astra_settlement_gas_strk or astra_sink_gas_strk"
GAS_LOW_STRK: Final = 10
"""Enough for some days, so that an operator has the time to send tokens."""
UNAUDITED: Final = '(sum(increase(astra_settlement_audits_total[{30m}])) or 0 * count(up{job="settlement"})) == 0'
CLOSED_BEFORE: Final = "max(last_over_time(astra_settlement_closed_batch[{5m}] offset {6h}))"
REPLACED_MAX: Final = 10
"""Blocks that a chain may replace within an hour before somebody looks."""
HEADER: Final = "# Made by `python -m tests.observe.rules`; do not edit.\n"
LINE_CHARS: Final = 120

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition that an operator must know of.

    Attributes:
        name: Its name.
        expr: The query, with `{5m}` in place of a window.
        for_s: How long it must hold, in seconds.
        severity: `page` for now, `ticket` for today.
        summary: What is wrong, in one line.
        runbook: The page that says what to do.
    """

    name: str
    expr: str
    for_s: int
    severity: str
    summary: str
    runbook: str


@dataclass(frozen=True, slots=True)
class Burn:
    """A rate of use of the error budget that an operator must know of, in a long and a short window."""

    speed: str
    factor: float
    long: str
    short: str
    severity: str


BURNS: Final = (
    Burn("Fast", 14.4, "1h", "5m", "page"),
    Burn("Steady", 6, "6h", "30m", "page"),
    Burn("Slow", 1, "3d", "6h", "ticket"),
)
"""Source: Site Reliability Workbook, chapter 5, https://sre.google/workbook/alerting-on-slos/"""

ALERTS: Final = (
    Alert("AstraLedgerBreach", "sum by (partition, rule) (astra_ledger_breaches) > 0", 0, "page",
          "Partition {{ $labels.partition }} breaks the ledger's rule {{ $labels.rule }}", "ledger-breach"),
    Alert("AstraLedgerUnaudited", "max(astra_clock_last_tick_timestamp_seconds)"
          " - min(astra_ledger_audited_timestamp_seconds) > 3 * 3600", 60, "ticket",
          "A partition's ledger was not audited for three hours", "ledger-breach"),
    Alert("AstraDomainBehind", f"max by (domain) (astra_api_lag_seconds) > {BEHIND_S}", 60, "page",
          "{{ $labels.domain }} is {{ $value | humanizeDuration }} behind", "lag-growing"),
    Alert("AstraRebalanceStuck", "min by (domain) (astra_api_group_ready) == 0", 120, "page",
          "The group of {{ $labels.domain }} is not ready", "stuck-rebalance"),
    Alert("AstraPartitionTorn", "max by (domain) (astra_api_group_partitions_damaged) > 0", 0, "page",
          "{{ $labels.domain }} holds back {{ $value }} damaged partitions", "partition-torn"),
    Alert("AstraPoisonFlood", "sum by (domain) (increase(astra_worker_dead_letters_total[{5m}])) > 20", 0, "page",
          "{{ $labels.domain }} made {{ $value | humanize }} events dead letters", "poison-flood"),
    Alert("AstraBrokerDown", "max(astra_api_broker_up) == 0", 15, "page",
          "No gateway reaches the broker", "broker-down"),
    Alert("AstraBrokerFull", "max(astra_api_broker_memory_bytes / astra_api_broker_memory_max_bytes) > 0.85",
          60, "page", "The broker uses {{ $value | humanizePercentage }} of its memory", "broker-full"),
    Alert("AstraArchiveBehind", f"max(astra_archive_lag_seconds) > {ARCHIVE_BEHIND_S} or max(astra_archive_faults) > 0",
          300, "ticket", "Records wait to be archived, and the broker keeps them in memory", "archive-behind"),
    Alert("AstraBrokerDiskFailing", "min(astra_api_broker_persists) == 0", 0, "page",
          "The broker's last write to its disk failed", "disk-full"),
    Alert("AstraProcessDown", " or ".join([f'up{{job=~"{"|".join(JOBS)}"}} == 0',
                                           *(f'absent(up{{job="{job}"}})' for job in NEEDED),
                                           GONE]), 60, "page",
          "{{ $labels.job }}{{ with $labels.instance }} at {{ . }}{{ end }} does not answer", "process-down"),
    Alert("AstraClockStopped", f"time() - max(last_over_time({TICK}[{{1h}}])) > 10"
          f" or absent_over_time({TICK}[{{1h}}]) * {WINDOWS['1h']}", 30, "page",
          "The clock has not ticked for {{ $value | humanizeDuration }}", "clock-stopped"),
    Alert("AstraOutboxBehind", "max(astra_relay_behind_seconds) > 30", 30, "page",
          "Changes of accounts wait for {{ $value | humanizeDuration }} to be published", "outbox-behind"),
    Alert("AstraEventsLost", "max(astra_relay_lost_total) > 0", 0, "page",
          "Neither log nor outbox has {{ $value }} events of accounts", "outbox-behind"),
    Alert("AstraAcknowledgedLost", "max(astra_api_acknowledged_lost_total) > 0", 0, "page",
          "The broker lost {{ $value }} acknowledged events", "acknowledged-lost"),
    Alert("AstraWebhooksGivenUp", "increase(astra_webhooks_given_up_total[{1h}]) > 0", 0, "ticket",
          "Partners did not take {{ $value | humanize }} events", "webhooks-failing"),
    Alert("AstraChainNodeAway", "max(astra_indexer_indexing) == 0", 60, "page",
          "No indexer reaches its node", "chain-node-away"),
    Alert("AstraIndexerBehind", f"min(astra_indexer_behind_seconds) > {CHAIN_BEHIND_S}", 60, "page",
          "Facts of the chain are {{ $value | humanizeDuration }} behind", "chain-behind"),
    Alert("AstraChainStill", f"time() - max({HEAD_TIME}) > {CHAIN_STILL_S}", 60, "page",
          "The newest block of the chain is {{ $value | humanizeDuration }} old", "chain-behind"),
    Alert("AstraGasLow", f"min by (job) ({GAS}) < {GAS_LOW_STRK}", 60, "ticket",
          "The account of the {{ $labels.job }} has {{ $value | humanize }} STRK left for gas", "gas-low"),
    Alert("AstraChainDeepReorg", f"sum(increase(astra_indexer_replaced_blocks_total[{{1h}}])) > {REPLACED_MAX}", 0,
          "page", "The chain replaced {{ $value | humanize }} blocks of the log", "chain-reorg"),
    Alert("AstraSettlementUnaudited", UNAUDITED, 300, "page",
          "For half an hour no audit of ledger, log and contracts has succeeded", "settlement-stopped"),
    Alert("AstraSettlementWaits", "max(astra_settlement_settling) == 0", 300, "page",
          "Settlement reaches no node, or sends no transaction", "settlement-waits"),
    Alert("AstraSettlementReverted", "sum(increase(astra_settlement_reverted_total[{1h}])) > 0", 0, "ticket",
          "{{ $value | humanize }} transactions of settlement were reverted", "settlement-waits"),
    Alert("AstraBatchUnconfirmed", f"{CLOSED_BEFORE} > max(astra_settlement_confirmed_batch)", 300, "ticket",
          "A batch that was closed six hours ago is not confirmed", "batch-unconfirmed"),
    Alert("AstraSinkWaits", "max(astra_sink_working) == 0", 300, "page",
          "The sink reaches no node, or sends no transaction", "sink-waits"),
    Alert("AstraSinkLostRecords", "sum(increase(astra_sink_lost_records_total[{1h}])) > 0", 0, "ticket",
          "The sink has missed {{ $value | humanize }} records", "sink-waits"),
)  # fmt: skip


def duration(seconds: float, pace: float) -> str:
    """Return a duration in Prometheus' form, shortened by the pace. A second is the least."""
    return f"{max(1, round(seconds / pace))}s"


def windowed(expr: str, pace: float) -> str:
    """Return a query with its windows, such as `{5m}`, filled in."""
    for window, seconds in WINDOWS.items():
        expr = expr.replace(f"{{{window}}}", window if pace == 1 else duration(seconds, pace))
    return expr


def recording(pace: float = 1) -> list[Rule]:
    """Return the recording rules."""
    lag = {"record": "astra:lag_seconds:max", "expr": "max by (domain) (astra_api_lag_seconds)"}
    behind = {"record": "astra:behind:bool", "expr": f"max(astra_api_lag_seconds) > bool {BEHIND_S}"}
    return [lag, behind, *(_ratio(objective, window, pace) for objective in OBJECTIVES for window in WINDOWS)]


def _ratio(objective: Objective, window: str, pace: float) -> Rule:
    shown = window if pace == 1 else duration(WINDOWS[window], pace)
    return {"record": objective.recorded(window), "expr": objective.errors.format(window=shown)}


def burn_alerts() -> Iterator[Alert]:
    """Yield the alerts on the use of each objective's error budget."""
    for objective in OBJECTIVES:
        for burn in BURNS:
            limit = f"{burn.factor:g} * {objective.budget:g}"
            yield Alert(
                f"Astra{objective.name.title()}{burn.speed}Burn",
                f"{objective.recorded(burn.long)} > {limit} and {objective.recorded(burn.short)} > {limit}",
                0,
                burn.severity,
                f"The error budget burns {burn.factor:g} times too fast: {objective.says}",
                objective.runbook,
            )


def alerts() -> list[Alert]:
    """Return all alerts."""
    return [*burn_alerts(), *ALERTS]


def _alerting(alert: Alert, pace: float) -> Rule:
    waits = {"for": duration(alert.for_s, pace)} if alert.for_s else {}
    return {
        "alert": alert.name,
        "expr": windowed(alert.expr, pace),
        **waits,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "runbook_url": f"{RUNBOOKS}/{alert.runbook}.md"},
    }


def files(pace: float = 1) -> dict[str, str]:
    """Return the content of each file of rules, by its name.

    Args:
        pace: By how much to shorten all windows and waits.
    """
    groups = {"recording": recording(pace), "alerts": [_alerting(alert, pace) for alert in alerts()]}
    return {
        f"{name}.yaml": HEADER
        + yaml.safe_dump(
            {"groups": [{"name": f"astratrade-{name}", "rules": rules}]},
            sort_keys=False,
            width=LINE_CHARS,
        )
        for name, rules in groups.items()
    }


def write(directory: Path = RULES, pace: float = 1) -> None:
    """Write the files of rules."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files(pace).items():
        (directory / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write()
    sys.stdout.write(f"{RULES.relative_to(ROOT)} is up to date\n")
