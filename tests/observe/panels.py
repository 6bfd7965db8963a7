"""What the dashboards show, as data: rows of panels, each with its queries and the unit of their values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.models import units

from tests.observe.objectives import AVAILABLE, FRESH, OBJECTIVES, PROBES, VISIBLE
from tests.observe.rules import JOBS

OWN: Final = f'route!~"{PROBES}"'
EVENTS, RECORDS = units.EventsPerSecond, units.RecordsPerSecond
REQUESTS, ROWS = units.RequestsPerSecond, units.RowsPerSecond
MONEY: Final = 'domain="financial"'
OURS: Final = f'job=~"{"|".join(JOBS)}"'


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and the legend of its series with labels as `{{label}}`."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph, or where `now` is set the present values as large numbers."""

    title: str
    about: str
    unit: str
    queries: tuple[Query, ...]
    now: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: its rows of panels by their titles, and the product's own views that it links to."""

    name: str
    title: str
    about: str
    rows: dict[str, tuple[Panel, ...]]
    views: dict[str, str]


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Return the rate of a counter, summed by a label."""
    selected = f"{metric}{{{where}}}" if where else metric
    return f"sum{f' by ({by}) ' if by else ''}(rate({selected}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str = "", where: str = "") -> str:
    """Return a quantile of a histogram."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', labels, where)})"


def one(title: str, about: str, unit: str, expr: str, legend: str, *, now: bool = False) -> Panel:
    """Return a panel with one query."""
    return Panel(title, about, unit, (Query(expr, legend),), now)


def quantiles(title: str, about: str, metric: str, by: str = "", where: str = "") -> Panel:
    """Return a panel with the median and the 99th percentile of a histogram of seconds."""
    suffix = f" {{{{{by}}}}}" if by else ""
    shown = ((0.5, "p50"), (0.99, "p99"))
    queries = tuple(Query(quantile(share, metric, by, where), name + suffix) for share, name in shown)
    return Panel(title, about, units.Seconds, queries)


