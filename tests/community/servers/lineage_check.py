"""Check `astratrade why` and `tables get --at` on random rows of a run.

One pass over the log folds each partition of the domains as `astratrade why` does, with the product's own functions,
and notes what changed the chosen rows. The command itself is run for a few of them, because each of its runs reads the
log from the beginning.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from faust_redis.log import Log, Position, TopicPartition

from agents.fold import Fold, Place
from deploy.lineage import in_append_order
from streams.events import AnyEvent, decode
from streams.search_bounds import FETCH_RECORDS
from tables.domains import TOPOLOGY
from tables.financial import FINANCIAL_AUDITS, FINANCIAL_DEADLINES
from tables.gamification import GAMIFICATION_BOARDS, GAMIFICATION_DEADLINES, GAMIFICATION_DECIDING
from tables.history import rows_at
from tables.nft import NFT_DEADLINES
from tables.reader import TableReader
from tests.community.compared.engine import Rules, Stored, StoredRow
from tests.community.oracle import Community
from tests.community.rulebook import rulebook
from tests.community.servers.installation import Installation
from tests.community.servers.quiet import APP_ID

NOT_TOLD = frozenset(
    {
        GAMIFICATION_DECIDING.name,
        GAMIFICATION_DEADLINES.name,
        FINANCIAL_DEADLINES.name,
        FINANCIAL_AUDITS.name,
        NFT_DEADLINES.name,
    }
)
"""Tables that follow from other rows in the oracle, so that it names no entries behind theirs."""
_LISTED = re.compile(r"(\S+)$")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A row whose history is checked.

    Attributes:
        oracle_key: Its key in the oracle's tables.
    """

    table: str
    row: StoredRow
    oracle_key: str

    @property
    def place(self) -> tuple[int, Place]:
        """Return the partition, the table and the stored key."""
        return self.row.partition, (self.table, self.row.key.encode())


@dataclass(slots=True)
class History:
    """What changed a row: the events in their order, and the row after each."""

    events: list[AnyEvent] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)

    def roots(self) -> set[str]:
        """Return the ids of the requests, ticks and facts from which the events follow."""
        return {event.correlationid or event.id for event in self.events}


def choose(stored: Stored, oracle: Community, rules: Rules, count: int, random: Random) -> list[Chosen]:
    """Return random rows that the oracle has, too, each compared table about as often.

    Rows that are joined from several partitions are left out, and tables whose causes no oracle tells.
    """
    expected, left_out = oracle.rows(), {*rules.partitioned, *NOT_TOLD}
    tables = {table: _whole(stored.get(table, ())) for table in rules.tables if table not in left_out}
    filled = [table for table, rows in tables.items() if rows]
    found: dict[tuple[int, Place], Chosen] = {}
    for _ in range(count * 20):
        table = random.choice(filled)
        row = random.choice(tables[table])
        keys = [key for key, _ in rules.tables[table](row.key, row.row)]
        if not keys or not expected.get(table, {}).keys() >= {*keys}:
            continue
        if table == GAMIFICATION_BOARDS.name:
            keys = [row.key]  # the oracle tells the entries behind a whole row of standings by the row's own key
        if len(keys) == 1:
            chosen = Chosen(table, row, keys[0])
            found[chosen.place] = chosen
        if len(found) == count:
            break
    return list(found.values())


def _whole(rows: Iterable[StoredRow]) -> list[StoredRow]:
    """Return the rows whose key one partition alone has. The accounts of users are such rows of the ledger."""
    listed = list(rows)
    partitions = Counter(one.key for one in listed)
    return [one for one in listed if partitions[one.key] == 1]


async def histories(log: Log, chosen: Iterable[Chosen], say: Callable[[str], None]) -> dict[tuple[int, Place], History]:
    """Return the history of each chosen row, by one pass over the topics of each domain and partition."""
    wanted: dict[tuple[str, int], list[Chosen]] = defaultdict(list)
    for one in chosen:
        wanted[TOPOLOGY.owner(one.table).name, one.row.partition].append(one)
    found: dict[tuple[int, Place], History] = {}
    for (domain, partition), mine in sorted(wanted.items()):
        began = time.monotonic()
        found |= await _folded(log, domain, partition, mine)
        say(f"folded {domain}, partition {partition}, {len(mine)} rows, {time.monotonic() - began:.0f} s")
    return found


