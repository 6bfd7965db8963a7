"""Everything that must hold in the log after a run, whatever faults happened."""

from collections.abc import Iterable
from itertools import chain

from faust_redis.admin import Admin
from faust_redis.cli.overview import partition_states
from faust_redis.log import Log, UnknownTopicError

from streams import topics
from streams.topics import DEAD_LETTERS
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY
from tables.financial import FINANCIAL_FEES, FeeTotal
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tests.bench.group_progress import APP_ID
from tests.e2e.topic_records import records_of
from tests.faults import conservation
from tests.faults.events import Finding, finding_if_any, records_differ
from tests.faults.model import Model
from tests.faults.tables import snapshots_of, table_differs

DECODED = ((FINANCIAL_FEES, FeeTotal), (GAMIFICATION_PROGRESS, Progress))
"""Tables, and their rows, that the conservation laws look into."""


async def findings(log: Log, model: Model) -> list[Finding]:
    """Return the errors in the log as sentences."""
    found: list[Finding] = []
    for topic in model.records:
        found += await topic_differs(log, topic, model)
    for table in TOPOLOGY.tables:
        found += await table_differs(log, table, model.rows.get(table.name, {}))
    found += await conservation_broken(log, model)
    found += await lag_left(log)
    found += await dead_letters(log)
    return found


async def topic_differs(log: Log, topic: str, model: Model) -> list[Finding]:
    ends, stored = await log.end_offsets(topic), await records_of(log, topic)
    found: list[Finding] = []
    for partition, right in model.records[topic].items():
        where = f"{topic}:{partition}"
        found += records_differ(where, right, stored[partition])
        if ends[partition] != len(right):
            found.append(f"{where} ends at {ends[partition]}, {len(right)} events should stand there")
    return found


async def conservation_broken(log: Log, model: Model) -> Iterable[Finding]:
    """Check the sums over whole topics, where the topics are kept whole."""
    trading, gamification, financial = [
        await whole(log, topic) for topic in (topics.TRADING_EVENTS, topics.GAMIFICATION_EVENTS, topics.FINANCIAL_FEES)
    ]
    rows = {
        table.name: [
            (key.decode(), model.load(value).as_json())
            for snapshot in (await snapshots_of(log, changelog_topic(APP_ID, table.name))).values()
            for key, value in snapshot.items()
        ]
        for table, model in DECODED
    }
    return chain(
        [] if trading is None else conservation.executions(trading, len(model.all(topics.TRADING_COMMANDS))),
        [] if financial is None else conservation.fees(financial, rows),
        [] if gamification is None else conservation.experience(gamification, rows),
    )


async def whole(log: Log, topic: str) -> list[conservation.Event] | None:
    """Return all events of a topic; None when the first ones were trimmed."""
    if any((await log.beginning_offsets(topic)).values()):
        return None
    stored = await records_of(log, topic)
    return conservation.decoded(record.value for records in stored.values() for record in records)


async def lag_left(log: Log) -> Iterable[Finding]:
    behind = [
        f"{group} is {state.lag(group)} behind in {state.topic}:{state.partition}"
        for state in await partition_states(Admin(log))
        for group in state.committed
        if state.lag(group)
    ]
    return finding_if_any("lag", "partitions", behind)


async def dead_letters(log: Log) -> Iterable[Finding]:
    try:
        stored = await records_of(log, DEAD_LETTERS)
    except UnknownTopicError:
        return []
    return finding_if_any(DEAD_LETTERS, "letters", [record.value for records in stored.values() for record in records])