BUDGETS: Final = tuple(
    one(
        f"Budget left: {objective.name}",
        f"Share of the error budget of three days that is left: {objective.says}.",
        units.PercentUnit,
        f"1 - {objective.recorded('3d')} / {objective.budget:g}",
        "left",
        now=True,
    )
    for objective in OBJECTIVES
)
BURN: Final = Panel(
    "Burn rates over an hour",
    "1 uses up the error budget in just the time that it is for. 14.4 calls an operator.",
    units.Short,
    tuple(Query(f"{each.recorded('1h')} / {each.budget:g}", each.name) for each in (VISIBLE, AVAILABLE, FRESH)),
)
EFFECTS: Final = quantiles(
    "From accepted to visible",
    "From the answer to a command until its domain's tables show the effect. The objective is 250 ms for 99 %.",
    "astra_api_accepted_to_visible_seconds",
    "domain",
)
LAG: Final = one(
    "Lag in seconds",
    "How long the oldest record that a domain has yet to process has waited. Over 10 s calls an operator.",
    units.Seconds,
    "max by (domain) (astra_api_lag_seconds)",
    "{{domain}}",
)
LIMITS: Final = one(
    "Limits hit",
    "Refused requests by policy.",
    REQUESTS,
    f"{rate('astra_api_limited_total', 'policy')} or vector(0)",
    "{{policy}}",
)
GATEWAY: Final = (
    one("Requests", "Answers by status.", REQUESTS, rate("astra_api_requests_total", "status", OWN), "{{status}}"),
    one(
        "Share of errors",
        "Answers with a status of 500 or above, among all. The objective is 0.1 %.",
        units.PercentUnit,
        f'({rate("astra_api_requests_total", where=f"""status=~"5..",{OWN}""")} or vector(0))'
        f" / {rate('astra_api_requests_total', where=OWN)}",
        "errors",
    ),
    quantiles("Time to the first byte", "Of all routes.", "astra_api_request_seconds", where=OWN),
    one(
        "Slowest routes",
        "The 99th percentile of the ten slowest routes.",
        units.Seconds,
        f"topk(10, {quantile(0.99, 'astra_api_request_seconds', 'route', OWN)})",
        "{{route}}",
    ),
    one(
        "Limits hit",
        "Refused requests by policy.",
        REQUESTS,
        f"{rate('astra_api_limited_total', 'policy')} or vector(0)",
        "{{policy}}",
    ),
)
PIPELINE: Final = (
    EFFECTS,
    LAG,
    one(
        "Lag in records",
        "Records that a domain has yet to process.",
        units.Short,
        "sum by (domain) (max by (domain, topic, partition) (astra_api_lag_records))",
        "{{domain}}",
    ),
    one(
        "Appended",
        "Records appended to each topic, by any process.",
        RECORDS,
        "max by (topic) (rate(astra_api_topic_records_total[$__rate_interval]))",
        "{{topic}}",
    ),
    one("Processed", "Events that agents finished.", EVENTS, rate("astra_worker_events_total", "domain"), "{{domain}}"),
    quantiles("Batches", "How long an agent works on a batch.", "astra_worker_batch_seconds", "domain"),
    quantiles("Commits", "How long a commit takes.", "astra_worker_commit_seconds", "domain"),
    one(
        "Committed", "Records and rows that commits append.", RECORDS,
        rate("astra_worker_commit_records_total", "domain"), "{{domain}}",
    ),
    Panel(
        "In workers",
        "Events in flight, and writes that wait for a commit.",
        units.Short,
        (
            Query("sum by (domain) (astra_worker_events_in_flight)", "in flight {{domain}}"),
            Query("sum by (domain) (astra_worker_writes_pending)", "pending {{domain}}"),
        ),
    ),
)  # fmt: skip
GROUPS: Final = (
    one("Ready", "1 when each partition is with a live worker whose tables are complete.", units.Short,
        "min by (domain) (astra_api_group_ready)", "{{domain}}", now=True),
    one("Workers", "Live workers of each domain.", units.Short,
        "max by (domain) (astra_api_group_members)", "{{domain}}", now=True),
    one("Rebalances", "Assignments installed in five minutes.", units.Short,
        "sum by (domain) (increase(astra_worker_rebalances_total[5m]))", "{{domain}}"),
    one("Recovery", "Mean time to restore the tables, of the workers that run now.", units.Seconds,
        "sum by (domain) (astra_worker_recovery_seconds_sum) / sum by (domain) (astra_worker_recovery_seconds_count)",
        "{{domain}}"),
    one("Recovered", "Rows and records read to restore tables.", RECORDS,
        rate("astra_worker_recovered_records_total", "domain"), "{{domain}}"),
    one("Retries", "Attempts that failed with a transient error.", EVENTS,
        rate("astra_worker_retries_total", "domain"), "{{domain}}"),
    one("Dead letters", "Events that became dead letters in five minutes.", units.Short,
        "sum by (domain) (increase(astra_worker_dead_letters_total[5m]))", "{{domain}}"),
    one("Failed batches", "Batches that are delivered again, one record at a time.", EVENTS,
        rate("astra_worker_batches_total", "domain", 'outcome="failed"'), "{{domain}}"),
    Panel("Damaged partitions", "Partitions that a domain holds back, and refused sends.", units.Short, (
        Query("max by (domain) (astra_api_group_partitions_damaged)", "damaged {{domain}}"),
        Query("sum by (domain) (increase(astra_worker_partitions_held_back_total[5m]))", "held back {{domain}}"),
        Query("sum by (domain) (increase(astra_worker_sends_refused_total[5m]))", "sends refused {{domain}}"))),
    one("Damaged, as workers see it", "Damaged partitions by worker.", units.Short,
        "sum by (instance, domain) (astra_worker_partitions_damaged)", "{{instance}} {{domain}}"),
)  # fmt: skip
FEEDS: Final = (
    one("Subscribers", "Open feeds.", units.Short, "sum by (feed) (astra_api_feed_subscribers)", "{{feed}}"),
    one("Sockets", "Open WebSockets.", units.Short, "sum(astra_api_sockets)", "sockets"),
    one("Rows sent", "Changed rows sent.", ROWS, rate("astra_api_feed_rows_total", "feed"), "{{feed}}"),
    quantiles("Delay", "From the reading of a change until the client's connection takes it.",
              "astra_api_feed_delay_seconds"),
    Panel("Slow clients", "Changes replaced by newer ones, and feeds that start again.", units.EventsPerSecond, (
        Query(rate("astra_api_feed_conflated_total"), "conflated"),
        Query(f"{rate('astra_api_feed_resyncs_total', 'why')} or vector(0)", "resync {{why}}"))),
)  # fmt: skip
BROKER: Final = (
    one("Broker", "1 when the broker answers, and 1 when its last write to its disk succeeded.", units.Short,
        "max(astra_api_broker_up)", "answers", now=True),
    one("Broker's disk", "1 when its last write succeeded.", units.Short, "min(astra_api_broker_persists)", "persists",
        now=True),
    one("Replicas", "Replicas connected to the broker.", units.Short, "max(astra_api_broker_replicas)", "replicas",
        now=True),
    Panel("Broker's memory", "Used, and the most that it may use.", units.BytesIEC, (
        Query("max(astra_api_broker_memory_bytes)", "used"), Query("max(astra_api_broker_memory_max_bytes)", "limit"))),
    one("Local state", "Tables of each domain on the workers.", units.BytesIEC,
        "sum by (domain, place) (astra_worker_rocksdb_bytes)", "{{domain}} {{place}}"),
)  # fmt: skip
PROCESSES: Final = (
    one("Memory", "Resident memory of each process.", units.BytesIEC,
        f"process_resident_memory_bytes{{{OURS}}}", "{{job}} {{instance}}"),
    one("CPU", "Cores that each process uses.", units.Short,
        f"rate(process_cpu_seconds_total{{{OURS}}}[$__rate_interval])",
        "{{job}} {{instance}}"),
    one("Open files", "File descriptors of each process.", units.Short,
        f"process_open_fds{{{OURS}}}", "{{job}} {{instance}}"),
    one("Delay of event loops", "How late an event loop runs a task: the 99th percentile.", units.Seconds,
        quantile(0.99, "astra_event_loop_delay_seconds", "job, loop"), "{{job}} {{loop}}"),
    one("Dropped spans", "Spans that the collector did not get, in five minutes.", units.Short,
        "sum by (job) (increase(astra_trace_spans_dropped_total[5m]))", "{{job}}"),
    Panel("Leaders", "The clock that ticks, the process that posts webhooks, the relay that publishes.", units.Short, (
        Query("sum(astra_clock_leads)", "clock"), Query("sum(astra_webhooks_leads)", "webhooks"),
        Query("sum(astra_relay_publishing)", "relay")), now=True),
    Panel("Behind", "The relay's oldest unpublished event, and the wall clock behind the last tick.", units.Seconds, (
        Query("max(astra_relay_behind_seconds)", "relay"), Query("max(astra_clock_behind_seconds)", "clock"))),
    one("Not archived", "How long the oldest record that is not archived has waited.", units.Seconds,
        "max(astra_archive_lag_seconds)", "archive"),
    one("Archive", "Bytes of the files of the archive.", units.BytesIEC, "max(astra_archive_bytes)", "files"),
    Panel("Relay", "Events of accounts published, refused and lost, in five minutes.", units.Short, (
        Query("sum(increase(astra_relay_published_total[5m]))", "published"),
        Query("sum(increase(astra_relay_refused_total[5m]))", "refused"),
        Query("sum(increase(astra_relay_lost_total[5m]))", "lost"),
        Query("max(astra_relay_behind_events)", "waiting"))),
)  # fmt: skip


