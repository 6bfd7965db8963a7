"""Replay the log between two moments through the installed rules, into tables in memory."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

from faust_redis.log import Log, TopicPartition, TrimmedError
from faust_redis.resizing import finished

from agents.rulebook import Rulebook
from agents.shadow import Recorded, Shadow
from deploy.eras import Era, eras_of
from deploy.errors import DeployError
from deploy.lineage import in_append_order, is_for
from deploy.upgrade.moment import Moment, Rows
from streams.events import UndecodableEventError, decode
from streams.lineage import Progress
from streams.search_bounds import FETCH_RECORDS
from streams.topology import Topology
from tables.resizing.moving import MisplacedError, NotReadyError

READ_AHEAD_RECORDS: Final = 200
Tables = Mapping[str, Mapping[int, Rows]]
"""Rows by table and partition."""
NOTHING: Final = Moment(domains=(), incarnations={}, ends={}, committed={}, rows={})
"""The moment before the first record."""
_EVENT: Final = re.compile(rb'"id":"([0-9a-f-]{36})".*?"type":"([^"]+)".*?"causationid":"')


class NotCoveredError(DeployError):
    """The log does not reach back to where the replay begins."""


class Replay:
    """Replays the records that some domains processed between two moments."""

    def __init__(self, log: Log, topology: Topology, app_id: str, before: Moment, after: Moment) -> None:
        self._log, self._topology, self._app_id = log, topology, app_id
        self._before, self._after = before, after

    async def run(self, rulebook: Rulebook, progress: Progress) -> Shadow:
        """Return the replay's tables and what differs among its events.

        Raises:
            NotCoveredError: the log lacks records of the span, or the domains processed none in it; or the rows of the
                replay cannot be divided where those of the log could.
        """
        self._refuse_another_log()
        if not any(first < end for domain in self._after.domains for _, first, end in self._spans(domain)):
            raise NotCoveredError("the domains have processed no record in this span")
        await self._refuse_gaps()
        eras = [era for era in await self._eras() if era.partitions >= self._before.partitions]
        shadow = Shadow(self._topology, self._after.domains, eras[0].partitions, rulebook)
        await self._expect(shadow)
        rows: Tables = self._before.rows
        for era in eras:
            self._begin(shadow, era, rows)
            await shadow.run(progress)
            if era is not eras[-1]:
                rows = _divided(shadow, era)
        return shadow

    async def _eras(self) -> list[Era]:
        return eras_of(await finished(self._log), self._after.partitions)

    def _begin(self, shadow: Shadow, era: Era, rows: Tables) -> None:
        """Give a replay the records of an era, and the rows that the tables had at its beginning."""
        shadow.resize(era.partitions)
        for domain in self._after.domains:
            for partition in range(era.partitions):
                fold = shadow.add(domain, partition, self._records(shadow, domain, partition, era))
                for table, found in fold.rows.items():
                    found.update(rows.get(table, {}).get(partition, {}))

    def _spans(self, domain: str) -> Iterator[tuple[TopicPartition, int, int]]:
        """Yield the partitions that a domain reads, with the first offset and the end."""
        for topic in self._topology.domain(domain).consumes:
            for partition in self._after.ends.get(topic, {}):
                tp = TopicPartition(topic, partition)
                yield tp, self._before.processed(domain, tp), self._after.processed(domain, tp)

    def _refuse_another_log(self) -> None:
        for topic, incarnation in self._before.incarnations.items():
            if self._after.incarnations.get(topic) != incarnation:
                raise NotCoveredError(f"topic {topic} was created again since the recorded moment; record another one")
        if self._before is not NOTHING and not set(self._after.domains) <= set(self._before.domains):
            missing = sorted(set(self._after.domains) - set(self._before.domains))
            raise NotCoveredError(f"the recorded moment has no tables of {', '.join(missing)}")

    async def _refuse_gaps(self) -> None:
        begins = {topic: await self._log.beginning_offsets(topic) for topic in self._after.ends}
        lacking = {
            f"{tp.topic}:{tp.partition} (kept from {begins[tp.topic][tp.partition]} on, needed from {first} on)": None
            for domain in self._after.domains
            for tp, first, end in self._spans(domain)
            if first < end and begins[tp.topic][tp.partition] > first
        }
        if lacking:
            raise NotCoveredError(
                f"retention has removed records that the replay needs: {', '.join(lacking)}. "
                "Record a moment now (--record FILE) and check from it later (--from FILE), or use --for"
            )

    async def _expect(self, shadow: Shadow) -> None:
        for topic in shadow.made_topics & self._after.ends.keys():
            for partition in self._after.ends[topic]:
                tp = TopicPartition(topic, partition)
                offset, end = self._before.end(tp), self._after.end(tp)
                while offset < end:
                    records = (await self._log.fetch({tp: offset}, count=FETCH_RECORDS)).get(tp, [])
                    if not records or records[0].offset != offset:
                        raise TrimmedError(f"retention removed record {offset} of {topic}:{partition} meanwhile")
                    for record in records:
                        if record.offset < end and (found := _EVENT.search(record.value or b"")):
                            shadow.expect(found[1].decode(), record.value or b"", found[2].decode())
                    offset = records[-1].offset + 1

    async def _records(self, shadow: Shadow, domain: str, partition: int, era: Era) -> AsyncIterator[Recorded]:
        spans = {tp: era.span(tp, *span) for tp, *span in self._spans(domain) if tp.partition == partition}
        begins, ends = {tp: first for tp, (first, _) in spans.items()}, {tp: end for tp, (_, end) in spans.items()}
        group = self._topology.group(self._app_id, domain)
        async for tp, record in in_append_order(self._log, ends, begins, count=READ_AHEAD_RECORDS):
            if is_for(record, group):
                try:
                    event = decode(record.value)
                except UndecodableEventError:  # it became a dead letter
                    continue
                made = event.causationid is not None and tp.topic in shadow.made_topics
                yield Recorded(tp.topic, event, made and record.offset >= self._before.end(tp))


def _divided(shadow: Shadow, era: Era) -> Tables:
    """Return the rows of a replay as the resize that ended an era has divided them."""
    after: dict[str, dict[int, Rows]] = defaultdict(dict)
    for parent in range(era.partitions):
        tables = {
            table: rows for name in shadow.names for table, rows in shadow.readers.pop((name, parent)).fold.rows.items()
        }
        try:
            divided = era.divided(parent, tables)
        except (NotReadyError, MisplacedError) as exc:
            raise NotCoveredError(
                f"a resize from {era.partitions} partitions is within this span, and the rows that these rules give "
                f"could not have been divided then: {exc}. Record a moment now (--record FILE) and check from it later "
                "(--from FILE)"
            ) from exc
        for partition, found in divided.items():
            for table, rows in found.items():
                after[table][partition] = rows
    return after