async def _folded(log: Log, name: str, partition: int, chosen: Sequence[Chosen]) -> dict[tuple[int, Place], History]:
    fold, found = Fold(name, rulebook().in_force(archived=False)), {one.place: History() for one in chosen}
    places = {place for _, place in found}
    ends: dict[TopicPartition, int] = {}
    for topic in TOPOLOGY.domain(name).consumes:
        ends[TopicPartition(topic, partition)] = (await log.end_offsets(topic)).get(partition, 0)
    async for tp, record in in_append_order(log, ends):
        event = decode(record.value)
        for place in fold.apply(tp.topic, event).changed & places:
            history = found[partition, place]
            history.events.append(event)
            history.values.append(fold.rows[place[0]].get(place[1]))
    return found


def wrong_causes(chosen: Iterable[Chosen], found: dict[tuple[int, Place], History], oracle: Community) -> Iterator[str]:
    """Yield the rows whose events are not those that the oracle folded."""
    for one in chosen:
        ours, theirs = found[one.place].roots(), oracle.folded(one.table, one.oracle_key)
        if ours != theirs:
            yield (
                f"why {one.table} {one.row.key}: {len(ours)} causes, oracle {len(theirs)}; "
                f"only the product {sorted(ours - theirs)[:3]}, only the oracle {sorted(theirs - ours)[:3]}"
            )


def listed_by_command(installation: Installation, one: Chosen) -> list[str]:
    """Return the ids of the events that `astratrade why` lists for a row, in its partition."""
    ids, mine = [], False
    for line in installation.run("why", one.table, one.row.key).splitlines():
        if line.startswith("partition "):
            mine = line.startswith(f"partition {one.row.partition} of ")
        elif mine and line.startswith("  ") and line[2] not in " (":
            ids += _LISTED.findall(line)
    return ids


@dataclass(slots=True)
class Changelog:
    """The records of a table's changelog in one partition: key and value of each offset from 0 on."""

    topic: str
    epoch: str
    partition: int
    records: list[tuple[bytes | None, bytes | None]]

    def position(self, offset: int) -> Position:
        """Return the position before an offset."""
        return Position(self.topic, self.epoch, {self.partition: offset})

    def folded(self, key: bytes, offset: int) -> bytes | None:
        """Return the row of a key that the records below an offset give."""
        rows = dict(self.records[:offset])
        return rows.get(key)


async def changelog_of(log: Log, one: Chosen) -> Changelog:
    """Read the changelog of a row's partition from the beginning."""
    topic = TableReader(log, APP_ID).topic(one.table)
    tp = TopicPartition(topic, one.row.partition)
    end = (await log.end_offsets(topic))[tp.partition]
    records: list[tuple[bytes | None, bytes | None]] = []
    while len(records) < end:
        fetched = (await log.fetch({tp: len(records)}, count=FETCH_RECORDS))[tp]
        assert fetched[0].offset == len(records), "the changelog keeps all records"
        records += [(record.key, record.value) for record in fetched]
    return Changelog(topic, (await log.topic(topic)).incarnation, tp.partition, records)


async def wrong_pasts(
    log: Log, chosen: Iterable[Chosen], found: dict[tuple[int, Place], History], random: Random
) -> list[str]:
    """Return the rows that the product shows wrong at a random position.

    The row must be what the changelog's records below the position give, and what it was after some event of the log,
    or before the first.
    """
    wrong = []
    for one in chosen:
        changelog = await changelog_of(log, one)
        offset = random.randint(0, len(changelog.records))
        key = one.row.key.encode()
        [past] = await rows_at(log, changelog.position(offset), one.row.partition, [key])
        if past != changelog.folded(key, offset) or past not in {None, *found[one.place].values}:
            wrong.append(f"{one.table} {one.row.key} at {changelog.position(offset)} is {past!r}")
    return wrong