def of_topic(title: str, about: str, topic: str) -> Panel:
    """Return a panel with the rate of a topic's records."""
    expr = f'max(rate(astra_api_topic_records_total{{topic="{topic}"}}[$__rate_interval]))'
    return one(title, about, RECORDS, expr, "records")


USE: Final = (
    one("Commands", "Accepted commands by type.", EVENTS, rate("astra_api_commands_total", "type"), "{{type}}"),
    one("Routes", "The ten busiest routes.", REQUESTS,
        f"topk(10, {rate('astra_api_requests_total', 'route', OWN)})", "{{route}}"),
    one("Repeated requests", "Answered from their Idempotency-Key.", REQUESTS, rate("astra_api_replays_total"),
        "repeated"),
    EFFECTS,
    one("Feeds", "Open feeds by name.", units.Short, "sum by (feed) (astra_api_feed_subscribers)", "{{feed}}"),
    one("Sockets", "Open WebSockets.", units.Short, "sum(astra_api_sockets)", "sockets"),
)  # fmt: skip
HAPPENINGS: Final = (
    of_topic("Trading", "Executions, closes, liquidations and rejections.", "astra.trading.events.v1"),
    of_topic("Game", "XP, levels, streaks, achievements and rewards.", "astra.gamification.events.v1"),
    of_topic("Community", "Constellations, battles and interactions.", "astra.social.events.v1"),
    of_topic("NFTs", "Mints, offers and sales.", "astra.nft.events.v1"),
    of_topic("Accounts", "Registrations, sign-ins and changes of accounts.", "astra.user.events.v1"),
    of_topic("Notifications", "Notifications of all domains.", "astra.notifications.v1"),
)
PARTNERS: Final = (
    Panel("Webhooks", "Events taken by partners, failed attempts, and events given up.", EVENTS, (
        Query(rate("astra_webhooks_delivered_total"), "delivered"),
        Query(rate("astra_webhooks_failed_total"), "failed"),
        Query(rate("astra_webhooks_given_up_total"), "given up"))),
    LIMITS,
    one("Limits without the broker", "Limits that gateways decided alone.", REQUESTS,
        rate("astra_api_limited_alone_total"), "alone"),
)  # fmt: skip
CONSERVATION: Final = (
    one("Breaches", "Accounts and totals that break a rule of the ledger. Anything above 0 calls an operator.",
        units.Short, "sum(astra_ledger_breaches)", "breaches", now=True),
    one("Breaches by rule", "By the last audit of each partition.", units.Short,
        "sum by (rule) (astra_ledger_breaches)", "{{rule}}"),
    one("Audit's age", "How far the oldest audit of a partition is behind the clock.", units.Seconds,
        "max(astra_clock_last_tick_timestamp_seconds) - min(astra_ledger_audited_timestamp_seconds)", "oldest"),
)  # fmt: skip
FLOW: Final = (
    of_topic("Movements", "Ledger entries, deposits, withdrawals, plans and refusals.", "astra.financial.events.v1"),
    of_topic("Fees", "Fees accrued.", "astra.financial.fees.v1"),
    of_topic("Commands about money", "Deposits, withdrawals, reviews and plans.", "astra.financial.commands.v1"),
    one("Fills", "Fills reported by venues.", EVENTS, rate("astra_api_commands_total", where='type="ReportFill"'),
        "fills"),
)  # fmt: skip
SERVICE: Final = (
    quantiles("From accepted to visible", "Of commands about money.", "astra_api_accepted_to_visible_seconds",
              where=MONEY),
    one("Lag in seconds", "Of the financial domain, by topic.", units.Seconds,
        f"max by (topic) (astra_api_lag_seconds{{{MONEY}}})", "{{topic}}"),
    Panel("Dead letters and retries", "Of the financial domain, in five minutes.", units.Short, (
        Query(f"sum(increase(astra_worker_dead_letters_total{{{MONEY}}}[5m]))", "dead letters"),
        Query(f"sum(increase(astra_worker_retries_total{{{MONEY}}}[5m]))", "retries"))),
    one("Damaged partitions", "That the financial domain holds back.", units.Short,
        f"max(astra_api_group_partitions_damaged{{{MONEY}}})", "damaged", now=True),
    quantiles("Commits", "Of the financial domain.", "astra_worker_commit_seconds", where=MONEY),
)  # fmt: skip

BOARDS: Final = (
    Board("operators", "AstraTrade operators", "Objectives, gateway, pipeline, groups, feeds, broker, processes.", {
        "Objectives": (*BUDGETS, BURN),
        "Gateway": GATEWAY,
        "Pipeline": PIPELINE,
        "Groups": GROUPS,
        "Feeds": FEEDS,
        "Broker and state": BROKER,
        "Processes": PROCESSES,
    }, {"Flow": "/pipeline", "Groups": "/pipeline?part=groups", "Dead letters": "/pipeline?part=letters"}),
    Board("product", "AstraTrade product", "What users do, what happens, and what partners get.", {
        "Use": USE,
        "What happens": HAPPENINGS,
        "Partners": PARTNERS,
    }, {"Live": "/", "Boards": "/boards"}),
    Board("money", "AstraTrade money", "Conservation of the ledger, the flow of money, and its service.", {
        "Conservation": CONSERVATION,
        "Flow": FLOW,
        "Service": SERVICE,
    }, {"Money": "/money"}),
)  # fmt: skip
